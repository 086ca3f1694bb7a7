//! `POST /api/videos/`

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use clipsy_domain::asset::Asset;
use clipsy_domain::user::UserId;
use clipsy_http::body::{Kind, Timed, kind};
use clipsy_http::header::content_length;
use clipsy_http::multipart::Multipart;
use clipsy_service::error::{Error, Result};
use clipsy_service::uploads::finish_upload::{FinishedUpload, finish_or_discard};
use clipsy_service::uploads::places;
use clipsy_service::uploads::receive_upload::{Incoming, check_room, receive_upload};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::json::{Status, Uploaded, time};
use crate::app::App;
use crate::auth::viewer::authenticate;
use crate::auth::viewer::sender;
use crate::rest::answer::{Answer, unread};
use crate::rest::body::read_object;
use crate::rest::fields::{Fields, MAX_DESCRIPTION, MAX_TITLE, REQUIRED, too_long};
use crate::rest::openapi::{Detail, FieldMessages, TokenNotValid};

/// Bytes of a form around its file.
const FORM_ROOM: u64 = 1 << 20;
/// Most bytes of a text field that are kept; no valid text has more.
const TEXT_BYTES: usize = MAX_DESCRIPTION * 4;
/// Most characters of a file's name that are kept.
const MAX_FILE_NAME: usize = 255;

/// Names of the fields.
const FILE: &str = "video_file";

/// A video and its metadata, in any order.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the form, which is read piece by piece")]
pub(crate) struct NewVideo {
    /// Title.
    #[schema(min_length = 1, max_length = 255)]
    title: String,
    /// Description.
    #[schema(max_length = 50_000)]
    description: Option<String>,
    /// Who may see it: `public`, `unlisted` or `private`.
    #[schema(example = "public")]
    visibility: Option<String>,
    /// The video file.
    #[schema(value_type = String, format = Binary)]
    video_file: Vec<u8>,
}

/// Upload a video.
#[utoipa::path(
    post, path = "/api/videos/", tag = "videos", security(("bearer" = [])),
    request_body(content = NewVideo, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "Uploaded and queued for processing", body = Uploaded),
        (status = 400, description = "Missing or invalid fields", body = FieldMessages),
        (status = 401, description = "Not signed in", body = TokenNotValid),
        (status = 408, description = "The body arrived too slowly", body = Detail),
        (status = 413, description = "The file is too large", body = Detail),
        (status = 415, description = "The body is not a form", body = Detail),
        (status = 503, description = "Too many concurrent uploads, in total or of this account; see `Retry-After`", body = Detail),
        (status = 507, description = "Insufficient storage for the file", body = Detail),
    )
)]
pub(crate) async fn upload(State(app): State<App>, request: Request) -> Answer<Response> {
    let (parts, body) = request.into_parts();
    let limit = app
        .settings
        .service
        .max_upload_bytes
        .saturating_add(FORM_ROOM);
    let mut body = Timed::new(&parts.headers, body, &app.settings.upload_bodies(limit));
    let prepared = async {
        let signed_in = authenticate(&app, &parts.headers).await?;
        let signed_in = signed_in.ok_or(Error::NotSignedIn)?;
        let kind = kind(&parts.headers).map_err(unread)?;
        let length = content_length(&parts.headers);
        check_room(&app, length.map(|b| b.saturating_sub(FORM_ROOM))).await?;
        Ok::<_, Error>((signed_in.user.id, kind, length))
    };
    let (owner, kind, length) = match prepared.await {
        Ok(prepared) => prepared,
        Err(error) => {
            body.linger();
            return Err(error.into());
        }
    };
    let Kind::Multipart(boundary) = kind else {
        // No file can be in there; say what is wrong with the rest, too.
        let rest = body.into_body();
        let values = read_object(&parts.headers, rest, &app.settings.small_bodies()).await?;
        let mut form = Form {
            not_a_file: values.contains_key(FILE),
            values,
            ..Form::default()
        };
        form.check()?;
        return Err(Error::field(FILE, REQUIRED).into());
    };
    let _place = match places::take(&app, owner, sender(&app, &parts)) {
        Ok(place) => place,
        Err(error) => {
            body.linger();
            return Err(error.into());
        }
    };
    let mut form = Form::default();
    let received = read_form(&app, owner, &mut form, &mut body, boundary, length).await;
    let finished = match received {
        Ok(finished) => finished,
        Err(error) => {
            // The room is free again before the sender hears of it.
            if let Some((incoming, _)) = form.file.take() {
                incoming.discard().await;
            }
            body.linger();
            return Err(error.into());
        }
    };
    // From here on it does not matter whether the sender is still there.
    let asset = tokio::spawn(finish(app, finished))
        .await
        .map_err(Error::internal)??;
    Ok((StatusCode::CREATED, Json(uploaded(asset))).into_response())
}

/// A form while it is read.
#[derive(Debug, Default)]
struct Form {
    values: Map<String, Value>,
    /// Fields with more bytes than any valid text has.
    oversized: Vec<&'static str>,
    file: Option<(Incoming, String)>,
    second_file: bool,
    not_a_file: bool,
}

/// What is known when all is well.
struct Complete {
    owner_id: UserId,
    incoming: Incoming,
    file_name: String,
    texts: Texts,
}

