//! Signing in and out.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use clipsy_domain::user;
use clipsy_service::accounts::change_password::change_password;
use clipsy_service::accounts::end_session::end_session;
use clipsy_service::accounts::log_in::log_in;
use clipsy_service::accounts::log_out::log_out;
use clipsy_service::accounts::refresh_session::refresh_session;
use clipsy_service::accounts::start_session::Pair;
use clipsy_service::error::{self, Error};

use super::super::asked::{app, client, headers, maybe_signed_in, signed_in};
use super::super::errors::{Result, UserError, outcome};
use super::super::scalars::DateTime;
use super::super::user::User;
use crate::auth::cookie;
use crate::auth::viewer::origin;

/// Signing in and out.
#[derive(Debug, Default)]
pub(super) struct Session;

/// Name and password.
#[derive(Debug, InputObject)]
pub(crate) struct SignInInput {
    /// Username, case-insensitive.
    username: String,
    /// The password.
    password: String,
    /// True: the refresh token is set as an HTTP-only cookie and omitted from the payload.
    #[graphql(default)]
    cookie: bool,
}

/// A refresh token.
#[derive(Debug, InputObject)]
pub(crate) struct RefreshSessionInput {
    /// The most recent refresh token; null to use the cookie, which requires a header
    /// `X-Clipsy-CSRF` with any value.
    refresh_token: Option<String>,
}

/// The current and the new password.
#[derive(Debug, InputObject)]
pub(crate) struct ChangePasswordInput {
    /// The current password.
    current_password: String,
    /// The new password, at least 8 characters.
    new_password: String,
    /// True: the new refresh token is set as a cookie and omitted from the payload.
    #[graphql(default)]
    cookie: bool,
}

/// A session.
#[derive(Debug, Default, SimpleObject)]
#[graphql(serial)]
pub(crate) struct SessionPayload {
    /// Access token, sent with each request: `Authorization: Bearer <accessToken>`.
    access_token: Option<String>,
    /// Refresh token, valid once; null if it was set as a cookie.
    refresh_token: Option<String>,
    /// When `accessToken` expires.
    expires_at: Option<DateTime>,
    /// The signed-in account.
    viewer: Option<User>,
    /// What is wrong with the request; empty on success.
    user_errors: Vec<UserError>,
}

/// Result of signing out.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct SignOutPayload {
    /// True if the session has ended.
    ok: bool,
    /// What is wrong with the request; empty on success.
    user_errors: Vec<UserError>,
}

