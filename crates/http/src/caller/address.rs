//! The address of this server as those who ask have to call it. It is told here and nowhere else.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};

use super::client::{Network, hop_address};
use crate::header::{items, outside_quotes, text};

/// The public URL of this server: host name, scheme and path prefix. Trusted proxies override the
/// request itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address(Told);

impl Address {
    /// Reads it from a request. Headers of untrusted peers are ignored. Behind [`super::identify`],
    /// use [`Address::of`].
    pub fn read(parts: &Parts, trusted: &[Network]) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|info| info.0.ip().to_canonical());
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
        let mut told = match peer {
            Some(peer) if is_trusted(peer) => told_by_proxies(&parts.headers, &is_trusted),
            _ => Told::default(),
        };
        if told.host.is_none() {
            let own = parts.uri.authority().map(Authority::as_str);
            let own = own.or_else(|| text(&parts.headers, header::HOST));
            told.host = own.and_then(host_name);
        }
        Self(told)
    }

    /// True if the client uses TLS, with us or with a proxy.
    pub fn is_https(&self) -> bool {
        self.0.scheme == Some("https")
    }

    /// The host name, with a port unless it is the default; `None` if unknown.
    pub fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    /// The path prefix of this server, without a trailing slash: empty, or e.g. `/clips`.
    pub fn prefix(&self) -> &str {
        self.0.prefix.as_deref().unwrap_or_default()
    }

    /// One of our paths, e.g. `/media/x`, as the client has to request it.
    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix())
    }

    /// The same with scheme and host, or as [`Address::path`] gives it if no host is known.
    pub fn url(&self, path: &str) -> String {
        let path = self.path(path);
        match self.host() {
            Some(host) => format!("{}://{host}{path}", self.0.scheme.unwrap_or("http")),
            None => path,
        }
    }
}

/// The original request, as reported by proxies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Told {
    scheme: Option<&'static str>,
    host: Option<String>,
    prefix: Option<String>,
}

fn told_by_proxies(headers: &HeaderMap, is_trusted: &impl Fn(IpAddr) -> bool) -> Told {
    let standard = forwarded(headers, is_trusted);
    let usual = x_forwarded(headers, is_trusted);
    let prefix = items(headers, "x-forwarded-prefix").pop();
    let (scheme, host) = match (standard, usual) {
        (Some(told), None) | (None, Some(told)) => told,
        (Some(a), Some(b)) if a == b => a,
        // A proxy that sets one of them forwards a forged other one.
        _ => (None, None),
    };
    Told {
        scheme,
        host,
        prefix: prefix.and_then(path_prefix),
    }
}

type SchemeAndHost = (Option<&'static str>, Option<String>);

/// `Forwarded` (RFC 7239): the element of the outermost proxy that is trusted.
fn forwarded(headers: &HeaderMap, is_trusted: &impl Fn(IpAddr) -> bool) -> Option<SchemeAndHost> {
    let mut found = None;
    for item in items(headers, header::FORWARDED).into_iter().rev() {
        let mut told = (None, None);
        let mut before = None;
        for pair in outside_quotes(item, ';') {
            let Some((name, value)) = pair.trim().split_once('=') else {
                continue;
            };
            let value = value.trim_matches('"');
            match name.to_ascii_lowercase().as_str() {
                "proto" => told.0 = scheme_name(value),
                "host" => told.1 = host_name(value),
                "for" => before = hop_address(value),
                _ => {}
            }
        }
        found = Some(told);
        if !before.is_some_and(is_trusted) {
            break;
        }
    }
    found
}

/// `X-Forwarded-Proto` and `X-Forwarded-Host`, where proxies add to lists or set one value.
fn x_forwarded(headers: &HeaderMap, is_trusted: &impl Fn(IpAddr) -> bool) -> Option<SchemeAndHost> {
    let before = items(headers, "x-forwarded-for");
    let trusted = before.iter().rev();
    let trusted = trusted.take_while(|item| hop_address(item).is_some_and(is_trusted));
    // The peer is one itself.
    let proxies = trusted.count() + 1;
    let outermost = |name| {
        let mut items = items(headers, name);
        let at = items.len().saturating_sub(proxies);
        (!items.is_empty()).then(|| items.swap_remove(at))
    };
    let scheme = outermost("x-forwarded-proto");
    let host = outermost("x-forwarded-host");
    if scheme.is_none() && host.is_none() {
        return None;
    }
    Some((scheme.and_then(scheme_name), host.and_then(host_name)))
}

fn scheme_name(text: &str) -> Option<&'static str> {
    ["http", "https"]
        .into_iter()
        .find(|name| name.eq_ignore_ascii_case(text))
}

