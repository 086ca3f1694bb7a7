//! Whom to ask, and how: over TCP or TLS, in the plainest HTTP.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use clipsy_pipeline::doctor::Finding;

use super::found;
use super::tls::Tls;
use crate::commands::exit::UsageError;

/// How long any single answer may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Whom to ask.
#[derive(Debug)]
pub(super) struct Target {
    /// Name or address with the port, if one was given.
    pub(super) authority: String,
    /// What comes before `/api/` in paths, without a slash at its end.
    pub(super) prefix: String,
    tls: Option<Tls>,
}

/// A connection.
pub(super) trait Connection: Read + Write {}
impl<T: Read + Write> Connection for T {}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Target {
    pub(super) fn parse(url: &str, ca: Option<&Path>) -> anyhow::Result<Self> {
        let (secure, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => {
                let message = format!("--proxy: {url:?} begins with neither http:// nor https://");
                return Err(UsageError(message).into());
            }
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.is_empty() || authority.contains(['@', ' ']) {
            return Err(UsageError(format!("--proxy: {url:?} is no address")).into());
        }
        let path = path.trim_end_matches('/');
        Ok(Self {
            authority: authority.to_owned(),
            prefix: match path {
                "" => String::new(),
                path => format!("/{path}"),
            },
            tls: secure.then(|| Tls::new(ca)).transpose()?,
        })
    }

    /// `http` or `https`.
    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Sends a request and reads the answer until the connection ends. `headers` are whole lines.
    pub(super) fn ask(&self, method: &str, path: &str, headers: &[&str]) -> anyhow::Result<Answer> {
        let mut connection = self.send(method, path, headers)?;
        Answer::read(&mut connection)
    }

    /// Sends the head of a request.
    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
    ) -> anyhow::Result<Box<dyn Connection>> {
        let mut connection = self.connect(TIMEOUT)?;
        let mut head = format!(
            "{method} {}{path} HTTP/1.1\r\nHost: {}\r\n",
            self.prefix, self.authority
        );
        if !headers.iter().any(|line| line.starts_with("Connection:")) {
            head.push_str("Connection: close\r\n");
        }
        for line in headers {
            head.push_str(line);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        connection.write_all(head.as_bytes())?;
        connection.flush()?;
        Ok(connection)
    }

    /// The name without a port.
    fn host(&self) -> &str {
        self.authority.rsplit_once(':').map_or(
            self.authority.as_str(),
            // The colons of an IPv6 address in brackets are none of a port.
            |(host, port)| {
                if port.ends_with(']') {
                    &self.authority
                } else {
                    host
                }
            },
        )
    }

    /// Connects; each read may take `patience`.
    pub(super) fn connect(&self, patience: Duration) -> anyhow::Result<Box<dyn Connection>> {
        let address = if self.host() == self.authority {
            let port = if self.tls.is_some() { 443 } else { 80 };
            format!("{}:{port}", self.authority)
        } else {
            self.authority.clone()
        };
        let mut last = None;
        for address in address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, TIMEOUT) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(patience))?;
                    stream.set_write_timeout(Some(TIMEOUT))?;
                    return match &self.tls {
                        None => Ok(Box::new(stream)),
                        Some(tls) => tls.wrap(stream, self.host()),
                    };
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("the name has no address")?.into())
    }

    /// Whether the certificate is good, if there is one.
    pub(super) fn certificate(&self) -> Option<Finding> {
        let trouble = self.tls.as_ref()?.trouble();
        Some(match trouble {
            None => found("certificate", "Certificate", "it is good", None),
            Some(trouble) => found(
                "certificate",
                "Certificate",
                format!("browsers will refuse it: {trouble}"),
                Some(
                    "have the proxy send the whole chain of a certificate for this name; if its \
                     authority is your own, name its file with --proxy-ca",
                ),
            ),
        })
    }
}

impl Answer {
    /// Reads until the end.
    pub(super) fn read(connection: &mut impl Read) -> anyhow::Result<Self> {
        let mut all = Vec::new();
        // Whoever refused a body may cut the connection after the answer, and not all say goodbye.
        if let Err(error) = connection.read_to_end(&mut all)
            && all.is_empty()
        {
            return Err(error).context("no answer");
        }
        let end = all.windows(4).position(|w| w == b"\r\n\r\n");
        let (head, body) = all.split_at(end.map_or(all.len(), |at| at + 4));
        let head = String::from_utf8_lossy(head);
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Self {
            status: status
                .and_then(|code| code.parse().ok())
                .context("the answer is not HTTP")?,
            headers,
            body: body.to_vec(),
        };
        if answer.header("transfer-encoding").is_some() {
            answer.body = without_chunks(&answer.body);
        }
        Ok(answer)
    }

    /// The value of a header, by its name in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The data of chunks (RFC 9112 section 7.1), as far as they are whole.
fn without_chunks(mut body: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    while let Some(at) = body.windows(2).position(|w| w == b"\r\n") {
        let size = String::from_utf8_lossy(&body[..at]);
        let size = size.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(size, 16) else {
            break;
        };
        let rest = &body[at + 2..];
        if size == 0 {
            break;
        }
        data.extend_from_slice(&rest[..size.min(rest.len())]);
        body = rest.get(size + 2..).unwrap_or_default();
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let target = |url: &str| {
            let target = Target::parse(url, None)?;
            let host = target.host().to_owned();
            anyhow::Ok((target.scheme(), target.authority, host, target.prefix))
        };
        let read = |scheme, authority: &str, host: &str, prefix: &str| {
            (
                scheme,
                authority.to_owned(),
                host.to_owned(),
                prefix.to_owned(),
            )
        };
        assert_eq!(target("http://a").unwrap(), read("http", "a", "a", ""));
        assert_eq!(
            target("https://a:81/").unwrap(),
            read("https", "a:81", "a", "")
        );
        assert_eq!(
            target("http://[::1]/x/y/").unwrap(),
            read("http", "[::1]", "[::1]", "/x/y")
        );
        assert_eq!(
            target("http://[::1]:8/").unwrap(),
            read("http", "[::1]:8", "[::1]", "")
        );
        for url in ["ftp://a", "a", "http://", "https://", "http://u@a", ""] {
            assert!(target(url).is_err(), "{url}");
        }
    }

    #[test]
    fn answers_are_read_in_chunks_or_whole() {
        let read = |text: &str| Answer::read(&mut text.as_bytes()).unwrap();
        let answer = read("HTTP/1.1 206 x\r\nContent-Range: bytes 0-2/9\r\n\r\nabc");
        assert_eq!((answer.status, answer.text()), (206, "abc".to_owned()));
        assert_eq!(answer.header("content-range"), Some("bytes 0-2/9"));
        let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                      3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert_eq!(read(chunks).text(), "abcde");
        assert!(Answer::read(&mut "nonsense".as_bytes()).is_err());
    }
}
