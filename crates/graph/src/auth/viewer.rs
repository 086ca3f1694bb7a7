//! Who sent a request, by its `Authorization` header.

use std::net::IpAddr;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::request::Parts;
use clipsy_http::Client;
use clipsy_http::caller::client::sharer;
use clipsy_http::header;
use clipsy_service::accounts::Origin;
use clipsy_service::accounts::session::{SignedIn, claims, signed_in};
use clipsy_service::error::{Error, Result};

use crate::app::App;
use crate::rest::answer::Refused;

/// Reads the bearer token and asks the database whether its session still lives, each time, so
/// that a session that was ended opens nothing any more. `None` without a bearer token.
pub(crate) async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Option<SignedIn>> {
    match bearer(headers)? {
        None => Ok(None),
        Some(token) => {
            let claims = claims(app, token)?;
            signed_in(app, claims).await.map(Some)
        }
    }
}

/// The token of an `Authorization` header; `None` if there is none or it is of another kind.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = headers.get(AUTHORIZATION) else {
        return Ok(None);
    };
    bearer_of(value.to_str().map_err(|_| Error::AuthorizationHeader)?)
}

/// The token in the value of an `Authorization` header.
pub(crate) fn bearer_of(value: &str) -> Result<Option<&str>> {
    match header::bearer(value) {
        None => Ok(None),
        Some(token) if token.is_empty() || token.contains(char::is_whitespace) => {
            Err(Error::AuthorizationHeader)
        }
        Some(token) => Ok(Some(token)),
    }
}

/// Where a password comes from that is about to be compared.
pub(crate) fn origin(app: &App, client: Client, device: Option<String>) -> Origin {
    Origin {
        address: client.address,
        subscriber: client.subscriber(),
        sharer: sharer(client.address, &app.settings.trusted_proxies),
        device,
    }
}

/// What the program that sent these headers calls itself.
pub(crate) fn device(headers: &HeaderMap) -> Option<String> {
    header::text(headers, USER_AGENT).map(str::to_owned)
}

/// Whose share an upload counts for besides its account's: the address of a request, if that has one.
pub(crate) fn sender(app: &App, parts: &Parts) -> Option<IpAddr> {
    sharer(Client::of(parts).address, &app.settings.trusted_proxies)
}

/// As a handler argument, it requires signing in.
impl FromRequestParts<App> for SignedIn {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        let signed_in = authenticate(app, &parts.headers).await?;
        Ok(signed_in.ok_or(Error::NotSignedIn)?)
    }
}

/// As an `Option` it lets people without a token pass, but not those with a bad one.
impl OptionalFromRequestParts<App> for SignedIn {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Refused> {
        Ok(authenticate(app, &parts.headers).await?)
    }
}
