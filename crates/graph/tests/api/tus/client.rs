//! A sender that speaks tus, and sends exactly what it is told.

use std::io::Write as _;
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::support::{Answer, Server};

pub(crate) const OFFSET_STREAM: (&str, &str) = ("Content-Type", "application/offset+octet-stream");

/// Somebody who is signed in.
pub(crate) struct Sender<'s> {
    pub(crate) server: &'s Server,
    bearer: String,
}

/// A sender with that name.
pub(crate) fn sender<'s>(server: &'s Server, name: &str) -> Sender<'s> {
    let bearer = format!("Bearer {}", server.token(name));
    Sender { server, bearer }
}

impl Sender<'_> {
    /// Sends a request with the version and the token.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut all = vec![
            ("Tus-Resumable", "1.0.0"),
            ("Authorization", self.bearer.as_str()),
        ];
        all.extend(headers);
        self.server.send(method, path, &all, body)
    }

    pub(crate) fn create(&self, headers: &[(&str, &str)]) -> Answer {
        self.send("POST", "/api/uploads/", headers, b"")
    }

    /// Begins an upload of that length; its path.
    pub(crate) fn begin(&self, length: usize) -> String {
        let length = length.to_string();
        self.begin_with(&[("Upload-Length", &length)])
    }

    /// Begins an upload; its path.
    pub(crate) fn begin_with(&self, headers: &[(&str, &str)]) -> String {
        let answer = self.create(headers);
        assert_eq!(answer.status, 201, "{}", answer.text());
        path_of(&answer)
    }

    pub(crate) fn patch(&self, path: &str, offset: usize, body: &[u8]) -> Answer {
        self.patch_with(path, offset, &[], body)
    }

    pub(crate) fn patch_with(
        &self,
        path: &str,
        offset: usize,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let offset = offset.to_string();
        let mut all = vec![OFFSET_STREAM, ("Upload-Offset", offset.as_str())];
        all.extend(headers);
        self.send("PATCH", path, &all, body)
    }

    /// Sends the head of a `PATCH` and what there is of its body, and leaves the socket open.
    /// `length` is `Content-Length: 5` or `Transfer-Encoding: chunked`.
    pub(crate) fn open_patch(
        &self,
        path: &str,
        offset: usize,
        length: &str,
        body: &[u8],
    ) -> TcpStream {
        self.open(
            "PATCH",
            path,
            &format!("Upload-Offset: {offset}\r\n{length}"),
            body,
        )
    }

    /// The same for any method.
    pub(crate) fn open(&self, method: &str, path: &str, lines: &str, body: &[u8]) -> TcpStream {
        let mut stream = self.server.connect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\n\
             Authorization: {}\r\nContent-Type: application/offset+octet-stream\r\n{lines}\r\n\r\n",
            self.bearer
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        stream
    }

    pub(crate) fn head(&self, path: &str) -> Answer {
        self.send("HEAD", path, &[], b"")
    }

    /// Where the upload ends, as `HEAD` says.
    pub(crate) fn offset(&self, path: &str) -> usize {
        let answer = self.head(path);
        assert_eq!(answer.status, 200, "{:?}", answer.headers);
        offset_of(&answer)
    }

    /// How many bytes have arrived, without disturbing whoever sends.
    pub(crate) fn peek(&self, path: &str) -> usize {
        let answer = self.send("GET", path, &[], b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
        usize::try_from(answer.json()["offset"].as_u64().unwrap()).unwrap()
    }

    /// Sends all of a file in one go; the number of its video.
    pub(crate) fn upload(&self, headers: &[(&str, &str)], body: &[u8]) -> i64 {
        let length = body.len().to_string();
        let mut all = vec![("Upload-Length", length.as_str())];
        all.extend(headers);
        let path = self.begin_with(&all);
        let answer = self.patch(&path, 0, body);
        assert_eq!(answer.status, 204, "{}", answer.text());
        video_of(&answer).unwrap()
    }

    /// The original of a video.
    pub(crate) fn original(&self, video: i64) -> Vec<u8> {
        let path = format!("/api/videos/{video}/stream/");
        let answer = self.send("GET", &path, &[], b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.body
    }

    /// Numbers and titles of all videos, the newest first.
    pub(crate) fn videos(&self) -> Vec<(i64, String)> {
        let videos = self.send("GET", "/api/videos/", &[], b"").json();
        let read = |video: &serde_json::Value| {
            let title = video["title"].as_str().unwrap().to_owned();
            (video["id"].as_i64().unwrap(), title)
        };
        videos.as_array().unwrap().iter().map(read).collect()
    }
}

/// The path in `Location`.
pub(crate) fn path_of(answer: &Answer) -> String {
    let url = answer.header("location").unwrap();
    let at = url.find("/api/").unwrap();
    url[at..].to_owned()
}

/// The number in the path of an upload.
pub(crate) fn id_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

pub(crate) fn offset_of(answer: &Answer) -> usize {
    answer.header("upload-offset").unwrap().parse().unwrap()
}

/// The video that an answer names.
pub(crate) fn video_of(answer: &Answer) -> Option<i64> {
    answer
        .header("clipsy-video-id")
        .map(|id| id.parse().unwrap())
}

/// Status and code of an error.
#[track_caller]
pub(crate) fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status, answer.header("clipsy-error-code")),
        (status, Some(code)),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("tus-resumable"), Some("1.0.0"));
}

/// Bytes that differ everywhere, and for each seed.
pub(crate) fn pattern(size: usize, seed: usize) -> Vec<u8> {
    (0..size)
        .map(|index| (index * 31 + index / 251 + index / 65_521 + seed * 7) as u8)
        .collect()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    base64(&Sha256::digest(bytes))
}
