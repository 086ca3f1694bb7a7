//! Where the browser thinks this server is.

use axum::http::request::Parts;

use crate::app::App;
use crate::upload::location::upload_url;

/// E.g. `https://videos.example.org`, as for uploads; empty if it is not known by which name the
/// server was called, which leaves addresses without a host.
pub(super) fn origin(parts: &Parts, app: &App) -> String {
    let upload = upload_url(parts, &app.settings.trusted_proxies, "");
    upload
        .strip_suffix("/api/uploads/")
        .unwrap_or_default()
        .to_owned()
}
