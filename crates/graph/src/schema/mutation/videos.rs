//! What can be done with videos.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use clipsy_domain::asset::AssetId;
use clipsy_domain::media_key;
use clipsy_service::error::{self, Error};
use clipsy_service::videos::cancel_video::cancel_video;
use clipsy_service::videos::choose_thumbnail::{choose_thumbnail, reset_thumbnail};
use clipsy_service::videos::delete_video::delete_video;
use clipsy_service::videos::edit_video::edit_video;
use clipsy_service::videos::find_video;
use clipsy_service::videos::link_playback::link_playback;
use clipsy_service::videos::retry_video::retry_video;
use clipsy_service::videos::set_priority::set_priority;
use clipsy_storage::AssetChange;
use serde_json::{Map, Value};

use super::super::asked::{app, headers, maybe_signed_in, viewer, while_awaited};
use super::super::errors::{Result, UserError, outcome};
use super::super::ids;
use super::super::names::Visibility;
use super::super::scalars::DateTime;
use super::super::video::Video;
use crate::rest::fields::{Fields, MAX_DESCRIPTION, MAX_TITLE};

/// What can be done with videos.
#[derive(Debug, Default)]
pub(super) struct Videos;

/// A video.
#[derive(Debug, InputObject)]
pub(crate) struct VideoIdInput {
    /// Global id, or the plain number.
    id: ID,
}

/// What to change about a video; what is left away or null stays as it is.
#[derive(Debug, InputObject)]
pub(crate) struct UpdateVideoInput {
    /// Global id, or the plain number.
    id: ID,
    /// Title, 1 to 255 characters.
    title: Option<String>,
    /// Description, at most 50,000 characters.
    description: Option<String>,
    /// Who may see it.
    visibility: Option<Visibility>,
    /// All of its tags: at most 30 of up to 50 characters each. Of those that are the same but for their
    /// case the first is kept. Of its own `userErrors` there are `too_many_tags`, `tag_too_long` and
    /// `tag_character`.
    tags: Option<Vec<String>>,
}

/// The moment whose picture is to stand for a video.
#[derive(Debug, InputObject)]
pub(crate) struct ChooseThumbnailInput {
    /// Global id, or the plain number.
    id: ID,
    /// Seconds from the start of the video.
    at_seconds: f64,
}

/// How urgent the processing of a video is to be.
#[derive(Debug, InputObject)]
pub(crate) struct SetPriorityInput {
    /// Global id, or the plain number.
    id: ID,
    /// From -100 to 100; 0 is usual, and higher ones come first.
    priority: i32,
}

/// A video that was changed.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct VideoPayload {
    /// The video as it is now; null if it was not done.
    video: Option<Video>,
    /// What is to be mended; empty if it was done.
    user_errors: Vec<UserError>,
}

/// A video that was deleted.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct DeleteVideoPayload {
    /// The id that it had; null if it was not done.
    deleted_id: Option<ID>,
    /// What is to be mended; empty if it was done.
    user_errors: Vec<UserError>,
}

/// A link that plays a video.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct PlaybackLinkPayload {
    /// Path of the multivariant playlist, good for whoever has it; null if it was not done.
    url: Option<String>,
    /// When it stops working.
    expires_at: Option<DateTime>,
    /// What is to be mended; empty if it was done.
    user_errors: Vec<UserError>,
}

#[Object(serial)]
impl Videos {
    /// Changes what is said about a video, and who may see it; for its owner and admins.
    async fn update_video(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The video and what to change.")] input: UpdateVideoInput,
    ) -> Result<VideoPayload> {
        let edited = async || {
            let id = number(&input.id)?;
            let mut values = Map::new();
            let mut put = |name: &str, value: Option<&String>| {
                if let Some(value) = value {
                    values.insert(name.to_owned(), Value::from(value.as_str()));
                }
            };
            put("title", input.title.as_ref());
            put("description", input.description.as_ref());
            let mut fields = Fields::new(values);
            let change = AssetChange {
                title: fields.optional("title", MAX_TITLE, false),
                description: fields.optional("description", MAX_DESCRIPTION, true),
                visibility: input.visibility.map(Into::into),
                tags: input.tags,
            };
            fields.check()?;
            edit_video(require(ctx)?, viewer(ctx), id, change).await
        };
        payload(edited().await)
    }

