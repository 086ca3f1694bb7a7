//! `GET`, `PUT` and `DELETE /api/videos/{id}/captions/{language}.vtt`

use axum::Json;
use axum::extract::{FromRequestParts, Path, Query, Request, State};
use axum::http::header::VARY;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use clipsy_captions::MOST_BYTES;
use clipsy_domain::captions::{self, CaptionKind};
use clipsy_http::Address;
use clipsy_http::body::{self, read_all};
use clipsy_service::accounts::session::{SignedIn, viewer};
use clipsy_service::error::{Error, Result};
use clipsy_service::videos::access::Way;
use clipsy_service::videos::find_video::{Named, find_named};
use clipsy_service::videos::set_captions::{Said, remove_captions, set_captions};

use super::json::VideoDetail;
use crate::app::App;
use crate::media;
use crate::rest::answer::{Answer, Refused, unread};
use crate::rest::openapi::{Detail, DetailLine, TokenNotValid};

/// The video and the language in the path, and what is said in the query.
#[derive(Debug)]
pub(crate) struct Asked {
    named: Named,
    said: Said,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        let Path((id, file)) = Path::<(String, String)>::from_request_parts(parts, app)
            .await
            .map_err(|_| Error::NotFound)?;
        let named = Named::parse(&id).ok_or(Error::NotFound)?;
        let language = file.strip_suffix(".vtt").ok_or(Error::NotFound)?;
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| Error::Parse(error.to_string()))?;
        let mut said = Said {
            language: language.to_owned(),
            kind: CaptionKind::Subtitles,
            label: String::new(),
            default: false,
            forced: false,
        };
        for (name, value) in query.0 {
            match name.as_str() {
                "kind" => {
                    said.kind = CaptionKind::parse(&value)
                        .ok_or_else(|| Error::field("kind", "Must be subtitles or captions."))?;
                }
                "label" => said.label = value,
                "default" => said.default = flag("default", &value)?,
                "forced" => said.forced = flag("forced", &value)?,
                // What a later version knows.
                _ => {}
            }
        }
        Ok(Self { named, said })
    }
}

impl Asked {
    /// The number of the video. By the key of a link it can only be read.
    fn number(&self) -> Result<i64> {
        match self.named {
            Named::Number(id) => Ok(id),
            Named::Key(_) => Err(Error::NotFound),
        }
    }
}

fn flag(name: &str, value: &str) -> Result<bool> {
    match value {
        "true" | "1" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => Err(Error::field(name, "Must be true or false.")),
    }
}

/// Captions of a video as `WebVTT`, for those who may see it.
#[utoipa::path(
    get, path = "/api/videos/{id}/captions/{language}.vtt", tag = "videos", security((), ("bearer" = [])),
    params(
        ("id" = i64, Path, description = "Number of the video, or the key of an unlisted video's link"),
        ("language" = String, Path, description = "Language tag (BCP 47), e.g. `de` or `zh-Hant`"),
        ("kind" = Option<String>, Query, description = "`subtitles` (default), or `captions` for those made for people who do not hear"),
        ("If-None-Match" = Option<String>, Header, description = "ETags of the client's copies"),
    ),
    responses(
        (status = 200, description = "The captions", content_type = "text/vtt", body = String),
        (status = 304, description = "Not modified"),
        (status = 401, description = "Invalid token", body = TokenNotValid),
        (status = 404, description = "Not found, or not visible to the caller", body = Detail),
    )
)]
pub(crate) async fn get(
    State(app): State<App>,
    signed_in: Option<SignedIn>,
    asked: Asked,
    request: Request,
) -> Answer<Response> {
    let asset = find_named(&app, viewer(signed_in.as_ref()), &asked.named).await?;
    let language = captions::language(&asked.said.language).ok_or(Error::NotFound)?;
    let track = asset.caption(&language, asked.said.kind);
    let name = &track.ok_or(Error::NotFound)?.name;
    let (parts, _) = request.into_parts();
    let way = match &asked.named {
        Named::Number(_) => Way::Bare,
        Named::Key(key) => Way::Key(key),
    };
    let cache = media::cache_control(false, !way.is_shared(&asset));
    let mut response = media::captions::whole(&app, &parts, &asset, name, &cache).await?;
    let varies = HeaderValue::from_static("Authorization");
    response.headers_mut().insert(VARY, varies);
    Ok(response)
}

