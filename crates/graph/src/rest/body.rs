//! Reading the bodies of requests that are no uploads.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout, timeout_at};

use super::multipart::Multipart;
use crate::app::App;
use crate::error::{Error, Result};
use crate::pace::Pace;
use crate::settings::Settings;

/// The fields of a body in JSON, as a form, or as a multipart form without files.
#[derive(Debug)]
pub(crate) struct Object(pub(crate) Map<String, Value>);

impl FromRequest<App> for Object {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let (parts, body) = request.into_parts();
        read_object(&parts.headers, body, &app.settings)
            .await
            .map(Self)
    }
}

/// Media type of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// There is none.
    None,
    /// JSON.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data` with its boundary, if it has one.
    Multipart(Option<String>),
}

/// Reads `Content-Type`. A body of another type is refused.
pub(crate) fn kind(headers: &HeaderMap) -> Result<Kind> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        let length = headers.get(header::CONTENT_LENGTH);
        let empty = length.is_none_or(|length| length == "0")
            && !headers.contains_key(header::TRANSFER_ENCODING);
        return if empty {
            Ok(Kind::None)
        } else {
            Err(Error::MediaType(String::new()))
        };
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    let (essence, parameters) = text.split_once(';').unwrap_or((&text, ""));
    match essence.trim().to_ascii_lowercase().as_str() {
        "application/json" => Ok(Kind::Json),
        "application/x-www-form-urlencoded" => Ok(Kind::Form),
        "multipart/form-data" => Ok(Kind::Multipart(boundary(parameters))),
        _ => Err(Error::MediaType(text.chars().take(200).collect())),
    }
}

/// The boundary parameter: 1 to 70 characters (RFC 2046 section 5.1.1).
fn boundary(parameters: &str) -> Option<String> {
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        let value = value.trim().trim_matches('"');
        let good = name.trim().eq_ignore_ascii_case("boundary")
            && (1..=70).contains(&value.len())
            && value.bytes().all(|b| (0x20..0x7f).contains(&b));
        good.then(|| value.to_owned())
    })
}

/// What `Content-Length` announces.
pub(crate) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Reads all fields; numbers and the like stay as they are in JSON.
pub(crate) async fn read_object(
    headers: &HeaderMap,
    body: Body,
    settings: &Settings,
) -> Result<Map<String, Value>> {
    match kind(headers)? {
        Kind::None => Ok(Map::new()),
        Kind::Json => {
            let bytes = read_all(headers, body, settings).await?;
            if bytes.is_empty() {
                return Ok(Map::new());
            }
            let value = serde_json::from_slice(&bytes)
                .map_err(|e| Error::Parse(format!("JSON parse error - {e}")))?;
            match value {
                Value::Object(object) => Ok(object),
                other => Err(Error::field(
                    "non_field_errors",
                    format!(
                        "Invalid data. Expected a dictionary, but got {}.",
                        type_name(&other)
                    ),
                )),
            }
        }
        Kind::Form => {
            let bytes = read_all(headers, body, settings).await?;
            Ok(form(&bytes))
        }
        Kind::Multipart(boundary) => {
            let mut stream = Timed::small(headers, body, settings);
            let limit = settings.max_body_bytes;
            let fields = multipart_fields(&mut stream, boundary, limit).await;
            if fields.is_err() {
                stream.linger();
            }
            fields
        }
    }
}

async fn multipart_fields(
    stream: &mut Timed,
    boundary: Option<String>,
    limit: usize,
) -> Result<Map<String, Value>> {
    let mut form = Multipart::new(stream, boundary)?;
    let mut fields = Map::new();
    while let Some(part) = form.next_part().await? {
        let text = form.text(limit).await?.unwrap_or_default();
        if part.file_name.is_none() {
            fields.insert(part.name, Value::String(text));
        }
    }
    Ok(fields)
}

pub(crate) async fn read_all(
    headers: &HeaderMap,
    body: Body,
    settings: &Settings,
) -> Result<Bytes> {
    let limit = settings.max_body_bytes as u64;
    let mut stream = Timed::small(headers, body, settings);
    if announced(headers).is_some_and(|bytes| bytes > limit) {
        stream.linger();
        return Err(Error::TooLarge { limit });
    }
    let mut all = BytesMut::new();
    loop {
        match stream.next().await {
            Ok(Some(chunk)) => all.extend_from_slice(&chunk),
            Ok(None) => return Ok(all.freeze()),
            Err(error) => {
                stream.linger();
                return Err(error);
            }
        }
    }
}

