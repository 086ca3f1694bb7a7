//! What is known of uploads in JSON: for lists, and to edit what is said about them.

use axum::Json;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::IntoResponse as _;
use clipsy_domain::asset::AssetId;
use clipsy_domain::upload::Upload;
use clipsy_http::Address;
use clipsy_service::error;
use clipsy_service::uploads::edit_upload::{UploadEdit, edit_upload};
use clipsy_service::uploads::find_upload::{find_upload, list_uploads, upload_offset};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::respond::Result;
use super::viewer;
use crate::app::App;
use crate::rest::body::read_object;
use crate::rest::fields::{Fields, MAX_DESCRIPTION, MAX_TITLE};
use crate::rest::openapi::{Detail, FieldMessages, TokenNotValid};
use crate::rest::videos::json::time;

/// A resumable upload.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadItem {
    /// 32 hexadecimal digits.
    #[schema(example = "0af1c3d2e4b5968778695a4b3c2d1e0f")]
    id: String,
    /// URL to continue at.
    url: String,
    /// File name on the client.
    filename: String,
    /// Media type as given by the client.
    filetype: String,
    title: String,
    description: String,
    tags: Vec<String>,
    /// `public`, `unlisted` or `private`.
    #[schema(example = "public")]
    visibility: &'static str,
    /// Received bytes.
    offset: u64,
    /// Total size in bytes; `null` until declared.
    length: Option<u64>,
    created_at: String,
    /// When it expires unless it is continued.
    expires_at: String,
    /// Number of the resulting video.
    video: Option<AssetId>,
}

/// Changes to an upload; omitted fields are unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(
    dead_code,
    reason = "describes the body; the fields are checked one by one"
)]
pub(crate) struct UploadChange {
    /// Title.
    #[schema(min_length = 1, max_length = 255)]
    title: Option<String>,
    /// Description.
    #[schema(max_length = 50_000)]
    description: Option<String>,
    /// All of its tags: at most 30 of up to 50 characters each.
    tags: Option<Vec<String>>,
    /// Who may see it: `public`, `unlisted` or `private`.
    #[schema(example = "unlisted")]
    visibility: Option<String>,
}

/// List the caller's unfinished uploads, the oldest first.
#[utoipa::path(
    get, path = "/api/uploads/", tag = "uploads", security(("bearer" = [])),
    responses(
        (status = 200, description = "The uploads", body = Vec<UploadItem>),
        (status = 401, description = "Not signed in", body = TokenNotValid),
    )
)]
pub(crate) async fn list(app: &App, request: Request) -> Result {
    let (parts, _) = request.into_parts();
    let viewer = viewer(app, &parts).await?;
    let mut items = Vec::new();
    for upload in list_uploads(app, viewer).await? {
        items.push(item(app, &parts, upload).await?);
    }
    Ok(Json(items).into_response())
}

/// Get an upload. This does not interrupt a running request; tus clients use `HEAD`.
#[utoipa::path(
    get, path = "/api/uploads/{id}", tag = "uploads", security(("bearer" = [])),
    params(("id" = String, Path, description = "Number of the upload")),
    responses(
        (status = 200, description = "The upload", body = UploadItem),
        (status = 401, description = "Not signed in", body = TokenNotValid),
        (status = 404, description = "Not found, or it belongs to another account", body = Detail),
        (status = 410, description = "It has expired", body = Detail),
    )
)]
pub(crate) async fn get(app: &App, id: &str, request: Request) -> Result {
    let (parts, _) = request.into_parts();
    let viewer = viewer(app, &parts).await?;
    let upload = find_upload(app, viewer, id).await?;
    Ok(Json(item(app, &parts, upload).await?).into_response())
}

/// Change title, description, tags or visibility during the upload. With the media type
/// `application/offset+octet-stream` it appends bytes (tus).
#[utoipa::path(
    patch, path = "/api/uploads/{id}", tag = "uploads", security(("bearer" = [])),
    params(("id" = String, Path, description = "Number of the upload")),
    request_body = UploadChange,
    responses(
        (status = 200, description = "The updated upload", body = UploadItem),
        (status = 400, description = "Invalid fields", body = FieldMessages),
        (status = 401, description = "Not signed in", body = TokenNotValid),
        (status = 404, description = "Not found, or it belongs to another account", body = Detail),
        (status = 410, description = "It has expired", body = Detail),
        (status = 412, description = "Bytes without `Tus-Resumable: 1.0.0`", body = Detail),
    )
)]
pub(crate) async fn edit(app: &App, id: &str, request: Request) -> Result {
    let (parts, body) = request.into_parts();
    let viewer = viewer(app, &parts).await?;
    find_upload(app, viewer, id).await?;
    let values = read_object(&parts.headers, body, &app.settings.small_bodies()).await?;
    let mut fields = Fields::new(values);
    let change = UploadEdit {
        title: fields.optional("title", MAX_TITLE, false),
        description: fields.optional("description", MAX_DESCRIPTION, true),
        tags: fields.texts("tags"),
        visibility: fields.visibility("visibility"),
    };
    fields.check()?;
    let upload = edit_upload(app, viewer, id, change).await?;
    Ok(Json(item(app, &parts, upload).await?).into_response())
}

async fn item(app: &App, parts: &Parts, upload: Upload) -> error::Result<UploadItem> {
    Ok(UploadItem {
        url: Address::of(parts).url(&format!("/api/uploads/{}", upload.id)),
        offset: upload_offset(app, &upload).await?,
        id: upload.id,
        filename: upload.filename,
        filetype: upload.filetype,
        title: upload.title,
        description: upload.description,
        tags: upload.tags,
        visibility: upload.visibility.as_str(),
        length: upload.length.map(i64::unsigned_abs),
        created_at: time(upload.created_at),
        expires_at: time(upload.expires_at),
        video: upload.asset_id,
    })
}