    /// Deletes a video with everything of it; for its owner and admins.
    async fn delete_video(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The video.")] input: VideoIdInput,
    ) -> Result<DeleteVideoPayload> {
        let deleted = async || {
            let id = number(&input.id)?;
            delete_video(require(ctx)?, viewer(ctx), id).await?;
            Ok(ids::Global::Video(id).into())
        };
        let (deleted_id, user_errors) = match outcome(deleted().await)? {
            Ok(id) => (Some(id), Vec::new()),
            Err(errors) => (None, errors),
        };
        Ok(DeleteVideoPayload {
            deleted_id,
            user_errors,
        })
    }

    /// Stops the processing of a video, whether it waits or runs; for its owner and admins.
    async fn cancel_video(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The video.")] input: VideoIdInput,
    ) -> Result<VideoPayload> {
        let cancelled = async || cancel_video(require(ctx)?, viewer(ctx), number(&input.id)?).await;
        payload(cancelled().await)
    }

    /// Has a video processed again that failed or was cancelled; for its owner and admins.
    async fn retry_video(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The video.")] input: VideoIdInput,
    ) -> Result<VideoPayload> {
        let retried = async || retry_video(require(ctx)?, viewer(ctx), number(&input.id)?).await;
        payload(retried().await)
    }

    /// Sets how urgent a video is that waits or is being processed, among the others of its owner, and among
    /// those of accounts that had as much; accounts keep their fair shares. Only for admins. Of its own
    /// `userErrors` there is `not_waiting`.
    async fn set_priority(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The video and its priority.")] input: SetPriorityInput,
    ) -> Result<VideoPayload> {
        let set = async || {
            let id = number(&input.id)?;
            set_priority(require(ctx)?, viewer(ctx), id, input.priority.into()).await
        };
        payload(set().await)
    }

    /// Makes the picture that a video shows at a moment its poster, which may be while it is still
    /// being processed; for its owner and admins. Of its own `userErrors` there are `not_playable`,
    /// `out_of_range`, `picture_failed` and `busy`.
    async fn choose_thumbnail(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The video and the moment.")] input: ChooseThumbnailInput,
    ) -> Result<VideoPayload> {
        let chosen = async || {
            let id = number(&input.id)?;
            let app = require(ctx)?;
            while_awaited(
                ctx,
                choose_thumbnail(app, viewer(ctx), id, input.at_seconds),
            )
            .await
        };
        payload(chosen().await)
    }

    /// Makes the picture that was made with a video its poster again; for its owner and admins.
    async fn reset_thumbnail(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The video.")] input: VideoIdInput,
    ) -> Result<VideoPayload> {
        let reset = async || {
            let id = number(&input.id)?;
            reset_thumbnail(require(ctx)?, viewer(ctx), id).await
        };
        payload(reset().await)
    }

    /// Makes a link that plays a video without signing in, for a while; for whoever may see it. The key
    /// of an unlisted video's link will do for its id. A private video's ends with the session.
    async fn create_playback_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The video.")] input: VideoIdInput,
    ) -> Result<PlaybackLinkPayload> {
        let linked = async || {
            let named = ids::named(&input.id).ok_or(Error::NotFound)?;
            let link = link_playback(require(ctx)?, maybe_signed_in(ctx), &named).await?;
            if link.asset.playable {
                Ok(link)
            } else {
                Err(Error::Conflict {
                    code: "not_playable",
                    message: "This video cannot be played yet.",
                })
            }
        };
        Ok(match outcome(linked().await)? {
            Ok(link) => {
                let path = media_key::behind(&link.prefix, &media_key::master_url(&link.asset));
                PlaybackLinkPayload {
                    url: Some(headers(ctx).address.path(&path)),
                    expires_at: Some(link.expires_at.into()),
                    user_errors: Vec::new(),
                }
            }
            Err(user_errors) => PlaybackLinkPayload {
                url: None,
                expires_at: None,
                user_errors,
            },
        })
    }
}

/// The video that an input names.
pub(crate) fn number(id: &ID) -> error::Result<AssetId> {
    ids::video(id).ok_or(Error::NotFound)
}

fn require<'a>(ctx: &Context<'a>) -> error::Result<&'a crate::app::App> {
    app(ctx).map_err(|fail| fail.0)
}

fn payload(result: error::Result<find_video::Video>) -> Result<VideoPayload> {
    Ok(match outcome(result)? {
        Ok(video) => VideoPayload {
            video: Some(Video::alone(video.asset)),
            user_errors: Vec::new(),
        },
        Err(user_errors) => VideoPayload {
            video: None,
            user_errors,
        },
    })
}
