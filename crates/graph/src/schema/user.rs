//! Accounts.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use clipsy_domain::user;
use clipsy_domain::user::Viewer;
use clipsy_service::uploads::find_upload::list_uploads;
use clipsy_service::uploads::reserve_bytes::allowance;
use clipsy_service::videos::group::Users;

use super::asked::{app, is_own, viewer};
use super::errors::Result;
use super::ids::Global;
use super::limits::UserLimits;
use super::lists::{VideoConnection, VideoFilter, VideoOrder, videos_of};
use super::names::Role;
use super::paging::{Page, cost};
use super::scalars::{BigInt, DateTime};
use super::session::UserSession;
use super::upload::Upload;

/// An account, see its [`Object`].
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) account: Arc<user::User>,
    /// Those that came with it.
    pub(crate) group: Arc<Users>,
    /// True if the person has just proved to be this one, whoever the request says it is from.
    pub(crate) proved: bool,
}

impl User {
    /// An account by itself.
    pub(crate) fn alone(user: user::User) -> Self {
        Self {
            group: Users::new(vec![user.id]),
            account: Arc::new(user),
            proved: false,
        }
    }

    /// The account of somebody who has just signed in.
    pub(crate) fn proved(user: user::User) -> Self {
        Self {
            proved: true,
            ..Self::alone(user)
        }
    }

    fn is_own(&self, ctx: &Context<'_>) -> bool {
        self.proved || is_own(viewer(ctx), self.account.id)
    }

    /// The account, if the viewer is told what is its own business.
    fn own(&self, ctx: &Context<'_>) -> Option<&user::User> {
        self.is_own(ctx).then_some(&*self.account)
    }
}

/// An account. Private fields are null except for the account itself and admins.
#[Object(serial)]
impl User {
    /// Global id.
    pub(crate) async fn id(&self) -> ID {
        Global::User(self.account.id).into()
    }

    /// Name to sign in with.
    async fn username(&self) -> &str {
        &self.account.username
    }

    /// Address for mail, may be empty; visible to the account itself and admins only.
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        self.own(ctx).map(|user| user.email.as_str())
    }

    /// Its role; visible to the account itself and admins only.
    async fn role(&self, ctx: &Context<'_>) -> Option<Role> {
        self.own(ctx).map(|user| user.role.into())
    }

    /// False if signing in is disabled; visible to the account itself and admins only.
    async fn active(&self, ctx: &Context<'_>) -> Option<bool> {
        self.own(ctx).map(|user| user.active)
    }

    /// True while it has the documented default password; visible to the account itself and admins
    /// only.
    async fn must_change_password(&self, ctx: &Context<'_>) -> Option<bool> {
        self.own(ctx).map(|user| user.default_password)
    }

    /// When it was made; visible to the account itself and admins only.
    async fn created_at(&self, ctx: &Context<'_>) -> Option<DateTime> {
        self.own(ctx).map(|user| user.created_at.into())
    }

    /// Its videos that the viewer may list.
    #[graphql(complexity = "1 + cost(first, last) * child_complexity")]
    #[expect(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn videos(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Number of items from the start, 0 to 100; 20 if neither `first` nor `last` is given."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(
            desc = "Number of items from the end, 0 to 100. Cannot be combined with `first`."
        )]
        last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which videos.")] filter: Option<VideoFilter>,
        #[graphql(desc = "Sort order; newest first by default.")] order_by: Option<VideoOrder>,
    ) -> Result<VideoConnection> {
        let page = Page {
            first,
            after,
            last,
            before,
        };
        let owner = Some(self.account.id);
        videos_of(ctx, page, filter, order_by, owner).await
    }

    /// Its unfinished uploads, the oldest first; visible to the account itself and admins only.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn uploads(&self, ctx: &Context<'_>) -> Result<Option<Vec<Upload>>> {
        if !self.is_own(ctx) {
            return Ok(None);
        }
        // As the person sees them, also if an admin looks.
        let person = Viewer::User(self.account.id, self.account.role);
        let uploads = list_uploads(app(ctx)?, person).await?;
        Ok(Some(uploads.into_iter().map(Upload::from).collect()))
    }

    /// Active sessions, the last used one first. Visible to the account itself and admins only.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Option<Vec<UserSession>>> {
        if !self.is_own(ctx) {
            return Ok(None);
        }
        let sessions = app(ctx)?.db.sessions_of(self.account.id).await?;
        Ok(Some(sessions.into_iter().map(UserSession).collect()))
    }

    /// Maximum bytes of original files; null if unlimited. Visible to the account itself and admins
    /// only.
    async fn quota_bytes(&self, ctx: &Context<'_>) -> Result<Option<BigInt>> {
        if !self.is_own(ctx) {
            return Ok(None);
        }
        let allowance = allowance(app(ctx)?, self.account.id).await?;
        Ok(allowance.bytes.map(Into::into))
    }

    /// Its limits and usage; visible to the account itself and admins only.
    async fn limits(&self, ctx: &Context<'_>) -> Result<Option<UserLimits>> {
        if !self.is_own(ctx) {
            return Ok(None);
        }
        let app = app(ctx)?;
        let own = app.db.allowance(self.account.id).await?;
        let taken = app.db.taken(self.account.id).await?;
        Ok(Some(UserLimits::of(
            own,
            app.settings.service.allowance,
            taken,
        )))
    }

    /// Bytes used by its originals and renditions; visible to the account itself and admins only.
    async fn storage_bytes(&self, ctx: &Context<'_>) -> Result<Option<BigInt>> {
        if !self.is_own(ctx) {
            return Ok(None);
        }
        let bytes = self.group.bytes(app(ctx)?, self.account.id).await?;
        Ok(Some(bytes.into()))
    }
}
