//! `clipsy health`: asks a running service whether it is well, for container engines and service
//! managers, so that they need no other program for it.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::Context as _;

use super::exit::{Refusal, UsageError};
use super::print;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
const MOST: u64 = 64 << 10;

/// Arguments of `clipsy health`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to ask, without encryption. `/readyz` also asks whether database and media are there
    #[arg(default_value = "http://127.0.0.1:8000/healthz", value_name = "URL")]
    url: String,
}

/// Runs the command. It succeeds if the answer is 200.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let (authority, path) = parse(&args.url)?;
    let answer = ask(authority, &path).with_context(|| format!("could not ask {}", args.url))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => {
            print(&format!("{}\n", body.trim()))?;
            Ok(())
        }
        Some(status) => {
            let message = format!("{} answered {status}: {}", args.url, body.trim());
            Err(Refusal::new("unhealthy", message).into())
        }
        None => Err(Refusal::new("unhealthy", "the answer is not HTTP".to_owned()).into()),
    }
}

/// Host with port, and path.
fn parse(url: &str) -> Result<(&str, String), UsageError> {
    let rest = url
        .strip_prefix("http://")
        .filter(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
        .ok_or_else(|| UsageError(format!("{url:?} is no http:// address")))?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.rsplit_once(':').is_none() {
        return Err(UsageError(format!("{url:?} names no port")));
    }
    Ok((authority, format!("/{path}")))
}

fn ask(authority: &str, path: &str) -> anyhow::Result<String> {
    let address = authority
        .to_socket_addrs()?
        .next()
        .context("the name has no address")?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let head = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let read = |url| parse(url).ok();
        assert_eq!(read("http://a:1"), Some(("a:1", "/".into())));
        assert_eq!(read("http://[::1]:1/x/y"), Some(("[::1]:1", "/x/y".into())));
        for url in [
            "https://a:1/",
            "a:1",
            "http://",
            "http://a/x",
            "http://a:1/ x",
        ] {
            assert_eq!(read(url), None, "{url}");
        }
    }
}
