//! Who sent a request, by its `Authorization` header.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use clipsy_domain::user::{User, Viewer};

use super::token::{self, TokenType};
use crate::app::App;
use crate::client::Client;
use crate::error::{Error, Result};

/// Somebody who is signed in. As an argument of a handler it refuses everybody else; as an
/// `Option` it lets people without a token pass, but not those with a bad one.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) user: User,
    pub(crate) session_id: String,
}

impl SignedIn {
    pub(crate) fn viewer(&self) -> Viewer {
        Viewer::User(self.user.id, self.user.role)
    }
}

/// The viewer behind what [`authenticate`] found.
pub(crate) fn viewer(signed_in: Option<&SignedIn>) -> Viewer {
    signed_in.map_or(Viewer::Anonymous, SignedIn::viewer)
}

/// Reads the bearer token and asks the database whether its session still lives, each time, so
/// that a session that was ended opens nothing any more. `None` without a bearer token.
pub(crate) async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Option<SignedIn>> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let Ok(value) = value.to_str() else {
        return Err(Error::AuthorizationHeader);
    };
    let mut words = value.split_ascii_whitespace();
    if !words
        .next()
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"))
    {
        return Ok(None);
    }
    let (Some(token), None) = (words.next(), words.next()) else {
        return Err(Error::AuthorizationHeader);
    };
    let claims = token::read(
        &app.keys,
        &app.settings.issuer,
        TokenType::Access,
        token,
        app.now(),
    )
    .ok_or(Error::AccessToken)?;
    let user = app.db.session_alive(&claims.sid).await?;
    let user = user
        .filter(|user| user.id == claims.user_id)
        .ok_or(Error::AccessToken)?;
    Ok(Some(SignedIn {
        user,
        session_id: claims.sid,
    }))
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let signed_in = authenticate(app, &parts.headers).await?;
        signed_in.ok_or(Error::NotSignedIn)
    }
}

impl OptionalFromRequestParts<App> for SignedIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>> {
        authenticate(app, &parts.headers).await
    }
}

impl FromRequestParts<App> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self::of(parts, &app.settings.trusted_proxies))
    }
}