/// A host name or address with or without a port, restricted to safe characters.
fn host_name(text: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    (!text.is_empty() && text.bytes().all(plain)).then(|| text.to_owned())
}

/// A path without a trailing slash, restricted to safe characters.
fn path_prefix(text: &str) -> Option<String> {
    let text = text.trim_end_matches('/');
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    let good = text.starts_with('/') && !text.starts_with("//") && text.bytes().all(plain);
    good.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn url(peer: &str, headers: &[(&str, &str)]) -> String {
        let mut request = Request::builder().uri("/api/uploads/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let peer: SocketAddr = format!("{peer}:9").parse().unwrap();
        parts.extensions.insert(ConnectInfo(peer));
        Address::read(&parts, &["10.0.0.0/8".parse().unwrap()]).url("/api/uploads/7")
    }

    #[test]
    fn strangers_are_not_believed() {
        let forged = [
            ("host", "videos.example"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-prefix", "/x"),
            ("forwarded", "host=evil.example;proto=https"),
        ];
        assert_eq!(
            url("192.0.2.1", &forged),
            "http://videos.example/api/uploads/7"
        );
        assert_eq!(url("192.0.2.1", &[]), "/api/uploads/7");
    }

    #[test]
    fn trusted_proxies_say_how_the_server_was_called() {
        let host = ("host", "inner:8000");
        let told = |more: &[(&'static str, &'static str)]| {
            let mut headers = vec![host];
            headers.extend(more);
            url("10.0.0.1", &headers)
        };
        assert_eq!(told(&[]), "http://inner:8000/api/uploads/7");
        assert_eq!(
            told(&[("x-forwarded-proto", "https")]),
            "https://inner:8000/api/uploads/7"
        );
        assert_eq!(
            told(&[
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "v.example:444"),
                ("x-forwarded-prefix", "/clips/"),
            ]),
            "https://v.example:444/clips/api/uploads/7"
        );
        assert_eq!(
            told(&[("forwarded", "for=192.0.2.9;host=\"v.example\";proto=https")]),
            "https://v.example/api/uploads/7"
        );
    }

    #[test]
    fn the_outermost_trusted_proxy_counts() {
        let standard = "for=192.0.2.1;host=evil.example, \
                        for=192.0.2.9;host=v.example;proto=https, for=10.0.0.2;host=inner";
        assert_eq!(
            url("10.0.0.1", &[("forwarded", standard)]),
            "https://v.example/api/uploads/7"
        );
        let lists = [
            ("x-forwarded-for", "192.0.2.1, 192.0.2.9, 10.0.0.2"),
            ("x-forwarded-host", "evil.example, v.example, inner"),
            ("x-forwarded-proto", "https"),
        ];
        assert_eq!(url("10.0.0.1", &lists), "https://v.example/api/uploads/7");
        // Commas and semicolons within quotes belong to what is quoted.
        let quoted =
            "for=\"[2001:db8::1]:9\";by=\"a,b;host=evil.example\";host=v.example;proto=https";
        assert_eq!(
            url("10.0.0.1", &[("forwarded", quoted)]),
            "https://v.example/api/uploads/7"
        );
    }

    #[test]
    fn headers_that_disagree_or_lead_elsewhere_count_for_nothing() {
        let host = ("host", "v.example");
        for headers in [
            [("forwarded", "host=a"), ("x-forwarded-host", "b")],
            [("x-forwarded-host", "a/b?"), ("x-forwarded-proto", "ftp")],
            [("x-forwarded-prefix", "//evil"), ("x-forwarded-host", "")],
        ] {
            let [a, b] = headers;
            assert_eq!(
                url("10.0.0.1", &[host, a, b]),
                "http://v.example/api/uploads/7",
                "{headers:?}"
            );
        }
    }
}
