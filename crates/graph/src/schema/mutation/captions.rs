//! Giving videos captions, and taking them away.

use async_graphql::{Context, ID, InputObject, Object};
use clipsy_service::videos::set_captions::{Said, remove_captions, set_captions};

use super::super::asked::viewer;
use super::super::errors::Result;
use super::super::names::CaptionKind;
use super::videos::{VideoPayload, number, payload, require};

/// Changes of captions.
#[derive(Debug, Default)]
pub(super) struct Captioning;

/// Captions for a video.
#[derive(Debug, InputObject)]
pub(crate) struct SetCaptionsInput {
    /// Global id or number of the video.
    id: ID,
    /// Language tag (BCP 47), e.g. `de` or `zh-Hant`.
    language: String,
    /// For whom they are.
    #[graphql(default_with = "CaptionKind::Subtitles")]
    kind: CaptionKind,
    /// What people call them, at most 100 characters.
    #[graphql(default)]
    label: String,
    /// True if they are shown to those who have chosen nothing. Others of the video then no longer are.
    #[graphql(default)]
    default: bool,
    /// True if they are only what everybody has to read, such as signs.
    #[graphql(default)]
    forced: bool,
    /// The text of a `WebVTT`, SRT, SBV or SSA/ASS file.
    text: String,
}

/// Captions of a video.
#[derive(Debug, InputObject)]
pub(crate) struct RemoveCaptionsInput {
    /// Global id or number of the video.
    id: ID,
    /// Their language tag.
    language: String,
    /// For whom they are.
    #[graphql(default_with = "CaptionKind::Subtitles")]
    kind: CaptionKind,
}

#[Object(serial)]
impl Captioning {
    /// Gives a video captions, in place of those of the same language and kind. They are played at once; nothing is
    /// encoded again. Files larger than a request may be, or in other encodings, go to `captionsUploadUrl`. Owner and
    /// admins only. Additional `userErrors` codes: `captions_format`, `captions_empty`, `captions_too_large`,
    /// `too_many_captions`, `quota_exceeded`, and for a wrong line, which the message begins with, `captions_time`,
    /// `captions_backwards`, `captions_too_late`, `captions_setting`, `captions_columns`, `captions_line_too_long`,
    /// `captions_cue_too_long` and `captions_too_many_cues`.
    async fn set_captions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The video and its captions.")] input: SetCaptionsInput,
    ) -> Result<VideoPayload> {
        let set = async || {
            let id = number(&input.id)?;
            let said = Said {
                language: input.language,
                kind: input.kind.into(),
                label: input.label,
                default: input.default,
                forced: input.forced,
            };
            let file = async { Ok(input.text.into()) };
            set_captions(require(ctx)?, viewer(ctx), id, said, file).await
        };
        payload(set().await)
    }

    /// Takes captions from a video. Owner and admins only.
    async fn remove_captions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The video and which captions.")] input: RemoveCaptionsInput,
    ) -> Result<VideoPayload> {
        let removed = async || {
            let id = number(&input.id)?;
            remove_captions(
                require(ctx)?,
                viewer(ctx),
                id,
                &input.language,
                input.kind.into(),
            )
            .await
        };
        payload(removed().await)
    }
}
