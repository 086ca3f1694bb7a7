//! The fields of bodies that are no uploads, with the sentences that Django REST framework uses.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use clipsy_http::body::{Kind, Limits, Timed, form, kind, read_all};
use clipsy_http::multipart::Multipart;
use clipsy_service::error::{Error, Result};
use serde_json::{Map, Value};

use crate::app::App;
use crate::rest::answer::{Refused, unread};

/// The fields of a body in JSON, as a form, or as a multipart form without files.
#[derive(Debug)]
pub(crate) struct Object(pub(crate) Map<String, Value>);

impl FromRequest<App> for Object {
    type Rejection = Refused;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        read_object(&parts.headers, body, &app.settings.small_bodies())
            .await
            .map(Self)
            .map_err(Refused)
    }
}

/// Reads all fields; numbers and the like stay as they are in JSON.
pub(crate) async fn read_object(
    headers: &HeaderMap,
    body: Body,
    limits: &Limits,
) -> Result<Map<String, Value>> {
    match kind(headers).map_err(unread)? {
        Kind::None => Ok(Map::new()),
        Kind::Json => {
            let bytes = read_all(headers, body, limits).await.map_err(unread)?;
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
            let bytes = read_all(headers, body, limits).await.map_err(unread)?;
            Ok(fields(form(&bytes)))
        }
        Kind::Multipart(boundary) => {
            let mut stream = Timed::new(headers, body, limits);
            let fields = multipart_fields(&mut stream, boundary, limits.bytes as usize).await;
            if fields.is_err() {
                stream.linger();
            }
            fields
        }
    }
}

/// The last of repeated fields counts.
fn fields(pairs: Vec<(String, String)>) -> Map<String, Value> {
    let pairs = pairs.into_iter();
    pairs
        .map(|(name, value)| (name, Value::String(value)))
        .collect()
}

async fn multipart_fields(
    stream: &mut Timed,
    boundary: Option<String>,
    limit: usize,
) -> Result<Map<String, Value>> {
    let mut form = Multipart::new(stream, boundary).map_err(unread)?;
    let mut fields = Map::new();
    while let Some(part) = form.next_part().await.map_err(unread)? {
        let text = form.text(limit).await.map_err(unread)?.unwrap_or_default();
        if part.file_name.is_none() {
            fields.insert(part.name, Value::String(text));
        }
    }
    Ok(fields)
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
