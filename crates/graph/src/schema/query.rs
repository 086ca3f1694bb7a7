//! What can be asked.

use async_graphql::{Context, ID, Interface, Object};
use clipsy_domain::asset::AssetState;
use clipsy_domain::tags::tag_key;
use clipsy_service::accounts::find_user::find_user;
use clipsy_service::error::Error;
use clipsy_service::uploads::error::UploadError;
use clipsy_service::uploads::find_upload::find_upload;
use clipsy_service::videos::find_video::{Named, find_managed, find_named};
use clipsy_storage::{AssetFilter, AssetOrder};

use super::asked::{admin, app, headers, maybe_signed_in, signed_in, viewer};
use super::audit::AuditEntry;
use super::errors::{Fail, Result};
use super::ids::{self, Global};
use super::job::Job;
use super::lists::{self, UserConnection, VideoConnection, VideoFilter, VideoOrder, videos_of};
use super::operator::{
    self, Encoder, Queue, ServerInfo, StorageUsage, ThroughputSample, Worker, queue_state,
};
use super::paging::{Page, cost};
use super::settings::Setting;
use super::upload::Upload;
use super::user::User;
use super::video::Video;
use crate::app::App;

/// Name of the program.
const NAME: &str = "Clipsy";
/// Where resumable uploads go.
pub(crate) const TUS_PATH: &str = "/api/uploads/";

/// An object with a global id.
#[derive(Debug, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Global id."))]
pub(crate) enum Node {
    Video(Video),
    User(User),
    Job(Job),
    Upload(Upload),
}

/// What can be asked, see its [`Object`].
#[derive(Debug)]
pub(crate) struct Query;

/// Queries. Objects that the viewer may not see are reported as not found.
#[Object(serial)]
impl Query {
    /// The signed-in account; null if there is none.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<User> {
        maybe_signed_in(ctx).map(|signed_in| User::alone(signed_in.user.clone()))
    }

    /// The object with a global id; null if there is none.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id.")] id: ID,
    ) -> Result<Option<Node>> {
        match Global::parse(&id) {
            Some(global) => found(node(ctx, global).await),
            None => Ok(None),
        }
    }

    /// A video; null if there is none or the viewer may not see it.
    async fn video(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Global id or number of the video, or the key of an unlisted video's link."
        )]
        id: ID,
    ) -> Result<Option<Video>> {
        match ids::named(&id) {
            Some(named) => found(video(ctx, &named).await),
            None => Ok(None),
        }
    }

    /// Videos that the viewer may list: public ones and their own; for admins, all.
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
        #[graphql(desc = "Sort order.", default_with = "Some(VideoOrder::default())")]
        order_by: Option<VideoOrder>,
    ) -> Result<VideoConnection> {
        let page = Page {
            first,
            after,
            last,
            before,
        };
        videos_of(ctx, page, filter, order_by, None).await
    }

    /// Tags that begin like a text, to suggest them while one types: the viewer's own first, then those of
    /// public videos.
    async fn tag_suggestions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How they begin, ignoring case and a leading `#`.")] starting_with: String,
        #[graphql(desc = "Number of tags, 0 to 20.", default_with = "Some(8)")] first: Option<i32>,
    ) -> Result<Vec<String>> {
        let start = tag_key(&starting_with);
        if start.is_none() && !starting_with.trim().is_empty() {
            // No tag begins like this.
            return Ok(Vec::new());
        }
        let first = i64::from(first.unwrap_or(8).clamp(0, 20));
        let (owner, start) = (viewer(ctx).user_id(), start.unwrap_or_default());
        Ok(app(ctx)?.db.tags_like(owner, &start, first).await?)
    }

    /// An upload of the viewer (for admins, of any account); null if there is none or it has
    /// expired.
    async fn upload(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id.")] id: ID,
    ) -> Result<Option<Upload>> {
        match Global::parse(&id) {
            Some(Global::Upload(id)) => found(upload(ctx, &id).await),
            _ => Ok(None),
        }
    }

    /// Encoders of the worker machines, with the reason if one does not work. Requires signing in.
    /// Empty for some seconds after the server starts.
    async fn encoders(&self, ctx: &Context<'_>) -> Result<Vec<Encoder>> {
        signed_in(ctx)?;
        operator::encoders(app(ctx)?).await
    }

    /// The job queue. Admins only.
    async fn queue(&self, ctx: &Context<'_>) -> Result<Queue> {
        admin(ctx)?;
        Ok(Queue(queue_state(app(ctx)?).await?))
    }

    /// Worker processes. Admins only.
    #[graphql(complexity = "1 + 10 * child_complexity")]
    async fn workers(&self, ctx: &Context<'_>) -> Result<Vec<Worker>> {
        admin(ctx)?;
        let workers = app(ctx)?.db.workers().await?;
        Ok(workers.into_iter().map(Worker).collect())
    }

    /// Failed videos, the most recently failed first. Admins only.
    #[graphql(complexity = "1 + cost(first, None) * child_complexity")]
    async fn failures(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items, 0 to 100.", default_with = "Some(20)")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
    ) -> Result<VideoConnection> {
        admin(ctx)?;
        let mut failed = AssetFilter::new(viewer(ctx));
        failed.states = vec![AssetState::Failed];
        failed.order = AssetOrder::Updated;
        let page = Page {
            first,
            after,
            ..Page::default()
        };
        lists::list(ctx, page, failed).await
    }

    /// Processing throughput, one sample per minute, the oldest first. Admins only.
    #[graphql(complexity = "10 + child_complexity")]
    async fn throughput(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of minutes, 1 to 1440.", default_with = "Some(60)")]
        minutes: Option<i32>,
    ) -> Result<Vec<ThroughputSample>> {
        admin(ctx)?;
        operator::throughput(app(ctx)?, minutes.unwrap_or(60)).await
    }

    /// Audit log of changes to accounts, the queue and videos, the latest first. Admins only.
    #[graphql(complexity = "1 + cost(first, None) * child_complexity")]
    async fn audit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of items, 0 to 100.", default_with = "Some(50)")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only entries before the one with this id.")] before: Option<ID>,
    ) -> Result<Vec<AuditEntry>> {
        admin(ctx)?;
        let before = match before {
            Some(id) => Some(
                id.parse()
                    .map_err(|_| Fail::input("before", "This is no id."))?,
            ),
            None => None,
        };
        let first = i64::from(first.unwrap_or(50).clamp(0, 100));
        let entries = app(ctx)?.db.audit(before, first).await?;
        Ok(entries.into_iter().map(Into::into).collect())
    }

    /// The settings of the answering server, by name. Admins only.
    #[expect(
        clippy::unused_async,
        reason = "async-graphql takes only asynchronous fields"
    )]
    async fn settings(&self, ctx: &Context<'_>) -> Result<Vec<Setting>> {
        admin(ctx)?;
        Ok(app(ctx)?.settings.shown.iter().map(Setting::from).collect())
    }

    /// Storage usage. Admins only.
    #[graphql(complexity = "10 + child_complexity")]
    async fn storage_usage(&self, ctx: &Context<'_>) -> Result<StorageUsage> {
        admin(ctx)?;
        operator::storage_usage(app(ctx)?).await
    }

    /// All accounts by name. Admins only.
    #[graphql(complexity = "1 + cost(first, last) * child_complexity")]
    async fn users(
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
        #[graphql(desc = "Text that the username or email address must contain, ignoring case.")]
        search: Option<String>,
    ) -> Result<UserConnection> {
        admin(ctx)?;
        let page = Page {
            first,
            after,
            last,
            before,
        };
        lists::users(ctx, page, search).await
    }

    /// Information about the server.
    async fn server_info(&self, ctx: &Context<'_>) -> Result<ServerInfo> {
        server_info(ctx).await
    }
}

