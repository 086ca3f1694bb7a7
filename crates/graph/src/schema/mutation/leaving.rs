//! Ending sessions and accounts.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use clipsy_service::accounts::delete_user::{Legacy, delete_user};
use clipsy_service::accounts::require_admin;
use clipsy_service::accounts::sessions::{end_session_of, end_sessions};
use clipsy_service::error::{self, Error};

use super::super::asked::{app, signed_in, viewer};
use super::super::errors::{Result, UserError, outcome};
use super::super::ids;
use super::super::scalars::int;

/// Ending sessions and accounts.
#[derive(Debug, Default)]
pub(super) struct Leaving;

/// An account that is to go, and what becomes of its videos: exactly one of the two has to be said.
#[derive(Debug, InputObject)]
pub(crate) struct DeleteUserInput {
    /// Global id.
    id: ID,
    /// The account that gets its videos.
    hand_over_to: Option<ID>,
    /// True: its videos are deleted, too.
    #[graphql(default)]
    delete_videos: bool,
}

/// An account that was deleted.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct DeleteUserPayload {
    /// The id that it had; null if it was not done.
    deleted_id: Option<ID>,
    /// What is to be mended; empty if it was done.
    user_errors: Vec<UserError>,
}

/// A session that is to end.
#[derive(Debug, InputObject)]
pub(crate) struct EndSessionInput {
    /// Global id.
    id: ID,
}

/// An account whose sessions are to end.
#[derive(Debug, InputObject)]
pub(crate) struct EndSessionsInput {
    /// Global id of the account.
    user_id: ID,
}

/// Sessions that were ended.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct EndSessionsPayload {
    /// How many.
    ended: i32,
    /// What is to be mended; empty if it was done.
    user_errors: Vec<UserError>,
}

#[Object(serial)]
impl Leaving {
    /// Deletes an account with its sessions and unfinished uploads; only for admins, and not one's own. It
    /// is closed first. Of its own `userErrors` there are `own_account`, `last_admin` and, before anything
    /// is done, `heir_quota_exceeded`: the other account's limit of storage is too small for the videos.
    async fn delete_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account, and what becomes of its videos.")] input: DeleteUserInput,
    ) -> Result<DeleteUserPayload> {
        let app = app(ctx)?;
        let deleted = async {
            require_admin(viewer(ctx))?;
            let id = ids::user(&input.id).ok_or(Error::NotFound)?;
            let legacy = match (&input.hand_over_to, input.delete_videos) {
                (None, true) => Legacy::Delete,
                (Some(heir), false) => Legacy::HandOver(ids::user(heir).unwrap_or_default()),
                _ => {
                    let message = "Say who gets the videos, or that they are to be deleted.";
                    return Err(Error::field("hand_over_to", message));
                }
            };
            delete_user(app, viewer(ctx), id, legacy).await
        };
        Ok(match outcome(deleted.await)? {
            Ok(()) => DeleteUserPayload {
                deleted_id: Some(input.id),
                user_errors: Vec::new(),
            },
            Err(user_errors) => DeleteUserPayload {
                deleted_id: None,
                user_errors,
            },
        })
    }

    /// Ends a session with its tokens and subscriptions, for the person whose it is and for admins.
    async fn end_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session.")] input: EndSessionInput,
    ) -> Result<EndSessionsPayload> {
        let app = app(ctx)?;
        let ended = async {
            let id = ids::session(&input.id).ok_or(Error::NotFound)?;
            end_session_of(app, viewer(ctx), &id).await.map(|_| 1)
        };
        payload(ended.await)
    }

    /// Ends all sessions of an account but the one that asks, for the person and for admins.
    async fn end_sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] input: EndSessionsInput,
    ) -> Result<EndSessionsPayload> {
        let app = app(ctx)?;
        let by = signed_in(ctx)?;
        let ended = async {
            let user = ids::user(&input.user_id).ok_or(Error::NotFound)?;
            end_sessions(app, by, user).await
        };
        payload(ended.await)
    }
}

fn payload(result: error::Result<usize>) -> Result<EndSessionsPayload> {
    Ok(match outcome(result)? {
        Ok(count) => EndSessionsPayload {
            ended: int(i64::try_from(count).unwrap_or(i64::MAX)),
            user_errors: Vec::new(),
        },
        Err(user_errors) => EndSessionsPayload {
            ended: 0,
            user_errors,
        },
    })
}
