//! `PATCH /api/uploads/{id}`: more bytes, or in JSON what is said about the upload.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use clipsy_http::body::Timed;
use clipsy_http::header::{MediaType, content_length};
use clipsy_http::server::Stopping;
use clipsy_service::uploads::take_bytes::{Received, Refusal, Sending, take_bytes};

use super::respond::{Result, empty, tell_progress};
use super::sent::Sent;
use super::{check_bytes, check_version, headers, json, viewer};
use crate::app::App;
use crate::auth::viewer::sender;

pub(super) async fn patch(app: &App, id: &str, request: Request) -> Result {
    if is_json(request.headers()) {
        return json::edit(app, id, request).await;
    }
    let (parts, body) = request.into_parts();
    // How much may come is known later.
    let mut body = Timed::new(&parts.headers, body, &app.settings.upload_bodies(u64::MAX));
    let prepared = async {
        check_version(&parts.headers)?;
        let viewer = viewer(app, &parts).await?;
        check_bytes(&parts.headers)?;
        let sending = Sending {
            offset: headers::offset(&parts.headers)?,
            length: headers::number(&parts.headers, "upload-length")?,
            announced: content_length(&parts.headers),
            checksum: headers::checksum(&parts.headers)?,
            sender: sender(app, &parts),
            stop: stop(&parts.extensions),
        };
        Ok::<_, Refusal>((viewer, sending))
    };
    let (viewer, sending) = match prepared.await {
        Ok(prepared) => prepared,
        Err(refusal) => {
            body.linger();
            return Err(refusal);
        }
    };
    let Received {
        upload,
        offset,
        cut,
    } = take_bytes(app, viewer, id, &mut Sent(&mut body), sending).await?;
    match cut {
        // All that the upload needs is there, whatever came of the request.
        Some(error) if upload.asset_id.is_none() => Err(Refusal {
            error,
            offset: Some(offset),
        }),
        _ => {
            let mut response = empty(StatusCode::NO_CONTENT);
            tell_progress(&mut response, &upload, offset);
            Ok(response)
        }
    }
}

/// Cancelled when the server stops.
pub(super) fn stop(extensions: &axum::http::Extensions) -> tokio_util::sync::CancellationToken {
    let stopping = extensions.get::<Stopping>();
    stopping
        .map(|Stopping(stop)| stop.clone())
        .unwrap_or_default()
}

/// True for requests in JSON, which need not speak tus.
fn is_json(headers: &HeaderMap) -> bool {
    MediaType::of(headers).is_some_and(|kind| kind.is("application/json"))
        && !headers.contains_key("tus-resumable")
}
