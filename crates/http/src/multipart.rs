//! Multipart forms (RFC 7578), read piece by piece in constant memory.
//!
//! At most one read and one header block of a body are in memory, and data is passed on without
//! copying. Existing parsers buffer everything up to the next boundary or blank line, however far
//! that is.

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;
use percent_encoding::percent_decode_str;

use crate::body::{BodyError, Result, Timed};

/// Longest header block of a part in bytes.
const MAX_HEAD: usize = 16 << 10;
/// Most parts of a form.
const MAX_PARTS: usize = 100;

/// A form that is being read.
#[derive(Debug)]
pub struct Multipart<'a> {
    body: &'a mut Timed,
    /// What was read and not taken yet.
    buffer: Bytes,
    /// `CRLF "--" boundary`.
    delimiter: Finder<'static>,
    position: Position,
    parts: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// In the data of a part, or in the preamble.
    Data,
    /// Behind a delimiter.
    Delimiter,
    /// Behind the last one.
    End,
}

/// What the headers of a part say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartHead {
    /// Name of the field.
    pub name: String,
    /// File name without folders; `None` if the part is not a file.
    pub file_name: Option<String>,
    /// Media type as given by the client; may be empty.
    pub content_type: String,
}

impl<'a> Multipart<'a> {
    /// Reads `body`, whose parts are separated by `boundary`; without one it is refused.
    pub fn new(body: &'a mut Timed, boundary: Option<String>) -> Result<Self> {
        let boundary = boundary.ok_or_else(|| bad("Invalid boundary in multipart: None"))?;
        let delimiter = format!("\r\n--{boundary}");
        // The first delimiter need not follow a line.
        let buffer = Bytes::from_static(b"\r\n");
        Ok(Self {
            body,
            buffer,
            delimiter: Finder::new(delimiter.as_bytes()).into_owned(),
            position: Position::Data,
            parts: 0,
        })
    }

    /// Advances to the next part, skipping the rest of the current one. `None` at the end.
    pub async fn next_part(&mut self) -> Result<Option<PartHead>> {
        while self.piece().await?.is_some() {}
        if self.position == Position::End {
            return Ok(None);
        }
        self.fill(2).await?;
        if self.buffer.starts_with(b"--") {
            self.position = Position::End;
            // The epilogue is ignored, but must be read before the connection can be reused.
            while self.body.next().await?.is_some() {}
            return Ok(None);
        }
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(bad("Too many parts"));
        }
        let head = self.head().await?;
        self.position = Position::Data;
        Ok(Some(head))
    }

    /// The next chunk of the current part. `None` at its end.
    pub async fn piece(&mut self) -> Result<Option<Bytes>> {
        if self.position != Position::Data {
            return Ok(None);
        }
        loop {
            let free = match self.delimiter.find(&self.buffer) {
                Some(0) => {
                    let _ = self.buffer.split_to(self.delimiter.needle().len());
                    self.position = Position::Delimiter;
                    return Ok(None);
                }
                Some(at) => at,
                None => self.buffer.len() - begun(&self.buffer, self.delimiter.needle()),
            };
            if free > 0 {
                return Ok(Some(self.buffer.split_to(free)));
            }
            self.read().await?;
        }
    }

    /// The whole part as text; `None` if it has more than `limit` bytes, which are skipped.
    pub async fn text(&mut self, limit: usize) -> Result<Option<String>> {
        let mut text = Vec::new();
        let mut fits = true;
        while let Some(piece) = self.piece().await? {
            fits &= text.len() + piece.len() <= limit;
            if fits {
                text.extend_from_slice(&piece);
            }
        }
        Ok(fits.then(|| String::from_utf8_lossy(&text).into_owned()))
    }

    /// The rest of the delimiter's line, and the headers behind it.
    async fn head(&mut self) -> Result<PartHead> {
        let line = self.until(b"\r\n", 256).await?;
        if line.iter().any(|b| !matches!(b, b' ' | b'\t')) {
            return Err(bad("Invalid boundary line"));
        }
        let mut head = PartHead {
            name: String::new(),
            file_name: None,
            content_type: String::new(),
        };
        let mut left = MAX_HEAD;
        loop {
            let line = self.until(b"\r\n", left).await?;
            if line.is_empty() {
                break;
            }
            left = left.saturating_sub(line.len() + 2);
            let line = String::from_utf8_lossy(&line);
            let Some((name, value)) = line.split_once(':') else {
                return Err(bad("Invalid part header"));
            };
            match name.trim().to_ascii_lowercase().as_str() {
                "content-disposition" => disposition(value, &mut head),
                "content-type" => value.trim().clone_into(&mut head.content_type),
                _ => {}
            }
        }
        if head.name.is_empty() {
            return Err(bad("A part has no name"));
        }
        Ok(head)
    }

    /// Takes what comes before `end`, at most `limit` bytes, and `end` itself.
    async fn until(&mut self, end: &[u8], limit: usize) -> Result<Bytes> {
        let mut from = 0;
        loop {
            if let Some(at) = memchr::memmem::find(&self.buffer[from..], end) {
                let taken = self.buffer.split_to(from + at);
                let _ = self.buffer.split_to(end.len());
                return Ok(taken);
            }
            from = self.buffer.len().saturating_sub(end.len() - 1);
            if from > limit {
                return Err(bad("The headers of a part are too long"));
            }
            self.read().await?;
        }
    }

    /// Reads until the buffer has that many bytes.
    async fn fill(&mut self, bytes: usize) -> Result<()> {
        while self.buffer.len() < bytes {
            self.read().await?;
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<()> {
        let Some(chunk) = self.body.next().await? else {
            return Err(bad("The last boundary is missing"));
        };
        if self.buffer.is_empty() {
            self.buffer = chunk;
        } else {
            // Rare or short: a delimiter or header may continue in the new data.
            let mut joined = match std::mem::take(&mut self.buffer).try_into_mut() {
                Ok(own) => own,
                Err(shared) => BytesMut::from(&shared[..]),
            };
            joined.extend_from_slice(&chunk);
            self.buffer = joined.freeze();
        }
        Ok(())
    }
}

/// Length of the longest end of `data` with which a delimiter may begin. It holds no whole one.
fn begun(data: &[u8], delimiter: &[u8]) -> usize {
    let longest = data.len().min(delimiter.len() - 1);
    let end = &data[data.len() - longest..];
    memchr::memchr_iter(delimiter[0], end)
        .find(|at| delimiter.starts_with(&end[*at..]))
        .map_or(0, |at| end.len() - at)
}

fn bad(what: &str) -> BodyError {
    BodyError::Malformed(format!("Multipart form parse error - {what}"))
}

/// Reads `form-data; name="…"; filename="…"; filename*=UTF-8''…`.
fn disposition(value: &str, head: &mut PartHead) {
    let mut plain = None;
    let mut extended = None;
    for (name, value) in parameters(value) {
        match name.as_str() {
            "name" => head.name = value,
            "filename" => plain = Some(value),
            "filename*" => extended = extended_value(&value),
            _ => {}
        }
    }
    // Some clients send the full path of the file.
    head.file_name = extended.or(plain).map(|name| {
        name.rsplit(['/', '\\'])
            .next()
            .unwrap_or_default()
            .to_owned()
    });
}

/// Reads `CHARSET'LANGUAGE'TEXT` with percent escapes (RFC 8187 section 3.2); the language may be
/// missing. `None` if it is not text in a charset that has to be known: UTF-8, or ISO-8859-1 of the
/// standard before.
fn extended_value(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, text) = rest.split_once('\'')?;
    let bytes = percent_decode_str(text);
    if charset.eq_ignore_ascii_case("utf-8") {
        Some(bytes.decode_utf8().ok()?.into_owned())
    } else if charset.eq_ignore_ascii_case("iso-8859-1") {
        Some(bytes.map(char::from).collect())
    } else {
        None
    }
}