/// Fields of a form; of a field that comes twice the last one counts.
pub(crate) fn form(bytes: &[u8]) -> Map<String, Value> {
    let decode = |text: &[u8]| {
        let spaced: Vec<u8> = text
            .iter()
            .map(|b| if *b == b'+' { b' ' } else { *b })
            .collect();
        percent_encoding::percent_decode(&spaced)
            .decode_utf8_lossy()
            .into_owned()
    };
    bytes
        .split(|b| *b == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
            let value = pair.get(at + 1..).unwrap_or_default();
            (decode(&pair[..at]), Value::String(decode(value)))
        })
        .collect()
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// A body with a limit on its size, on the wait for each piece and for all of it, and on how slow it
/// may come.
#[derive(Debug)]
pub(crate) struct Timed {
    stream: Option<BodyDataStream>,
    left: u64,
    limit: u64,
    patience: Duration,
    pace: Pace,
    /// How long may still be waited in all.
    rest: Duration,
    /// The sender waits to be asked for the body (RFC 9110 section 10.1.1); reading asks.
    held_back: bool,
}

/// How much of a refused body is still read, so that its sender gets to see the answer instead of a
/// connection that breaks.
const LINGER_BYTES: usize = 256 << 20;
/// How long it is read for.
const LINGER: Duration = Duration::from_secs(30);
/// Longest wait for the next piece of it.
const LINGER_PATIENCE: Duration = Duration::from_secs(5);

impl Timed {
    /// The body of a request that is no upload.
    pub(crate) fn small(headers: &HeaderMap, body: Body, settings: &Settings) -> Self {
        let limit = settings.max_body_bytes as u64;
        Self {
            pace: Pace::new(settings.body_rate, settings.body_window),
            rest: settings.body_deadline,
            ..Self::upload(headers, body, limit, settings)
        }
    }

    /// The body of an upload. It may take as long as it likes if it does not fall behind.
    pub(crate) fn upload(headers: &HeaderMap, body: Body, limit: u64, settings: &Settings) -> Self {
        Self {
            stream: Some(body.into_data_stream()),
            left: limit,
            limit,
            patience: settings.body_timeout,
            pace: Pace::new(settings.upload_rate, settings.upload_window),
            rest: Duration::MAX,
            held_back: headers.contains_key(header::EXPECT),
        }
    }

    /// Accepts `left` more bytes from now on. `limit` is what the sender is told if there are more.
    pub(crate) fn set_limit(&mut self, left: u64, limit: u64) {
        self.left = left;
        self.limit = limit;
    }

    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>> {
        let Some(stream) = &mut self.stream else {
            return Ok(None);
        };
        self.held_back = false;
        let wait = self.patience.min(self.pace.left()).min(self.rest);
        let began = Instant::now();
        let Ok(next) = timeout(wait, stream.next()).await else {
            self.stream = None;
            return Err(Error::TooSlow);
        };
        let waited = began.elapsed();
        self.pace.waited(waited);
        self.rest = self.rest.saturating_sub(waited);
        match next {
            None => Ok(None),
            Some(Err(_)) => Err(Error::Parse("The request body broke off.".into())),
            Some(Ok(chunk)) => {
                let length = chunk.len() as u64;
                if length > self.left {
                    return Err(Error::TooLarge { limit: self.limit });
                }
                self.left -= length;
                self.pace.moved(length);
                Ok(Some(chunk))
            }
        }
    }

    /// The body, if nothing has been read of it.
    pub(crate) fn into_body(mut self) -> Body {
        self.stream
            .take()
            .map_or_else(Body::empty, Body::from_stream)
    }

    /// Reads on and throws away, for a while, beside the answer.
    pub(crate) fn linger(&mut self) {
        let Some(mut stream) = self.stream.take().filter(|_| !self.held_back) else {
            return;
        };
        tokio::spawn(async move {
            let end = Instant::now() + LINGER;
            let mut bytes = 0;
            while bytes < LINGER_BYTES {
                let until = end.min(Instant::now() + LINGER_PATIENCE);
                match timeout_at(until, stream.next()).await {
                    Ok(Some(Ok(chunk))) => bytes += chunk.len(),
                    _ => break,
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded() {
        let fields = form(b"username=a%20b+c&password=%D0%BF&x&username=last");
        assert_eq!(fields["username"], "last");
        assert_eq!(fields["password"], "\u{43f}");
        assert_eq!(fields["x"], "");
        assert!(form(b"").is_empty());
    }

    #[test]
    fn boundaries_are_read_with_and_without_quotes() {
        let kind = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, text.parse().unwrap());
            kind(&headers)
        };
        let multipart = |boundary: Option<&str>| Kind::Multipart(boundary.map(str::to_owned));
        for (text, boundary) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            (
                "Multipart/Form-Data; charset=x; Boundary=\"a b\"",
                Some("a b"),
            ),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
        ] {
            assert_eq!(kind(text).unwrap(), multipart(boundary), "{text}");
        }
        assert_eq!(kind("application/json; charset=utf-8").unwrap(), Kind::Json);
        assert!(matches!(kind("text/plain"), Err(Error::MediaType(t)) if t == "text/plain"));
    }
}
