//! `GET /api/schema/`: what all of this looks like to programs (`OpenAPI` 3.1).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use clipsy_http::Address;
use serde::Serialize;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::server::Server;
use utoipa::{Modify, OpenApi, ToSchema};

use super::{auth, health, videos};
use crate::{media, tus};

/// Message, one sentence.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Detail {
    /// Error message.
    #[schema(example = "Not found.")]
    detail: &'static str,
}

impl Detail {
    pub(crate) fn new(detail: &'static str) -> Self {
        Self { detail }
    }
}

/// Message about a file of which a line may be wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DetailLine {
    /// Error message.
    #[schema(example = "Line 12: This caption ends before it begins.")]
    detail: String,
    /// The line that is wrong, from 1.
    line: Option<u64>,
}

/// Validation errors by field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "title": ["This field is required."] }))]
pub(crate) struct FieldMessages(BTreeMap<String, Vec<String>>);

/// Error message and code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DetailCode {
    /// Error message.
    #[schema(example = "Token is invalid or expired")]
    detail: String,
    /// Stable code.
    #[schema(example = "token_not_valid")]
    code: String,
}

/// Missing or invalid token. Without a token there is only `detail`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenNotValid {
    /// Error message.
    #[schema(example = "Given token not valid for any token type")]
    detail: String,
    /// Stable code.
    #[schema(example = "token_not_valid")]
    code: Option<String>,
    /// The checks that failed.
    messages: Option<Vec<TokenMessage>>,
}

/// Why a token is invalid.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenMessage {
    /// Always `AccessToken`.
    #[schema(example = "AccessToken")]
    token_class: &'static str,
    /// Always `access`.
    #[schema(example = "access")]
    token_type: &'static str,
    /// Error message.
    #[schema(example = "Token is invalid or expired")]
    message: &'static str,
}

impl Default for TokenMessage {
    fn default() -> Self {
        Self {
            token_class: "AccessToken",
            token_type: "access",
            message: "Token is invalid or expired",
        }
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Clipsy",
        description = "Video platform. Every route works with and without the slash at its end. \
            Every error has a stable code in the header `Clipsy-Error-Code`, and every response \
            a request id in `X-Request-Id`. Besides the errors listed for each route, any may \
            respond with 405, 413, 415 or 500.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    modifiers(&Bearer),
    tags(
        (name = "auth", description = "Signing in and out"),
        (name = "videos", description = "Videos"),
        (name = "uploads", description = "Resumable uploads; bytes are sent by tus 1.0.0 \
            (`/api/uploads/`), not described here"),
        (name = "media", description = "Files for players"),
        (name = "health", description = "For load balancers and operators"),
        (name = "about", description = "This description"),
    ),
    paths(
        auth::login::login,
        auth::logout::logout,
        auth::refresh::refresh,
        auth::me::me,
        auth::password::password,
        videos::list::list,
        videos::upload::upload,
        videos::get::get,
        videos::edit::edit,
        videos::delete::delete,
        videos::stream::stream,
        videos::retry::retry,
        videos::cancel::cancel,
        videos::playback::playback,
        videos::thumbnail::put,
        videos::thumbnail::delete,
        videos::captions::get,
        videos::captions::put,
        videos::captions::delete,
        tus::json::list,
        tus::json::get,
        tus::json::edit,
        media::serve,
        health::healthz,
        health::readyz,
        schema,
    ),
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        api.components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// This description.
#[utoipa::path(get, path = "/api/schema/", tag = "about",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value)))]
pub(crate) async fn schema(address: Address) -> Response {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| {
        // Made of constants only; the tests would notice an empty one.
        let text = Description::openapi().to_pretty_json();
        text.unwrap_or_default().into()
    });
    let text = if address.prefix().is_empty() {
        TEXT.clone()
    } else {
        let mut description = Description::openapi();
        description.servers = Some(vec![Server::new(address.prefix())]);
        description.to_pretty_json().unwrap_or_default().into()
    };
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}
