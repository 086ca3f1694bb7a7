//! What can be done with uploads; their bytes are sent by tus.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use clipsy_domain::upload;
use clipsy_domain::upload::UploadRole;
use clipsy_service::error::{self, Error};
use clipsy_service::uploads::create_upload::{NewUpload, create_upload};
use clipsy_service::uploads::delete_upload::delete_upload;
use clipsy_service::uploads::edit_upload::{UploadEdit, edit_upload};
use serde_json::{Map, Value};

use super::super::asked::{app, signed_in, viewer};
use super::super::errors::{Result, UserError, outcome};
use super::super::ids::Global;
use super::super::names::Visibility;
use super::super::scalars::BigInt;
use super::super::upload::Upload;
use crate::rest::fields::{Fields, MAX_DESCRIPTION, MAX_TITLE};

/// What can be done with uploads.
#[derive(Debug, Default)]
pub(super) struct Uploads;

/// A file to upload.
#[derive(Debug, InputObject)]
pub(crate) struct CreateUploadInput {
    /// Name of the file on the client; truncated to 255 characters.
    filename: String,
    /// Its media type, e.g. `video/mp4`.
    content_type: Option<String>,
    /// Size in bytes; null to declare it later (tus `Upload-Defer-Length`).
    length: Option<BigInt>,
    /// Title of the video; defaults to the file name without its extension.
    title: Option<String>,
    /// The video's description.
    description: Option<String>,
    /// The video's tags; see `UpdateVideoInput`.
    tags: Option<Vec<String>>,
    /// Who may see the video.
    visibility: Option<Visibility>,
}

/// Changes to an upload; omitted or null fields are unchanged.
#[derive(Debug, InputObject)]
pub(crate) struct UpdateUploadInput {
    /// Global id of the upload.
    id: ID,
    /// Title of the video, 1 to 255 characters.
    title: Option<String>,
    /// Description of the video, at most 50,000 characters.
    description: Option<String>,
    /// All of the video's tags; see `UpdateVideoInput`.
    tags: Option<Vec<String>>,
    /// Who may see the video.
    visibility: Option<Visibility>,
}

/// An upload to cancel.
#[derive(Debug, InputObject)]
pub(crate) struct DeleteUploadInput {
    /// Global id of the upload.
    id: ID,
}

/// A created or changed upload.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct UploadPayload {
    /// The upload after the change; null on failure.
    upload: Option<Upload>,
    /// What is wrong with the request; empty on success.
    user_errors: Vec<UserError>,
}

/// A cancelled upload.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct DeleteUploadPayload {
    /// Id of the deleted object; null if nothing was deleted.
    deleted_id: Option<ID>,
    /// What is wrong with the request; empty on success.
    user_errors: Vec<UserError>,
}

#[Object(serial)]
impl Uploads {
    /// Creates an upload. Send the bytes to its `url` with a tus client; it becomes a video once
    /// all have arrived.
    async fn create_upload(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file.")] input: CreateUploadInput,
    ) -> Result<UploadPayload> {
        let app = app(ctx)?;
        let owner = signed_in(ctx)?.user.id;
        let created = async {
            let text = texts(input.title.as_deref(), input.description.as_deref())?;
            let length = match input.length {
                Some(BigInt(length)) => Some(
                    u64::try_from(length)
                        .map_err(|_| Error::field("length", "A length is not negative."))?,
                ),
                None => None,
            };
            let new = NewUpload {
                length,
                file_name: input.filename,
                file_type: input.content_type.unwrap_or_default(),
                title: text.title,
                description: text.description.unwrap_or_default(),
                tags: input.tags.unwrap_or_default(),
                visibility: input.visibility.map(Into::into),
                metadata: None,
                role: UploadRole::Whole,
            };
            create_upload(app, owner, new).await
        };
        payload(created.await)
    }

    /// Changes the metadata of an upload's video, also after it has become one.
    async fn update_upload(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The upload and what to change.")] input: UpdateUploadInput,
    ) -> Result<UploadPayload> {
        let app = app(ctx)?;
        signed_in(ctx)?;
        let edited = async {
            let id = number(&input.id)?;
            let text = texts(input.title.as_deref(), input.description.as_deref())?;
            let edit = UploadEdit {
                title: text.title,
                description: text.description,
                tags: input.tags,
                visibility: input.visibility.map(Into::into),
            };
            edit_upload(app, viewer(ctx), &id, edit).await
        };
        payload(edited.await)
    }

    /// Cancels an upload and deletes its bytes. If it has already become a video, the video is
    /// kept.
    async fn delete_upload(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The upload.")] input: DeleteUploadInput,
    ) -> Result<DeleteUploadPayload> {
        let app = app(ctx)?;
        signed_in(ctx)?;
        let deleted = async {
            let id = number(&input.id)?;
            delete_upload(app, viewer(ctx), &id).await?;
            Ok(Global::Upload(id).into())
        };
        let (deleted_id, user_errors) = match outcome(deleted.await)? {
            Ok(id) => (Some(id), Vec::new()),
            Err(errors) => (None, errors),
        };
        Ok(DeleteUploadPayload {
            deleted_id,
            user_errors,
        })
    }
}

/// Checked texts.
struct Texts {
    title: Option<String>,
    description: Option<String>,
}

fn texts(title: Option<&str>, description: Option<&str>) -> error::Result<Texts> {
    let given = [("title", title), ("description", description)];
    let values: Map<String, Value> = given
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))))
        .collect();
    let mut fields = Fields::new(values);
    let texts = Texts {
        title: fields.optional("title", MAX_TITLE, false),
        description: fields.optional("description", MAX_DESCRIPTION, true),
    };
    fields.check()?;
    Ok(texts)
}

/// The upload that an input names.
fn number(id: &ID) -> error::Result<String> {
    match Global::parse(id) {
        Some(Global::Upload(id)) => Ok(id),
        _ => Err(Error::NotFound),
    }
}

fn payload(result: error::Result<upload::Upload>) -> Result<UploadPayload> {
    Ok(match outcome(result)? {
        Ok(upload) => UploadPayload {
            upload: Some(upload.into()),
            user_errors: Vec::new(),
        },
        Err(user_errors) => UploadPayload {
            upload: None,
            user_errors,
        },
    })
}
