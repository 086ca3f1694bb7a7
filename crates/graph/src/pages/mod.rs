//! The web front end: its files, which are part of the binary, and its pages.
//!
//! The pages are one document whose script draws them; the server adds what those need who do not
//! run the script: titles, pictures and players for other sites' previews.

mod engines;
mod files;
mod oembed;
mod page;
mod policy;

use axum::Router;
use axum::routing::get;

use crate::app::App;

pub(crate) use page::{Framable, not_found};
pub(crate) use policy::Policies;

/// All routes of the front end. Addresses that nothing else answers go to [`not_found`].
pub(crate) fn routes() -> Router<App> {
    let mut router = Router::new()
        .route("/assets/{*path}", get(files::asset))
        .route("/favicon.svg", get(files::root))
        .route("/theme.js", get(files::root))
        .route("/site.webmanifest", get(files::root))
        .route("/worker.js", get(files::root))
        .route("/icon-192.png", get(files::root))
        .route("/icon-512.png", get(files::root))
        .route("/icon-mask.png", get(files::root))
        .route("/apple-touch-icon.png", get(files::root))
        .route("/robots.txt", get(engines::robots))
        .route("/sitemap.xml", get(engines::sitemap))
        .route("/oembed", get(oembed::oembed))
        .route("/watch/{id}", get(page::watch))
        .route("/embed/{id}", get(page::embed));
    for path in [
        "/",
        "/sign-in",
        "/upload",
        "/share",
        "/u/{name}",
        "/account",
        "/studio",
        "/studio/{id}",
        "/admin",
        "/admin/{tab}",
    ] {
        router = router.route(path, get(page::plain));
    }
    router
}