struct Texts {
    title: String,
    description: String,
    visibility: Option<clipsy_domain::asset::Visibility>,
}

async fn read_form(
    app: &App,
    owner_id: UserId,
    form: &mut Form,
    body: &mut Timed,
    boundary: Option<String>,
    announced: Option<u64>,
) -> Result<Complete> {
    let mut parts = Multipart::new(body, boundary).map_err(unread)?;
    while let Some(part) = parts.next_part().await.map_err(unread)? {
        match (part.name.as_str(), part.file_name) {
            // Browsers send this when no file was chosen.
            (FILE, Some(name)) if name.is_empty() => {}
            (FILE, Some(_)) if form.file.is_some() => form.second_file = true,
            (FILE, Some(name)) => {
                // Better now than after gigabytes.
                form.check_so_far()?;
                let name = file_name(&name);
                let incoming =
                    receive_upload(app, owner_id, &name, &part.content_type, announced).await?;
                let (incoming, _) = form.file.insert((incoming, name));
                while let Some(piece) = parts.piece().await.map_err(unread)? {
                    incoming.write(piece).await?;
                }
            }
            (FILE, None) => form.not_a_file = true,
            ("title", None) => form.keep("title", text(&mut parts).await?),
            ("description", None) => form.keep("description", text(&mut parts).await?),
            ("visibility", None) => form.keep("visibility", text(&mut parts).await?),
            _ => {}
        }
    }
    let texts = form.check()?;
    let (incoming, file_name) = form
        .file
        .take()
        .ok_or_else(|| Error::field(FILE, REQUIRED))?;
    Ok(Complete {
        owner_id,
        incoming,
        file_name,
        texts,
    })
}

async fn text(parts: &mut Multipart<'_>) -> Result<Option<String>> {
    parts.text(TEXT_BYTES).await.map_err(unread)
}

impl Form {
    fn keep(&mut self, name: &'static str, text: Option<String>) {
        match text {
            Some(text) => {
                self.values.insert(name.to_owned(), Value::String(text));
            }
            None => self.oversized.push(name),
        }
    }

    /// Refuses what is wrong with the fields that came before the file. Others may still follow.
    fn check_so_far(&self) -> Result<()> {
        let mut fields = Fields::new(self.values.clone());
        if self.values.contains_key("title") || self.oversized.contains(&"title") {
            self.title(&mut fields);
        }
        self.others(&mut fields);
        fields.check()
    }

    /// Refuses whatever is wrong with the whole form, all at once.
    fn check(&mut self) -> Result<Texts> {
        let mut fields = Fields::new(std::mem::take(&mut self.values));
        let title = self.title(&mut fields);
        let (description, visibility) = self.others(&mut fields);
        match &self.file {
            None if self.not_a_file => fields.refuse(
                FILE,
                "The submitted data was not a file. Check the encoding type on the form.",
            ),
            None => fields.refuse(FILE, REQUIRED),
            Some(_) if self.second_file => fields.refuse(FILE, "Only one file can be uploaded."),
            Some((incoming, _)) if incoming.bytes() == 0 => {
                fields.refuse(FILE, "The submitted file is empty.");
            }
            Some(_) => {}
        }
        fields.check()?;
        Ok(Texts {
            title,
            description,
            visibility,
        })
    }

    fn title(&self, fields: &mut Fields) -> String {
        if self.oversized.contains(&"title") {
            fields.refuse("title", too_long(MAX_TITLE));
            return String::new();
        }
        fields.required("title", MAX_TITLE)
    }

    fn others(&self, fields: &mut Fields) -> (String, Option<clipsy_domain::asset::Visibility>) {
        if self.oversized.contains(&"description") {
            fields.refuse("description", too_long(MAX_DESCRIPTION));
        }
        if self.oversized.contains(&"visibility") {
            fields.refuse("visibility", "Not a valid choice.");
        }
        let description = fields.optional("description", MAX_DESCRIPTION, true);
        (
            description.unwrap_or_default(),
            fields.visibility("visibility"),
        )
    }
}

async fn finish(app: App, complete: Complete) -> Result<Asset> {
    let received = complete.incoming.finish().await?;
    let finished = FinishedUpload {
        upload_id: received.upload_id,
        owner_id: complete.owner_id,
        title: complete.texts.title,
        description: complete.texts.description,
        visibility: complete
            .texts
            .visibility
            .unwrap_or(app.settings.service.default_visibility),
        file_name: complete.file_name,
        bytes: received.bytes,
    };
    finish_or_discard(&app, finished).await
}

/// A file name that can be stored and displayed.
fn file_name(name: &str) -> String {
    let plain = name.chars().filter(|c| !c.is_control());
    let all: Vec<char> = plain.collect();
    // The end holds the extension.
    all[all.len().saturating_sub(MAX_FILE_NAME)..]
        .iter()
        .collect()
}

fn uploaded(asset: Asset) -> Uploaded {
    Uploaded {
        id: asset.id,
        title: asset.title,
        description: asset.description,
        status: Status::Processing,
        created_at: time(asset.created_at),
        message: "Video uploaded successfully. Processing will begin shortly.",
    }
}
