//! Sessions, as the person whose they are knows them.

use async_graphql::{Context, ID, Object};
use clipsy_storage::SessionInfo;

use super::asked::maybe_signed_in;
use super::ids::Global;
use super::scalars::DateTime;

/// A session, see its [`Object`].
#[derive(Debug, Clone)]
pub(crate) struct UserSession(pub(crate) SessionInfo);

/// A browser or program that is signed in.
#[Object(serial)]
impl UserSession {
    /// Global id.
    async fn id(&self) -> ID {
        Global::Session(self.0.id.clone()).into()
    }

    /// What the program called itself when it signed in (`User-Agent`); empty if it said nothing.
    async fn device(&self) -> &str {
        &self.0.device
    }

    /// When it signed in.
    async fn started_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last used, to within the life of an access token.
    async fn used_at(&self) -> DateTime {
        self.0.used_at.into()
    }

    /// When it ends unless it is used before.
    async fn expires_at(&self) -> DateTime {
        self.0.expires_at.into()
    }

    /// True for the one that asks.
    async fn current(&self, ctx: &Context<'_>) -> bool {
        maybe_signed_in(ctx).is_some_and(|signed_in| signed_in.session_id == self.0.id)
    }
}