/// Give a video captions, in place of those of the same language and kind: the bytes of a `WebVTT`, SRT, SBV or SSA/ASS
/// file of at most 2 MiB, in UTF-8, UTF-16 or a Windows code page. They are kept as `WebVTT` and played at once.
#[utoipa::path(
    put, path = "/api/videos/{id}/captions/{language}.vtt", tag = "videos", security(("bearer" = [])),
    params(
        ("id" = i64, Path, description = "Number of the video"),
        ("language" = String, Path, description = "Language tag (BCP 47), e.g. `de` or `zh-Hant`"),
        ("kind" = Option<String>, Query, description = "`subtitles` (default), or `captions` for people who do not hear"),
        ("label" = Option<String>, Query, description = "What players call them, at most 100 characters"),
        ("default" = Option<bool>, Query, description = "Show them to those who have chosen nothing"),
        ("forced" = Option<bool>, Query, description = "They are only what everybody has to read"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "The video as it is now", body = VideoDetail),
        (status = 400, description = "It cannot be read; `line` says where", body = DetailLine),
        (status = 401, description = "Not signed in", body = TokenNotValid),
        (status = 403, description = "It is somebody else's, or the account has no room", body = Detail),
        (status = 404, description = "There is none, or it is private", body = Detail),
        (status = 409, description = "It has too many captions", body = Detail),
        (status = 413, description = "It has too many bytes", body = Detail),
    )
)]
pub(crate) async fn put(
    State(app): State<App>,
    signed_in: SignedIn,
    address: Address,
    asked: Asked,
    request: Request,
) -> Answer<Json<VideoDetail>> {
    let id = asked.number()?;
    let (parts, body) = request.into_parts();
    let file = file(&app, &parts.headers, body);
    let video = set_captions(&app, signed_in.viewer(), id, asked.said, file).await?;
    Ok(Json(
        VideoDetail::of(video, signed_in.viewer()).at(&address),
    ))
}

/// Only read for those who may do this.
async fn file(app: &App, headers: &HeaderMap, body: axum::body::Body) -> Result<bytes::Bytes> {
    let limits = body::Limits {
        bytes: MOST_BYTES as u64,
        ..app.settings.small_bodies()
    };
    read_all(headers, body, &limits).await.map_err(unread)
}

/// Take captions from a video.
#[utoipa::path(
    delete, path = "/api/videos/{id}/captions/{language}.vtt", tag = "videos", security(("bearer" = [])),
    params(
        ("id" = i64, Path, description = "Number of the video"),
        ("language" = String, Path, description = "Language tag (BCP 47), e.g. `de` or `zh-Hant`"),
        ("kind" = Option<String>, Query, description = "`subtitles` (default), or `captions` for people who do not hear"),
    ),
    responses(
        (status = 200, description = "The video as it is now", body = VideoDetail),
        (status = 401, description = "Not signed in", body = TokenNotValid),
        (status = 403, description = "It is somebody else's", body = Detail),
        (status = 404, description = "There are none, or it is private", body = Detail),
    )
)]
pub(crate) async fn delete(
    State(app): State<App>,
    signed_in: SignedIn,
    address: Address,
    asked: Asked,
) -> Answer<Json<VideoDetail>> {
    let (id, said) = (asked.number()?, &asked.said);
    let video = remove_captions(&app, signed_in.viewer(), id, &said.language, said.kind).await?;
    Ok(Json(
        VideoDetail::of(video, signed_in.viewer()).at(&address),
    ))
}