#[Object(serial)]
impl Session {
    /// Signs in with username and password.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Name and password.")] input: SignInInput,
    ) -> Result<SessionPayload> {
        let SignInInput {
            username,
            password,
            cookie,
        } = input;
        let signed_in = match check_cookie(ctx, cookie) {
            Ok(()) => {
                log_in(
                    app(ctx)?,
                    origin(app(ctx)?, client(ctx)?, headers(ctx).device),
                    &username,
                    password,
                )
                .await
            }
            Err(error) => Err(error),
        };
        Ok(match outcome(signed_in)? {
            Ok((user, pair)) => session(ctx, user, pair, cookie)?,
            Err(errors) => refused(errors),
        })
    }

    /// Exchanges a refresh token for a new pair of tokens. It is valid once; reusing it after more
    /// than ten seconds ends the session.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token; omitted if it is in the cookie.")]
        input: RefreshSessionInput,
    ) -> Result<SessionPayload> {
        let app = app(ctx)?;
        let headers = headers(ctx);
        let in_cookie = input.refresh_token.is_none();
        let token = match input.refresh_token {
            Some(token) => Ok(token),
            None if !headers.csrf => Err(Error::Conflict {
                code: "csrf_header_missing",
                message: "Send a header X-Clipsy-CSRF, with any value, to use the cookie.",
            }),
            None => headers.refresh.ok_or(Error::RefreshToken),
        };
        let refreshed = match token {
            Ok(token) => refresh_session(app, &token).await,
            Err(error) => Err(error),
        };
        Ok(match outcome(refreshed)? {
            Ok((user, pair)) => session(ctx, user, pair, in_cookie)?,
            Err(errors) => {
                if in_cookie && headers.csrf {
                    forget_cookie(ctx);
                }
                refused(errors)
            }
        })
    }

    /// Ends the session with all its tokens and subscriptions, and clears the cookie.
    async fn sign_out(&self, ctx: &Context<'_>) -> Result<SignOutPayload> {
        let app = app(ctx)?;
        let headers = headers(ctx);
        if let Some(signed_in) = maybe_signed_in(ctx) {
            log_out(app, signed_in).await?;
        }
        if let Some(token) = headers.refresh.filter(|_| headers.csrf) {
            // The access token may have expired before.
            end_session(app, &token).await?;
            forget_cookie(ctx);
        }
        Ok(SignOutPayload {
            ok: true,
            user_errors: Vec::new(),
        })
    }

    /// Sets a new password and ends all sessions of the account; the payload is a new session.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The current and the new password.")] input: ChangePasswordInput,
    ) -> Result<SessionPayload> {
        let app = app(ctx)?;
        let signed_in = signed_in(ctx)?;
        let ChangePasswordInput {
            current_password,
            new_password,
            cookie,
        } = input;
        let changed = match check_cookie(ctx, cookie) {
            Ok(()) => {
                let (old, new) = (current_password, new_password);
                let from = origin(app, client(ctx)?, headers(ctx).device);
                change_password(app, from, signed_in, old, new).await
            }
            Err(error) => Err(error),
        };
        // The REST API calls the field by another name.
        let changed = changed.map_err(|error| match error {
            Error::Fields(mut fields) => {
                for (name, _) in &mut fields {
                    if name == "old_password" {
                        "current_password".clone_into(name);
                    }
                }
                Error::Fields(fields)
            }
            error => error,
        });
        Ok(match outcome(changed)? {
            Ok(pair) => {
                let user = app.db.user(signed_in.user.id).await?;
                session(ctx, user.ok_or(Error::NotFound)?, pair, cookie)?
            }
            Err(errors) => refused(errors),
        })
    }
}

fn session(
    ctx: &Context<'_>,
    user: user::User,
    pair: Pair,
    in_cookie: bool,
) -> Result<SessionPayload> {
    // As tokens have to be (RFC 6749 section 5.1).
    ctx.insert_http_header(CACHE_CONTROL, "no-store");
    if in_cookie {
        let seconds = app(ctx)?.settings.service.refresh_ttl_s;
        let kept = cookie::keep(&pair.refresh, seconds, &headers(ctx).address);
        set_cookie(ctx, &kept);
    }
    Ok(SessionPayload {
        access_token: Some(pair.access),
        refresh_token: Some(pair.refresh).filter(|_| !in_cookie),
        expires_at: Some(pair.expires_at.into()),
        viewer: Some(User::proved(user)),
        user_errors: Vec::new(),
    })
}

/// Refuses to begin a session whose cookie would be lost.
fn check_cookie(ctx: &Context<'_>, wanted: bool) -> error::Result<()> {
    if wanted && headers(ctx).socket {
        return Err(Error::Conflict {
            code: "cookie_unavailable",
            message: "An answer over a WebSocket can set no cookie: send this by POST.",
        });
    }
    Ok(())
}

fn refused(user_errors: Vec<UserError>) -> SessionPayload {
    SessionPayload {
        user_errors,
        ..SessionPayload::default()
    }
}

fn forget_cookie(ctx: &Context<'_>) {
    set_cookie(ctx, &cookie::forget(&headers(ctx).address));
}

fn set_cookie(ctx: &Context<'_>, cookie: &str) {
    ctx.insert_http_header(SET_COOKIE, cookie);
}
