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

/// A new account.
#[derive(Debug, InputObject)]
pub(crate) struct CreateUserInput {
    /// Name to sign in with, 1 to 150 characters; unique without regard to case.
    username: String,
    /// Password, at least 8 characters.
    password: String,
    /// Email address.
    email: Option<String>,
    /// Its role.
    #[graphql(default_with = "Role::User")]
    role: Role,
}

/// Changes to an account; omitted or null fields are unchanged.
#[derive(Debug, InputObject)]
pub(crate) struct UpdateUserInput {
    /// Global id.
    id: ID,
    /// Email address, may be empty.
    email: Option<String>,
    /// Its role. A change ends its sessions.
    role: Option<Role>,
    /// New password, at least 8 characters; ends its sessions.
    password: Option<String>,
    /// False disables signing in and ends its sessions.
    active: Option<bool>,
}

/// Limits of an account; where omitted or null, the server's defaults apply.
#[derive(Debug, InputObject)]
pub(crate) struct SetUserLimitsInput {
    /// Global id.
    id: ID,
    /// Bytes of originals and unfinished uploads.
    bytes: Option<BigInt>,
    /// Minutes of video that it may upload per 24 hours.
    minutes_a_day: Option<i32>,
    /// Maximum number of unfinished uploads.
    uploads: Option<i32>,
    /// Maximum number of its videos that may be queued.
    waiting: Option<i32>,
}

/// A created or changed account.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct UserPayload {
    /// The account after the change; null on failure.
    user: Option<User>,
    /// What is wrong with the request; empty on success.
    user_errors: Vec<UserError>,
}

#[Object(serial)]
impl Users {
    /// Creates an account. Admins only.
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

    /// Sets all limits of an account. Admins only.
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

    /// Changes or deactivates an account. Admins only.
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
