//! What search engines read: where they may go, and what there is.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use clipsy_domain::asset::{Asset, AssetState, Visibility};
use clipsy_domain::media_key;
use clipsy_domain::user::Viewer;
use clipsy_storage::AssetFilter;

use super::page::{escape, shorten};
use crate::app::App;
use crate::rest::answer::Refused;
use clipsy_http::Address;

/// Videos in the map of the site, the newest first. One file may have 50,000 addresses
/// (sitemaps.org), but nobody waits for so many.
const MOST: i64 = 5_000;
/// How long caches may keep it.
const KEEP: &str = "public, max-age=3600";

/// `GET /robots.txt`: pages of single people and programs' addresses are nothing to search.
pub(super) async fn robots(address: Address) -> Response {
    let prefix = address.prefix();
    let mut text = String::from("User-agent: *\n");
    for path in [
        "account", "admin", "api/", "graphql", "graphiql", "share", "sign-in", "studio", "upload",
    ] {
        let _ = writeln!(text, "Disallow: {prefix}/{path}");
    }
    // A path is no address for this, and it is one if nobody said by which name we are called.
    let map = address.url("/sitemap.xml");
    if map.starts_with("http") {
        let _ = writeln!(text, "\nSitemap: {map}");
    }
    answer("text/plain; charset=utf-8", text)
}

/// `GET /sitemap.xml`: the public videos that are done.
pub(super) async fn sitemap(State(app): State<App>, address: Address) -> Response {
    let filter = AssetFilter {
        states: vec![AssetState::Ready],
        visibility: vec![Visibility::Public],
        limit: Some(MOST),
        ..AssetFilter::new(Viewer::Anonymous)
    };
    let assets = match app.db.assets(&filter).await {
        Ok(assets) => assets,
        Err(error) => return Refused(clipsy_service::error::Error::from(error)).into_response(),
    };
    let origin = escape(&address.url(""));
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" \
         xmlns:video=\"http://www.google.com/schemas/sitemap-video/1.1\">\n",
    );
    let _ = writeln!(text, "<url><loc>{origin}/</loc></url>");
    for asset in &assets {
        entry(&mut text, asset, &origin);
    }
    text.push_str("</urlset>\n");
    answer("application/xml; charset=utf-8", text)
}

fn entry(text: &mut String, asset: &Asset, origin: &str) {
    let name = media_key::page_name(asset);
    let changed = asset.updated_at.format("%Y-%m-%dT%H:%M:%SZ");
    let _ = write!(
        text,
        "<url><loc>{origin}/watch/{name}</loc><lastmod>{changed}</lastmod>"
    );
    // A video without a picture may not be named as one.
    if let Some(picture) = media_key::thumbnail_url(asset) {
        let title = xml(&asset.title);
        let description = match shorten(&asset.description) {
            empty if empty.is_empty() => title.clone(),
            text => xml(&text),
        };
        let _ = write!(
            text,
            "<video:video><video:thumbnail_loc>{origin}{}</video:thumbnail_loc>\
             <video:title>{title}</video:title><video:description>{description}</video:description>\
             <video:player_loc>{origin}/embed/{name}</video:player_loc>",
            escape(&picture)
        );
        if let Some(seconds) = asset.duration_s.filter(|seconds| *seconds >= 1.0) {
            let _ = write!(text, "<video:duration>{seconds:.0}</video:duration>");
        }
        text.push_str("</video:video>");
    }
    text.push_str("</url>\n");
}

/// Text as it may stand in XML, which knows no control characters at all (XML 1.0, section 2.2).
fn xml(text: &str) -> String {
    let allowed = |c: &char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    escape(&text.chars().filter(allowed).collect::<String>())
}

fn answer(kind: &'static str, text: String) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, KEEP)], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_fit_for_xml() {
        assert_eq!(xml("a\u{0}<b>\u{1b} & \u{ffff}ü"), "a&lt;b&gt; &amp; ü");
    }
}
