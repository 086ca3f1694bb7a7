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

/// A file that is to be sent.
#[derive(Debug, InputObject)]
pub(crate) struct CreateUploadInput {
    /// Name of the file on the sender's machine, at most 255 characters of which are kept.
    filename: String,
    /// Its media type, e.g. `video/mp4`.
    content_type: Option<String>,
    /// Its size in bytes; null if that is told later, as tus says.
    length: Option<BigInt>,
    /// What the video will be called; the file's name without its extension if it is not given.
    title: Option<String>,
    /// The video's description.
    description: Option<String>,
    /// Who may see the video.
    visibility: Option<Visibility>,
}

/// What to change about an upload; what is left away or null stays as it is.
#[derive(Debug, InputObject)]
pub(crate) struct UpdateUploadInput {
    /// Global id of the upload.
    id: ID,
    /// What the video will be called, 1 to 255 characters.
    title: Option<String>,
    /// The video's description, at most 50,000 characters.
    description: Option<String>,
    /// Who may see the video.
    visibility: Option<Visibility>,
}

/// An upload that is to be given up.
#[derive(Debug, InputObject)]
pub(crate) struct DeleteUploadInput {
    /// Global id of the upload.
    id: ID,
}

/// An upload that was begun or changed.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct UploadPayload {
    /// The upload as it is now; null if it was not done.
    upload: Option<Upload>,
    /// What is to be mended; empty if it was done.
    user_errors: Vec<UserError>,
}

/// An upload that was given up.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct DeleteUploadPayload {
    /// The id that it had; null if it was not done.
    deleted_id: Option<ID>,
    /// What is to be mended; empty if it was done.
    user_errors: Vec<UserError>,
}

#[Object(serial)]
impl Uploads {
    /// Begins an upload. Send the bytes to its `url` with a tus client; a video comes of it when
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
                visibility: input.visibility.map(Into::into),
                metadata: None,
                role: UploadRole::Whole,
            };
            create_upload(app, owner, new).await
        };
        payload(created.await)
    }

    /// Changes what the video of an upload will be; also when it has become one.
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
                visibility: input.visibility.map(Into::into),
            };
            edit_upload(app, viewer(ctx), &id, edit).await
        };
        payload(edited.await)
    }

    /// Gives an upload up and deletes its bytes. A video that it has become stays.
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