async fn server_info(ctx: &Context<'_>) -> Result<ServerInfo> {
    let app = app(ctx)?;
    let told = app.settings.service.demo || viewer(ctx).is_admin();
    let max = i64::try_from(app.settings.service.max_upload_bytes).unwrap_or(i64::MAX);
    Ok(ServerInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: NAME.to_owned(),
        max_upload_bytes: max.into(),
        tus_url: headers(ctx).address.path(TUS_PATH),
        anonymous_browsing: true,
        demo: app.settings.service.demo,
        default_password_active: told && app.db.has_default_password().await?,
    })
}

async fn node(ctx: &Context<'_>, global: Global) -> Result<Node> {
    Ok(match global {
        Global::Video(id) => Node::Video(video(ctx, &Named::Number(id)).await?),
        Global::User(id) => Node::User(User::alone(find_user(app(ctx)?, viewer(ctx), id).await?)),
        Global::Job(id) => Node::Job(job(ctx, app(ctx)?, id).await?),
        Global::Upload(id) => Node::Upload(upload(ctx, &id).await?),
        Global::Session(_) => return Err(Error::NotFound.into()),
    })
}

async fn video(ctx: &Context<'_>, named: &Named) -> Result<Video> {
    let asset = find_named(app(ctx)?, viewer(ctx), named).await?;
    Ok(Video::alone(asset))
}

async fn upload(ctx: &Context<'_>, id: &str) -> Result<Upload> {
    match find_upload(app(ctx)?, viewer(ctx), id).await {
        Ok(upload) => Ok(upload.into()),
        // To people who are not signed in there are none.
        Err(Error::NotSignedIn | Error::Upload(UploadError::Expired)) => {
            Err(Error::NotFound.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// A job, for those who may manage its video.
async fn job(ctx: &Context<'_>, app: &App, id: i64) -> Result<Job> {
    let job = app.db.job(id).await?.ok_or(Error::NotFound)?;
    match find_managed(app, viewer(ctx), job.asset_id).await {
        Ok(_) => Job::all(vec![job])
            .pop()
            .ok_or_else(|| Error::NotFound.into()),
        Err(Error::NotSignedIn | Error::Forbidden) => Err(Error::NotFound.into()),
        Err(error) => Err(error.into()),
    }
}

/// What is not there is nothing, and no error.
fn found<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(super::errors::Fail(Error::NotFound)) => Ok(None),
        Err(error) => Err(error),
    }
}
