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

/// One sentence.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Detail {
    /// What happened.
    #[schema(example = "Not found.")]
    detail: &'static str,
}

impl Detail {
    pub(crate) fn new(detail: &'static str) -> Self {
        Self { detail }
    }
}

/// What is wrong with each field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "title": ["This field is required."] }))]
pub(crate) struct FieldMessages(BTreeMap<String, Vec<String>>);

/// A sentence and a code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DetailCode {
    /// What happened.
    #[schema(example = "Token is invalid or expired")]
    detail: String,
    /// Stable code.
    #[schema(example = "token_not_valid")]
    code: String,
}

/// No token, or one that is no good. Without a token only `detail` is there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenNotValid {
    /// What happened.
    #[schema(example = "Given token not valid for any token type")]
    detail: String,
    /// Stable code.
    #[schema(example = "token_not_valid")]
    code: Option<String>,
    /// What was tried.
    messages: Option<Vec<TokenMessage>>,
}

/// Why a token is no good.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenMessage {
    /// Always `AccessToken`.
    #[schema(example = "AccessToken")]
    token_class: &'static str,
    /// Always `access`.
    #[schema(example = "access")]
    token_type: &'static str,
    /// What is wrong.
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
            Every error carries a stable code in the header `Clipsy-Error-Code`, and every answer \
            the number of the request in `X-Request-Id`. Besides the errors of each route, any \
            may answer 405, 413 and 415 to requests that do not fit it, and 500.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    modifiers(&Bearer),
    tags(
        (name = "auth", description = "Signing in and out"),
        (name = "videos", description = "Videos"),
        (name = "uploads", description = "Uploads that can be resumed; bytes go by tus 1.0.0 \
            (`/api/uploads/`), which this description cannot hold"),
        (name = "media", description = "What players fetch"),
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
