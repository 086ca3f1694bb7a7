//! Who sent a request, by its `Authorization` header.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use clipsy_domain::clock::{Timestamp, from_millis};
use clipsy_domain::user::{User, Viewer};

use super::token::{self, Claims, TokenType};
use crate::app::App;
use crate::error::{Error, Result};

/// Somebody who is signed in. As an argument of a handler it refuses everybody else; as an
/// `Option` it lets people without a token pass, but not those with a bad one.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) user: User,
    pub(crate) session_id: String,
    /// When the token that was shown stops being good.
    pub(crate) expires_at: Timestamp,
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
    match bearer(headers)? {
        None => Ok(None),
        Some(token) => {
            let claims = claims(app, token)?;
            signed_in(app, claims).await.map(Some)
        }
    }
}

/// The token of an `Authorization` header; `None` if there is none or it is of another kind.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let Ok(value) = value.to_str() else {
        return Err(Error::AuthorizationHeader);
    };
    bearer_of(value)
}

/// The token in the value of an `Authorization` header.
pub(crate) fn bearer_of(value: &str) -> Result<Option<&str>> {
    let mut words = value.split_ascii_whitespace();
    if !words
        .next()
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"))
    {
        return Ok(None);
    }
    match (words.next(), words.next()) {
        (Some(token), None) => Ok(Some(token)),
        _ => Err(Error::AuthorizationHeader),
    }
}

/// What an access token says, if it is one of ours and has not expired.
pub(crate) fn claims(app: &App, token: &str) -> Result<Claims> {
    let issuer = &app.settings.issuer;
    token::read(&app.keys, issuer, TokenType::Access, token, app.now()).ok_or(Error::AccessToken)
}

/// Whose the token is, if its session still lives.
pub(crate) async fn signed_in(app: &App, claims: Claims) -> Result<SignedIn> {
    let user = session_user(app, &claims.sid).await?;
    let user = user
        .filter(|user| user.id == claims.user_id)
        .ok_or(Error::AccessToken)?;
    Ok(SignedIn {
        user,
        session_id: claims.sid,
        expires_at: from_millis(claims.exp.saturating_mul(1_000)),
    })
}

/// Whose session that is, while it lives and its account may be used. Everything that a session
/// opens asks here: requests, streams, new tokens and playback links.
pub(crate) async fn session_user(app: &App, session_id: &str) -> Result<Option<User>> {
    let user = app.db.session_alive(session_id).await?;
    Ok(user.filter(|user| app.admits(user)))
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
