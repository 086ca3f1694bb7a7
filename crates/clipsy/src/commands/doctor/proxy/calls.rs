//! Whether requests arrive as they were sent: the address by which the server was called, methods,
//! and the token.

use clipsy_pipeline::doctor::Finding;
use serde::Deserialize;

use super::found;
use super::target::Target;
use crate::commands::exit::Refusal;

/// What the server says about a request.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    /// Bytes of the body with that token that have arrived.
    pub(super) received: usize,
    /// The address by which it was called, as far as it knows.
    called: String,
    /// True if it believes whoever connects to it.
    proxy_trusted: bool,
    /// True if the answer says that it came through something.
    #[serde(skip)]
    proxied: bool,
}

/// Asks the server.
pub(super) fn told(target: &Target, token: &str) -> anyhow::Result<Told> {
    let answer = target.ask("GET", &format!("/api/uploads/probe/{token}"), &[])?;
    match serde_json::from_slice::<Told>(&answer.body) {
        Ok(told) if answer.status == 200 => Ok(Told {
            // Clipsy itself sends neither.
            proxied: answer.header("server").is_some() || answer.header("via").is_some(),
            ..told
        }),
        _ => {
            let message = format!(
                "this is no Clipsy of this version: the test was answered with status {}",
                answer.status
            );
            Err(Refusal::new("proxy", message).into())
        }
    }
}

/// Whether the server knows how it is called.
pub(super) fn address(target: &Target) -> anyhow::Result<Finding> {
    let token = uuid::Uuid::new_v4().simple().to_string();
    let told = told(target, &token)?;
    let right = format!(
        "{}://{}{}/",
        target.scheme(),
        target.authority,
        target.prefix
    );
    Ok(judge(&right, &told))
}

fn judge(right: &str, told: &Told) -> Finding {
    let called = &told.called;
    let (reason, advice) = if !told.proxy_trusted && (told.proxied || !same(called, right)) {
        (
            format!(
                "the server does not believe the proxy, and takes its own address for {called}"
            ),
            Some(
                "set CLIPSY_TRUSTED_PROXIES to the address or network from which the proxy \
                 connects; until then limits count everybody as one",
            ),
        )
    } else if same(called, right) {
        (format!("the server knows that it is called {called}"), None)
    } else {
        let (scheme, host, path) = parts(right);
        let (told_scheme, told_host, _) = parts(called);
        let advice = if told_scheme != scheme {
            "the proxy has to send X-Forwarded-Proto; in nginx: \
             proxy_set_header X-Forwarded-Proto $scheme;"
        } else if told_host != host {
            "the proxy has to pass Host on, with its port; in nginx: \
             proxy_set_header Host $http_host;"
        } else if path == "/" {
            "the proxy must not send X-Forwarded-Prefix here"
        } else {
            "the proxy has to say below which path it is called; in nginx: \
             proxy_set_header X-Forwarded-Prefix /path; without a slash at its end"
        };
        (
            format!("the server takes its own address for {called}, not {right}"),
            Some(advice),
        )
    };
    found("address", "Address", reason, advice)
}

/// Scheme, name with a port, and path. The port that is usual is left out.
fn parts(url: &str) -> (&str, String, &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let usual = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(usual).unwrap_or(host);
    (scheme, host.to_ascii_lowercase(), path)
}

fn same(a: &str, b: &str) -> bool {
    parts(a) == parts(b)
}

/// Whether methods of tus and the token come through.
pub(super) fn methods(target: &Target) -> anyhow::Result<Finding> {
    let label = "Methods and tokens";
    let options = target.ask("OPTIONS", "/api/uploads/", &[])?;
    if options.header("tus-version").is_none() {
        let reason = format!(
            "OPTIONS is answered with status {} by another",
            options.status
        );
        let advice =
            "let OPTIONS, PATCH, HEAD and DELETE pass; answers to OPTIONS are Clipsy's own";
        return Ok(found("methods", label, reason, Some(advice)));
    }
    let headers = [
        "Authorization: Bearer doctor",
        "Tus-Resumable: 1.0.0",
        "Upload-Offset: 0",
        "Content-Type: application/offset+octet-stream",
        "Content-Length: 0",
    ];
    let patch = target.ask("PATCH", "/api/uploads/doctor", &headers)?;
    let (reason, advice) = match patch.header("clipsy-error-code") {
        Some("token_not_valid") => ("methods and tokens pass".to_owned(), None),
        Some("not_authenticated") => (
            "the header Authorization is lost".to_owned(),
            Some("let the proxy pass Authorization on, and ask for no password of its own"),
        ),
        _ => (
            format!("PATCH is answered with status {} by another", patch.status),
            Some("let OPTIONS, PATCH, HEAD and DELETE pass"),
        ),
    };
    Ok(found("methods", label, reason, advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_its_own_advice() {
        let advice = |called: &str, proxy_trusted, proxied| {
            let told = Told {
                received: 0,
                called: called.to_owned(),
                proxy_trusted,
                proxied,
            };
            judge("https://v.example/clips/", &told).advice
        };
        assert_eq!(advice("https://v.example/clips/", true, true), None);
        assert_eq!(advice("https://V.example:443/clips/", true, true), None);
        assert_eq!(advice("https://v.example/clips/", false, false), None);
        for (called, trusted, word) in [
            ("http://v.example/clips/", true, "X-Forwarded-Proto"),
            ("https://127.0.0.1:8000/clips/", true, "Host"),
            ("https://v.example/", true, "X-Forwarded-Prefix /path"),
            ("http://v.example/", false, "CLIPSY_TRUSTED_PROXIES"),
            ("https://v.example/clips/", false, "CLIPSY_TRUSTED_PROXIES"),
        ] {
            let advice = advice(called, trusted, true).unwrap();
            assert!(advice.contains(word), "{called}: {advice}");
        }
    }
}
