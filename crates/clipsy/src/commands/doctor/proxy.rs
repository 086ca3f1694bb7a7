//! `clipsy doctor --proxy URL`: whether a proxy in front of the service hands request bodies on as
//! they come.
//!
//! A proxy that holds a body back until it is complete loses all of it when the sender's connection
//! breaks, and then no upload can be resumed. So half of a body is sent, and a second request asks
//! how much of it has arrived.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clipsy_pipeline::doctor::Finding;
use serde::Serialize;

use crate::commands::exit::{Refusal, UsageError};
use crate::commands::{print, print_json};

/// Bytes of the body. More than the usual limits of proxies, which are found that way, too.
const BODY: usize = 4 << 20;
/// Bytes of it that are sent before it is asked for.
const HALF: usize = BODY / 2;
/// How long they may be under way.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long any single answer may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Runs the test. Fails if uploads cannot be resumed through the proxy.
pub(super) fn run(url: &str, json: bool) -> anyhow::Result<()> {
    let target = Target::parse(url)?;
    let outcome = try_proxy(&target).with_context(|| format!("could not ask {url}"))?;
    let finding = finding(&outcome);
    if json {
        print_json(&Report {
            proxy: &finding,
            sent: HALF,
            received: outcome.received,
        })?;
    } else {
        let mut text = String::new();
        super::describe_finding(&mut text, &finding);
        print(&text)?;
    }
    if finding.works {
        Ok(())
    } else {
        let advice = finding.advice.unwrap_or_default();
        Err(Refusal::new("proxy", format!("{}: {advice}", finding.reason)).into())
    }
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report<'a> {
    proxy: &'a Finding,
    /// Bytes that were sent before it was asked how many had arrived.
    sent: usize,
    /// Bytes that had arrived then.
    received: usize,
}

/// What was seen.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// Bytes of the first half that arrived before the second was sent.
    received: usize,
    /// How the whole request was answered.
    status: u16,
}

fn finding(outcome: &Outcome) -> Finding {
    let held = outcome.received < HALF;
    let (reason, advice) = match outcome.status {
        413 => (
            "request bodies of 4 MB are refused as too large".to_owned(),
            Some("raise the proxy's limit; in nginx: client_max_body_size 0;"),
        ),
        200 if held => (
            format!(
                "request bodies are held back: {HALF} bytes were sent, {} had arrived after {} s",
                outcome.received,
                PATIENCE.as_secs()
            ),
            Some("turn request buffering off; in nginx: proxy_request_buffering off;"),
        ),
        200 => ("request bodies arrive as they are sent".to_owned(), None),
        status => (
            format!("the test was answered with status {status}"),
            Some("check that the address is that of Clipsy"),
        ),
    };
    let (works, advice) = (advice.is_none(), advice.map(str::to_owned));
    Finding {
        label: "Uploads through the proxy".into(),
        ..Finding::new("proxy", works, reason, advice)
    }
}

fn try_proxy(target: &Target) -> anyhow::Result<Outcome> {
    let token = uuid::Uuid::new_v4().simple().to_string();
    let path = format!("{}/api/uploads/probe/{token}", target.prefix);
    let mut sending = target.connect()?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {BODY}\r\n\r\n",
        target.authority
    );
    let half = vec![b'x'; HALF];
    // A proxy that refuses the body may stop reading; its answer says why.
    let sent = sending
        .write_all(head.as_bytes())
        .and_then(|()| sending.write_all(&half));
    let mut received = 0;
    if sent.is_ok() {
        let end = Instant::now() + PATIENCE;
        while received < HALF && Instant::now() < end {
            received = arrived(target, &path)?;
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = sending.write_all(&half);
    }
    let (status, _) = answer(sending)?;
    Ok(Outcome { received, status })
}

/// How many bytes have arrived at the other side.
fn arrived(target: &Target, path: &str) -> anyhow::Result<usize> {
    let mut asking = target.connect()?;
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        target.authority
    );
    asking.write_all(head.as_bytes())?;
    let (status, body) = answer(asking)?;
    // Digits are enough to know: a proxy may have wrapped the body in chunks.
    let number = body
        .split_once("\"received\":")
        .map(|(_, rest)| rest.trim_start())
        .map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    match number.flatten().and_then(|digits| digits.parse().ok()) {
        Some(number) if status == 200 => Ok(number),
        _ => {
            let message = format!("this is no Clipsy: the test was answered with status {status}");
            Err(Refusal::new("proxy", message).into())
        }
    }
}

/// Status and body of an answer, read until the connection ends.
fn answer(mut stream: TcpStream) -> anyhow::Result<(u16, String)> {
    let mut all = Vec::new();
    // Whoever refused a body may cut the connection after the answer.
    if let Err(error) = stream.read_to_end(&mut all)
        && all.is_empty()
    {
        return Err(error).context("no answer");
    }
    let text = String::from_utf8_lossy(&all);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.context("the answer is not HTTP")?;
    Ok((status, body.to_owned()))
}

/// Whom to ask.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    /// Name or address with the port, if one was given.
    authority: String,
    /// What comes before `/api/` in paths.
    prefix: String,
}

impl Target {
    fn parse(url: &str) -> Result<Self, UsageError> {
        let Some(rest) = url.strip_prefix("http://") else {
            return Err(UsageError(format!(
                "--proxy: {url:?} does not begin with http://; docs/OPERATIONS.md says how to try \
                 an https address with curl"
            )));
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.is_empty() || authority.contains(['@', ' ']) {
            return Err(UsageError(format!("--proxy: {url:?} is no address")));
        }
        let path = path.trim_end_matches('/');
        Ok(Self {
            authority: authority.to_owned(),
            prefix: match path {
                "" => String::new(),
                path => format!("/{path}"),
            },
        })
    }

    fn connect(&self) -> anyhow::Result<TcpStream> {
        let bare = self.authority.rsplit_once(':').is_none_or(|(_, port)| {
            // The colons of an IPv6 address in brackets are none of a port.
            port.ends_with(']')
        });
        let address = if bare {
            format!("{}:80", self.authority)
        } else {
            self.authority.clone()
        };
        let mut last = None;
        for address in address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, TIMEOUT) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(TIMEOUT))?;
                    stream.set_write_timeout(Some(TIMEOUT))?;
                    return Ok(stream);
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("the name has no address")?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let target = |url: &str| Target::parse(url).map(|t| (t.authority, t.prefix));
        let read = |authority: &str, prefix: &str| (authority.to_owned(), prefix.to_owned());
        assert_eq!(target("http://a").unwrap(), read("a", ""));
        assert_eq!(target("http://a:81/").unwrap(), read("a:81", ""));
        assert_eq!(target("http://[::1]/x/y/").unwrap(), read("[::1]", "/x/y"));
        for url in ["https://a", "a", "http://", "http://u@a", ""] {
            assert!(target(url).is_err(), "{url}");
        }
    }

    #[test]
    fn only_a_body_that_arrives_at_once_works() {
        let works = |received, status| finding(&Outcome { received, status }).works;
        assert!(works(HALF, 200));
        assert!(!works(0, 200));
        assert!(!works(HALF - 1, 200));
        assert!(!works(0, 413));
        assert!(!works(HALF, 502));
    }
}
