//! What admins can do with accounts.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use clipsy_domain::user;
use clipsy_service::accounts::create_user::{NewAccount, create_user};
use clipsy_service::accounts::require_admin;
use clipsy_service::accounts::set_limits::set_limits;
use clipsy_service::accounts::update_user::{AccountChange, update_user};
use clipsy_service::error::{self, Error};

use super::super::asked::{app, viewer};
use super::super::errors::{Result, UserError, outcome};
use super::super::ids;
use super::super::names::Role;
use super::super::scalars::BigInt;
use super::super::user::User;

/// What admins can do with accounts.
#[derive(Debug, Default)]
pub(super) struct Users;

/// An account to be made.
#[derive(Debug, InputObject)]
pub(crate) struct CreateUserInput {
    /// Name to sign in with, 1 to 150 characters; unique without regard to case.
    username: String,
    /// The password, at least 8 characters.
    password: String,
    /// Address for mail.
    email: Option<String>,
    /// What it may do.
    #[graphql(default_with = "Role::User")]
    role: Role,
}

/// What to change about an account; what is left away or null stays as it is.
#[derive(Debug, InputObject)]
pub(crate) struct UpdateUserInput {
    /// Global id.
    id: ID,
    /// Address for mail, may be empty.
    email: Option<String>,
    /// What it may do. Another one than before ends its sessions.
    role: Option<Role>,
    /// A new password, at least 8 characters. It ends its sessions.
    password: Option<String>,
    /// False refuses signing in and ends its sessions.
    active: Option<bool>,
}

/// What an account may take; where nothing is said or null, what the server's settings say.
#[derive(Debug, InputObject)]
pub(crate) struct SetUserLimitsInput {
    /// Global id.
    id: ID,
    /// Bytes of originals and unfinished uploads.
    bytes: Option<BigInt>,
    /// Minutes of video that it may upload within 24 hours.
    minutes_a_day: Option<i32>,
    /// Uploads that it may have begun and not finished.
    uploads: Option<i32>,
    /// Its videos that may wait to be processed.
    waiting: Option<i32>,
}

/// An account that was made or changed.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct UserPayload {
    /// The account as it is now; null if it was not done.
    user: Option<User>,
    /// What is to be mended; empty if it was done.
    user_errors: Vec<UserError>,
}

#[Object(serial)]
impl Users {
    /// Makes an account; only for admins.
    async fn create_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] input: CreateUserInput,
    ) -> Result<UserPayload> {
        let new = NewAccount {
            username: input.username,
            password: input.password,
            email: input.email.unwrap_or_default(),
            role: input.role.into(),
        };
        payload(create_user(app(ctx)?, viewer(ctx), new).await)
    }

    /// Sets all limits of an account; only for admins.
    async fn set_user_limits(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account and its limits.")] input: SetUserLimitsInput,
    ) -> Result<UserPayload> {
        let app = app(ctx)?;
        let set = async move {
            require_admin(viewer(ctx))?;
            let id = ids::user(&input.id).ok_or(Error::NotFound)?;
            let limits = user::Allowance {
                bytes: input.bytes.map(|bytes| bytes.0),
                minutes_a_day: input.minutes_a_day.map(Into::into),
                uploads: input.uploads.map(Into::into),
                waiting: input.waiting.map(Into::into),
            };
            set_limits(app, viewer(ctx), id, limits).await
        };
        payload(set.await)
    }

    /// Changes or closes an account; only for admins.
    async fn update_user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account and what to change.")] input: UpdateUserInput,
    ) -> Result<UserPayload> {
        let app = app(ctx)?;
        let updated = async move {
            // Who may not do it does not learn which accounts there are.
            require_admin(viewer(ctx))?;
            let id = ids::user(&input.id).ok_or(Error::NotFound)?;
            let change = AccountChange {
                email: input.email,
                role: input.role.map(Into::into),
                password: input.password,
                active: input.active,
            };
            update_user(app, viewer(ctx), id, change).await
        };
        payload(updated.await)
    }
}

fn payload(result: error::Result<user::User>) -> Result<UserPayload> {
    Ok(match outcome(result)? {
        Ok(user) => UserPayload {
            user: Some(User::alone(user)),
            user_errors: Vec::new(),
        },
        Err(user_errors) => UserPayload {
            user: None,
            user_errors,
        },
    })
}
