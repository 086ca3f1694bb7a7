//! The API: REST, GraphQL, uploads and playback over HTTP.
//!
//! [`router`] is everything as one axum router and [`server::serve`] listens with it;
//! [`background::run`] does what goes on beside the requests. What people do is in `clipsy_service`,
//! one verb a file; `rest` translates it to the original product's routes, `schema` to GraphQL, which
//! `transport` carries, `tus` to resumable uploads, and `media` hands files to players; `pages` are the
//! front end's.

mod app;
mod auth;
pub mod background;
mod coalesce;
mod cors;
mod figures;
mod media;
mod pages;
pub mod probes;
mod rest;
mod schema;
pub mod server;
mod settings;
mod shell;
mod shown;
mod transport;
mod tus;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::any;
use clipsy_http::caller::identify;
use clipsy_http::{Network, compress, measure};
use tower_http::catch_panic::CatchPanicLayer;

pub use app::{Api, App};
pub use figures::observe;
pub use rest::answer::Refused;
pub use schema::sdl;
pub use settings::ApiSettings;
pub use shown::{SettingShown, SettingSource};
pub use transport::settings::{GraphqlSettings, Introspection, Limits};

/// All routes. Connections must carry [`axum::extract::ConnectInfo`] with the peer's address, which
/// [`server::serve`] ensures; without it all clients count as the same remote one.
pub fn router(app: App) -> Router {
    let media = Router::new()
        .route("/media/{*path}", any(media::serve))
        .layer(CatchPanicLayer::custom(shell::panicked))
        .layer(from_fn(shell::media));
    let schema = schema::schema(&app);
    let trusted: Arc<[Network]> = app.settings.trusted_proxies.as_slice().into();
    rest::routes()
        .merge(transport::routes(schema, sdl(), &app.settings.graphql))
        .merge(tus::routes())
        .merge(pages::routes())
        .fallback(pages::not_found)
        .layer(CatchPanicLayer::custom(shell::panicked))
        .layer(from_fn_with_state(app.clone(), shell::api))
        .layer(compress::layer())
        .merge(media)
        .layer(from_fn_with_state(app.clone(), shell::behind_proxies))
        .layer(from_fn_with_state(trusted, identify))
        .layer(from_fn(shell::one_host))
        .layer(from_fn(measure::request))
        .with_state(app)
}
