//! REST: the original product's routes, and a few more. Handlers are thin; `clipsy_service` does
//! the work.

pub(crate) mod answer;
pub(crate) mod auth;
pub(crate) mod body;
pub(crate) mod docs;
pub(crate) mod fields;
pub(crate) mod health;
pub(crate) mod openapi;
pub(crate) mod videos;

use axum::Router;
use axum::http::{Method, Uri};
use axum::routing::{MethodRouter, get, post, put};
use clipsy_service::error::Error;

use crate::app::App;
use crate::rest::answer::Refused;

/// All routes below `/api/`, and health checks.
pub(crate) fn routes() -> Router<App> {
    let mut router = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .merge(docs::routes());
    for (path, methods) in [
        ("/api/auth/login", post(auth::login::login)),
        ("/api/auth/logout", post(auth::logout::logout)),
        ("/api/auth/refresh", post(auth::refresh::refresh)),
        ("/api/auth/me", get(auth::me::me)),
        ("/api/auth/password", post(auth::password::password)),
        (
            "/api/videos",
            get(videos::list::list).post(videos::upload::upload),
        ),
        (
            "/api/videos/{id}",
            get(videos::get::get)
                .patch(videos::edit::edit)
                .delete(videos::delete::delete),
        ),
        ("/api/videos/{id}/stream", get(videos::stream::stream)),
        ("/api/videos/{id}/retry", post(videos::retry::retry)),
        ("/api/videos/{id}/cancel", post(videos::cancel::cancel)),
        (
            "/api/videos/{id}/thumbnail",
            put(videos::thumbnail::put).delete(videos::thumbnail::delete),
        ),
        (
            "/api/videos/{id}/captions/{file}",
            get(videos::captions::get)
                .put(videos::captions::put)
                .delete(videos::captions::delete),
        ),
        (
            "/api/videos/{id}/playback",
            post(videos::playback::playback),
        ),
        ("/api/schema", get(openapi::schema)),
    ] {
        router = with_and_without_slash(router, path, methods);
    }
    router
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
}

fn with_and_without_slash(
    router: Router<App>,
    path: &str,
    methods: MethodRouter<App>,
) -> Router<App> {
    router
        .route(path, methods.clone())
        .route(&format!("{path}/"), methods)
}

async fn not_found(_: Uri) -> Refused {
    Error::NotFound.into()
}

async fn not_allowed(method: Method) -> Refused {
    Error::Method(method.to_string()).into()
}