/// The parameters of a header. Quotes inside a value are escaped as browsers do it (`%22`) or with
/// a back slash, which otherwise is part of a path.
fn parameters(value: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', '\t', ';']).to_ascii_lowercase();
        let after = after.trim_start();
        let (value, end) = if let Some(quoted) = after.strip_prefix('"') {
            let end = closing_quote(quoted);
            let value = quoted[..end].replace("\\\"", "\"").replace("%22", "\"");
            (value, end + 2)
        } else {
            let end = after.find(';').unwrap_or(after.len());
            (after[..end].trim().to_owned(), end)
        };
        found.push((name, value));
        rest = after.get(end..).unwrap_or_default();
    }
    found
}

/// Where a quoted text ends whose first quote was taken.
fn closing_quote(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c == '"' && !escaped {
            return at;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Limits;
    use axum::body::Body;
    use axum::http::HeaderMap;
    use std::time::Duration;

    const LIMITS: Limits = Limits {
        bytes: u64::MAX,
        timeout: Duration::from_mins(1),
        deadline: Duration::MAX,
        rate: 1 << 10,
        window: Duration::from_mins(1),
    };

    /// Reads a form that arrives in chunks of that size: names, file names and data.
    async fn read(
        form: &[u8],
        chunk: usize,
        boundary: &str,
    ) -> Result<Vec<(String, Option<String>, Vec<u8>)>> {
        let chunks: Vec<Result<Bytes, std::io::Error>> = form
            .chunks(chunk)
            .map(|c| Ok(Bytes::copy_from_slice(c)))
            .collect();
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        let mut body = Timed::new(&HeaderMap::new(), body, &LIMITS);
        let mut form = Multipart::new(&mut body, Some(boundary.to_owned()))?;
        let mut parts = Vec::new();
        while let Some(head) = form.next_part().await? {
            let mut data = Vec::new();
            while let Some(piece) = form.piece().await? {
                assert!(!piece.is_empty());
                data.extend_from_slice(&piece);
            }
            parts.push((head.name, head.file_name, data));
        }
        Ok(parts)
    }

    fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut form = Vec::new();
        for (disposition, data) in parts {
            form.extend_from_slice(b"--XX\r\nContent-Disposition: form-data; ");
            form.extend_from_slice(disposition.as_bytes());
            form.extend_from_slice(b"\r\n\r\n");
            form.extend_from_slice(data);
            form.extend_from_slice(b"\r\n");
        }
        form.extend_from_slice(b"--XX--\r\n");
        form
    }

    #[tokio::test]
    async fn data_survives_any_chunking() {
        // Full of things that look like the start of a delimiter.
        let data: Vec<u8> = b"\r\n--X\r\r\n-\r\n--\r\n-XX\n\r".repeat(200);
        let form = form(&[
            ("name=\"a\"", b""),
            ("name=\"f\"; filename=\"x.mp4\"", &data),
            ("name=b", b"\r\n"),
        ]);
        for chunk in [1, 2, 3, 5, 7, 64, 1000, 1 << 20] {
            let parts = read(&form, chunk, "XX").await.unwrap();
            assert_eq!(
                parts,
                [
                    ("a".into(), None, vec![]),
                    ("f".into(), Some("x.mp4".into()), data.clone()),
                    ("b".into(), None, b"\r\n".to_vec()),
                ],
                "in chunks of {chunk}"
            );
        }
    }

    #[tokio::test]
    async fn large_parts_come_in_pieces() {
        let data: Vec<u8> = (0..(3 << 20) + 17).map(|i| (i % 251) as u8).collect();
        let form = form(&[("name=f; filename=x", &data)]);
        for chunk in [4096, 100_000, 1 << 20, form.len()] {
            let parts = read(&form, chunk, "XX").await.unwrap();
            assert!(parts[0].2 == data, "in chunks of {chunk}");
        }
    }

    #[tokio::test]
    async fn broken_forms_are_refused() {
        let whole = form(&[("name=a", b"1")]);
        let cases: [(&[u8], &str); 7] = [
            (&whole[..whole.len() - 4], "boundary is missing"),
            (b"", "boundary is missing"),
            (b"--XX\r\n\r\nx\r\n--XX--", "no name"),
            (b"--XXY\r\n\r\n", "boundary line"),
            (b"--XX\r\nnonsense\r\n\r\n", "part header"),
            (
                b"--XX\r\nContent-Disposition: form-data; name=a",
                "boundary is missing",
            ),
            (b"--XX\r\nContent-Disposition: form-data\r\n\r\n", "no name"),
        ];
        for (form, why) in cases {
            let error = read(form, 5, "XX").await.unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(
                error.starts_with("Multipart form parse error - "),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn headers_without_end_are_refused_early() {
        let mut endless = b"--XX\r\nX: ".to_vec();
        endless.resize(1 << 20, b'x');
        let error = read(&endless, 1000, "XX").await.unwrap_err();
        assert!(error.to_string().contains("too long"), "{error}");
        let many = b"--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n".repeat(101);
        let error = read(&many, 1000, "XX").await.unwrap_err();
        assert!(error.to_string().contains("Too many parts"), "{error}");
    }

    #[test]
    fn file_names_are_read_as_senders_write_them() {
        for (value, name) in [
            (
                r#"form-data; name="f"; filename="my film.mp4""#,
                "my film.mp4",
            ),
            (
                r#"form-data; name="f"; filename="C:\tmp\film.mp4""#,
                "film.mp4",
            ),
            (r#"form-data; name="f"; filename="/etc/passwd""#, "passwd"),
            (r#"form-data; name="f"; filename="a%22b.mp4""#, "a\"b.mp4"),
            (
                r#"form-data; name="f"; filename="a\"b;c.mp4"; x=y"#,
                "a\"b;c.mp4",
            ),
            (r"form-data; filename=plain.mp4; name=f", "plain.mp4"),
            (
                "form-data; name=f; filename=\"x\"; filename*=UTF-8''%D0%BF.mp4",
                "\u{43f}.mp4",
            ),
            (
                "form-data; name=f; filename*=utf-8'en'%D0%BF%20d.mp4",
                "\u{43f} d.mp4",
            ),
            (
                "form-data; name=f; filename*=UTF-8'de-AT'a'b.mp4",
                "a'b.mp4",
            ),
            (
                "form-data; name=f; filename*=iso-8859-1''%e9.mp4",
                "\u{e9}.mp4",
            ),
            (
                "form-data; name=f; filename*=\"utf-8'en'quoted.mp4\"",
                "quoted.mp4",
            ),
            // What cannot be read does not count.
            (
                "form-data; name=f; filename=x.mp4; filename*=utf-8''%ff.mp4",
                "x.mp4",
            ),
            (
                "form-data; name=f; filename=x.mp4; filename*=koi8-r''%d0.mp4",
                "x.mp4",
            ),
        ] {
            let mut head = PartHead {
                name: String::new(),
                file_name: None,
                content_type: String::new(),
            };
            disposition(value, &mut head);
            assert_eq!(head.name, "f", "{value}");
            assert_eq!(head.file_name.as_deref(), Some(name), "{value}");
        }
    }
}
