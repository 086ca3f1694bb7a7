//! A client of HTTP that sends exactly what it is told, and what came back.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longest wait for anything.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A connection on which no test waits for ever.
pub fn connect(address: SocketAddr) -> TcpStream {
    patient(TcpStream::connect(address).unwrap())
}

/// `stream` with an end to its patience.
pub fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends a request with these headers besides `Host` and `Content-Length`, on a connection of its own.
pub fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    let has = |name| headers.iter().any(|(other, _)| *other == name);
    if !has("Host") {
        write!(head, "Host: {address}\r\n").unwrap();
    }
    if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
        write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
    }
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head.push_str("\r\n");
    let mut stream = connect(address);
    stream.write_all(head.as_bytes()).unwrap();
    // A server that refuses early may stop reading.
    let _ = stream.write_all(body);
    Answer::read(stream, method == "HEAD")
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values, in their order.
    pub headers: Vec<(String, String)>,
    /// The body, out of its chunks.
    pub body: Vec<u8>,
}

impl Answer {
    /// Sends `bytes` in chunks as the body of a request whose head was sent, and reads the answer.
    pub fn of_chunks(mut stream: TcpStream, bytes: &[u8]) -> Self {
        for chunk in bytes.chunks(1 << 20) {
            stream
                .write_all(format!("{:x}\r\n", chunk.len()).as_bytes())
                .unwrap();
            stream.write_all(chunk).unwrap();
            stream.write_all(b"\r\n").unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
        Self::read(stream, false)
    }

    /// Reads an answer until the connection closes.
    pub fn read(mut stream: TcpStream, head_only: bool) -> Self {
        let mut all = Vec::new();
        // A server that refused a body may cut the connection after its answer.
        if let Err(error) = stream.read_to_end(&mut all) {
            assert!(!all.is_empty(), "no answer: {error}");
        }
        let end = all
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(&all)));
        let head = String::from_utf8(all[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Self {
            status: status.parse().unwrap(),
            headers,
            body: all[end + 4..].to_vec(),
        };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = unchunked(&answer.body);
        } else if let Some(length) = answer.header("content-length")
            && !head_only
            && answer.status != 304
        {
            assert_eq!(length, answer.body.len().to_string());
        } else {
            answer.body.shrink_to_fit();
            assert!(answer.body.is_empty());
        }
        answer
    }

    /// What came back to a client that follows all rules.
    pub fn of(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Self {
        let mut response = response.unwrap();
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), value.into_owned())
        });
        Self {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body: response
                .body_mut()
                .with_config()
                .limit(1 << 30)
                .read_to_vec()
                .unwrap(),
        }
    }

    /// The first header of that name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// The code of the first error in an answer of GraphQL; empty if there is none.
    #[track_caller]
    pub fn code(&self) -> String {
        let json = self.json();
        let code = &json["errors"][0]["extensions"]["code"];
        code.as_str().unwrap_or_default().to_owned()
    }

    /// Status, code and exact body of an error of REST.
    #[track_caller]
    pub fn is_error(&self, status: u16, code: &str, body: &str) {
        assert_eq!(
            (self.status, self.header("clipsy-error-code"), self.text()),
            (status, Some(code), body.to_owned())
        );
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert!(self.header("x-request-id").is_some());
    }

    /// [`Answer::is_error`] for what is not there, or not for the caller.
    #[track_caller]
    pub fn is_not_found(&self) {
        self.is_error(404, "not_found", r#"{"detail":"Not found."}"#);
    }
}

/// What is in the chunks of a body (RFC 9112 section 7.1), which must have an end.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|w| w == b"\r\n").unwrap();
        let length = std::str::from_utf8(&rest[..line]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        rest = &rest[line + 2..];
        body.extend_from_slice(&rest[..length]);
        assert_eq!(&rest[length..length + 2], b"\r\n");
        rest = &rest[length + 2..];
        if length == 0 {
            assert!(rest.is_empty());
            return body;
        }
    }
}

/// A multipart form.
#[must_use = "it has to be sent"]
#[derive(Debug, Default)]
pub struct Form(Vec<u8>);

impl Form {
    /// The `Content-Type` of all forms.
    pub const TYPE: &'static str = "multipart/form-data; boundary=----7d4a6d158c9";

    /// A form without parts.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a field.
    pub fn text(self, name: &str, value: &str) -> Self {
        self.part(&format!("name=\"{name}\""), value.as_bytes())
    }

    /// With a video.
    pub fn file(self, name: &str, bytes: &[u8]) -> Self {
        let head = format!("name=\"video_file\"; filename=\"{name}\"\r\nContent-Type: video/mp4");
        self.part(&head, bytes)
    }

    /// With a part whose `Content-Disposition` goes on like that, and may be followed by other headers.
    pub fn part(mut self, disposition: &str, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(
            format!("------7d4a6d158c9\r\nContent-Disposition: form-data; {disposition}\r\n\r\n")
                .as_bytes(),
        );
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    /// The bytes of the form.
    pub fn end(&self) -> Vec<u8> {
        let mut all = self.0.clone();
        all.extend_from_slice(b"------7d4a6d158c9--\r\n");
        all
    }
}
