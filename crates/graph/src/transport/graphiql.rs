//! `GET /graphiql`: a page to try the API with. It is part of the binary and loads nothing from
//! elsewhere.

use axum::Router;
use axum::extract::Path;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use clipsy_http::assets::{ASK_AGAIN, Assets, FOR_EVER, File, send};
use clipsy_service::error::Error;

use crate::app::App;
use crate::rest::answer::Refused;

include!(concat!(env!("OUT_DIR"), "/graphiql.rs"));

/// Compressed with gzip, as `web/graphiql/build.mjs` leaves them. Empty if the page was not bundled,
/// which only builds for development allow.
const ASSETS: Assets = Assets(FILES);

/// Only what this server sends. The editor makes styles of its own, and its icons are part of them.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; \
     style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

pub(crate) fn routes() -> Router<App> {
    let page = |headers: HeaderMap| async move { file("index.html", &headers) };
    Router::new()
        .route("/graphiql", get(page))
        // The page refers to its files by where it is.
        .route("/graphiql/", get(async || Redirect::permanent("/graphiql")))
        .route(
            "/graphiql/{file}",
            get(
                |Path(name): Path<String>, headers: HeaderMap| async move { file(&name, &headers) },
            ),
        )
}

fn file(name: &str, headers: &HeaderMap) -> Response {
    let Some(file) = ASSETS.find(name) else {
        return if ASSETS.is_empty() {
            let page = "The GraphiQL page is not part of this build. Run `make graphiql` and build again.\n";
            (StatusCode::NOT_FOUND, page).into_response()
        } else {
            Refused(Error::NotFound).into_response()
        };
    };
    // Names of pieces change with what is in them.
    let keep = if name.starts_with("chunk-") {
        FOR_EVER
    } else {
        ASK_AGAIN
    };
    let mut response = send(file, headers, keep);
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, POLICY);
    response
}
