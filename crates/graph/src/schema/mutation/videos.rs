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
    /// Global id or number of the video.
    id: ID,
}

/// Changes to a video; omitted or null fields are unchanged.
#[derive(Debug, InputObject)]
pub(crate) struct UpdateVideoInput {
    /// Global id or number of the video.
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

/// The frame to use as a video's poster image.
#[derive(Debug, InputObject)]
pub(crate) struct ChooseThumbnailInput {
    /// Global id or number of the video.
    id: ID,
    /// Seconds from the start of the video.
    at_seconds: f64,
}

/// The processing priority of a video.
#[derive(Debug, InputObject)]
pub(crate) struct SetPriorityInput {
    /// Global id or number of the video.
    id: ID,
    /// -100 to 100; the default is 0, and higher priorities come first.
    priority: i32,
}

/// A changed video.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct VideoPayload {
    /// The video after the change; null on failure.
    video: Option<Video>,
    /// What is wrong with the request; empty on success.
    user_errors: Vec<UserError>,
}

/// A deleted video.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct DeleteVideoPayload {
    /// Id of the deleted object; null if nothing was deleted.
    deleted_id: Option<ID>,
    /// What is wrong with the request; empty on success.
    user_errors: Vec<UserError>,
}

/// A link that plays a video.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct PlaybackLinkPayload {
    /// Path of the multivariant playlist, which works for anyone who has it; null on failure.
    url: Option<String>,
    /// When it expires.
    expires_at: Option<DateTime>,
    /// What is wrong with the request; empty on success.
    user_errors: Vec<UserError>,
}

#[Object(serial)]
impl Videos {
    /// Changes the metadata and visibility of a video. Owner and admins only.
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

    /// Deletes a video and all its files. Owner and admins only.
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

    /// Cancels the processing of a queued or running video. Owner and admins only.
    async fn cancel_video(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The video.")] input: VideoIdInput,
    ) -> Result<VideoPayload> {
        let cancelled = async || cancel_video(require(ctx)?, viewer(ctx), number(&input.id)?).await;
        payload(cancelled().await)
    }

    /// Retries the processing of a failed or cancelled video. Owner and admins only.
    async fn retry_video(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The video.")] input: VideoIdInput,
    ) -> Result<VideoPayload> {
        let retried = async || retry_video(require(ctx)?, viewer(ctx), number(&input.id)?).await;
        payload(retried().await)
    }

    /// Sets the priority of a queued or running video among its owner's videos and those of accounts with an
    /// equal share; fair sharing between accounts is kept. Admins only. Additional `userErrors` code:
    /// `not_waiting`.
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

    /// Sets a video's poster image to the frame at a given time. The video must be playable but may
    /// still be processing. Owner and admins only. Additional `userErrors` codes: `not_playable`,
    /// `out_of_range`, `picture_failed` and `busy`.
    async fn choose_thumbnail(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The video and the time of the frame.")] input: ChooseThumbnailInput,
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

    /// Restores the automatic poster image of a video. Owner and admins only.
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

    /// Creates a temporary link that plays a video without signing in, for anyone who may see it. The
    /// key of an unlisted video's link is accepted as its id. A link to a private video expires with
    /// the session.
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

pub(super) fn require<'a>(ctx: &Context<'a>) -> error::Result<&'a crate::app::App> {
    app(ctx).map_err(|fail| fail.0)
}

pub(super) fn payload(result: error::Result<find_video::Video>) -> Result<VideoPayload> {
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
