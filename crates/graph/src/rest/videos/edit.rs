//! `PATCH /api/videos/{id}/`

use axum::Json;
use axum::extract::State;
use clipsy_http::Address;
use clipsy_service::accounts::session::SignedIn;
use clipsy_service::videos::edit_video::edit_video;
use clipsy_storage::AssetChange;
use serde::Deserialize;
use utoipa::ToSchema;

use super::VideoId;
use super::json::VideoDetail;
use crate::app::App;
use crate::rest::answer::Answer;
use crate::rest::body::Object;
use crate::rest::fields::{Fields, MAX_DESCRIPTION, MAX_TITLE};
use crate::rest::openapi::{Detail, FieldMessages, TokenNotValid};

/// Changes to a video; omitted fields are unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(
    dead_code,
    reason = "describes the body; the fields are checked one by one"
)]
pub(crate) struct VideoChange {
    /// Title.
    #[schema(min_length = 1, max_length = 255)]
    title: Option<String>,
    /// Description.
    #[schema(max_length = 50_000)]
    description: Option<String>,
    /// Who may see it: `public`, `unlisted` or `private`.
    #[schema(example = "unlisted")]
    visibility: Option<String>,
    /// All of its tags: at most 30 of up to 50 characters each.
    tags: Option<Vec<String>>,
}

/// Change title, description, visibility or tags.
#[utoipa::path(
    patch, path = "/api/videos/{id}/", tag = "videos", security(("bearer" = [])),
    params(("id" = i64, Path, description = "Number of the video")),
    request_body = VideoChange,
    responses(
        (status = 200, description = "The updated video", body = VideoDetail),
        (status = 400, description = "Invalid fields", body = FieldMessages),
        (status = 401, description = "Not signed in", body = TokenNotValid),
        (status = 403, description = "It belongs to another account", body = Detail),
        (status = 404, description = "Not found, or private", body = Detail),
    )
)]
pub(crate) async fn edit(
    State(app): State<App>,
    signed_in: SignedIn,
    address: Address,
    VideoId(id): VideoId,
    Object(values): Object,
) -> Answer<Json<VideoDetail>> {
    let mut fields = Fields::new(values);
    let change = AssetChange {
        title: fields.optional("title", MAX_TITLE, false),
        description: fields.optional("description", MAX_DESCRIPTION, true),
        visibility: fields.visibility("visibility"),
        tags: fields.texts("tags"),
    };
    fields.check()?;
    let video = edit_video(&app, signed_in.viewer(), id, change).await?;
    Ok(Json(
        VideoDetail::of(video, signed_in.viewer()).at(&address),
    ))
}
