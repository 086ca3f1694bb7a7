//! Who asks, as resolvers find it in their context.
//!
//! The transport puts these into each request: [`Viewer`], `Option<SignedIn>`, [`Client`] and
//! [`Headers`]. [`App`] is in the schema.

use async_graphql::Context;
use axum::http::request::Parts;
use clipsy_domain::user::{UserId, Viewer};
use clipsy_http::Address;
use clipsy_http::Client;
use clipsy_http::peer::Peer;
use clipsy_service::accounts::session::SignedIn;
use clipsy_service::error::{self, Error};

use super::errors::Result;
use crate::app::App;
use crate::auth::cookie;
use crate::auth::viewer::device;

/// What resolvers need of the headers of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Headers {
    /// The refresh token in the cookie.
    pub(crate) refresh: Option<String>,
    /// True if the request carries the header that no form and no link of another site can send.
    pub(crate) csrf: bool,
    /// What the program calls itself.
    pub(crate) device: Option<String>,
    /// How the server was called.
    pub(crate) address: Address,
    /// True if answers have no headers either, so that they can set no cookie.
    pub(crate) socket: bool,
}

impl Headers {
    /// Reads them from a request.
    pub(crate) fn of(parts: &Parts) -> Self {
        let headers = &parts.headers;
        Self {
            refresh: cookie::refresh_token(headers),
            csrf: headers.contains_key(cookie::CSRF_HEADER),
            device: device(headers),
            address: Address::of(parts),
            socket: false,
        }
    }

    /// Those of a WebSocket's handshake, whose cookie counts for nothing: what comes over the
    /// socket later has no headers of its own, and no answer can set a cookie.
    pub(crate) fn of_handshake(parts: &Parts) -> Self {
        Self {
            refresh: None,
            csrf: false,
            socket: true,
            ..Self::of(parts)
        }
    }
}

pub(crate) fn app<'a>(ctx: &Context<'a>) -> Result<&'a App> {
    ctx.data_opt::<App>().ok_or_else(|| missing("App"))
}

/// Does the work for as long as somebody waits for it; only for what costs much and leaves nothing.
pub(crate) async fn while_awaited<T>(
    ctx: &Context<'_>,
    work: impl Future<Output = error::Result<T>>,
) -> error::Result<T> {
    let Some(Some(peer)) = ctx.data_opt::<Option<Peer>>() else {
        return work.await;
    };
    tokio::select! {
        biased;
        done = work => done,
        () = peer.hung_up() => Err(Error::Conflict {
            code: "given_up",
            message: "The connection was closed before it was done.",
        }),
    }
}

pub(crate) fn viewer(ctx: &Context<'_>) -> Viewer {
    ctx.data_opt::<Viewer>()
        .copied()
        .unwrap_or(Viewer::Anonymous)
}

/// Who is signed in; an error if nobody is.
pub(crate) fn signed_in<'a>(ctx: &Context<'a>) -> Result<&'a SignedIn> {
    maybe_signed_in(ctx).ok_or_else(|| Error::NotSignedIn.into())
}

pub(crate) fn maybe_signed_in<'a>(ctx: &Context<'a>) -> Option<&'a SignedIn> {
    ctx.data_opt::<Option<SignedIn>>()?.as_ref()
}

/// Refuses everybody but admins.
pub(crate) fn admin(ctx: &Context<'_>) -> Result<()> {
    Ok(clipsy_service::accounts::require_admin(viewer(ctx))?)
}

/// Whether the viewer is told what is an account's own business.
pub(crate) fn is_own(viewer: Viewer, user: UserId) -> bool {
    viewer.is_admin() || viewer.user_id() == Some(user)
}

pub(crate) fn client(ctx: &Context<'_>) -> Result<Client> {
    let client = ctx.data_opt::<Client>().copied();
    client.ok_or_else(|| missing("Client"))
}

pub(crate) fn headers(ctx: &Context<'_>) -> Headers {
    ctx.data_opt::<Headers>().cloned().unwrap_or_default()
}

fn missing(what: &str) -> super::errors::Fail {
    Error::internal(format!("the request was given no {what}")).into()
}
