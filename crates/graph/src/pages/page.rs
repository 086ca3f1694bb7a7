//! The documents: one for all pages, one for the player on other people's pages.

use std::fmt::Write as _;

use axum::extract::{Path, Request, State};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, ETAG, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use clipsy_domain::asset::{Asset, Visibility};
use clipsy_domain::media_key;
use clipsy_domain::user::Viewer;
use clipsy_http::Address;
use clipsy_http::assets::unchanged;
use clipsy_service::error::Error;
use clipsy_service::videos::find_video::{Named, find_named};
use sha2::{Digest as _, Sha256};

use super::files;
use crate::app::App;
use crate::rest::answer::Refused;

/// Stands in both documents where the server may add to their heads.
const PLACE: &str = "<!--head-->";
/// Longest description in previews, in characters.
const PREVIEW_CHARS: usize = 300;

/// Marks an answer that other sites may show in a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Framable;

/// Pages that look the same to everybody until their script runs.
pub(super) async fn plain(
    State(app): State<App>,
    uri: Uri,
    address: Address,
    headers: HeaderMap,
) -> Response {
    let first = uri.path().split('/').nth(1).unwrap_or_default();
    let (title, head) = match first {
        "" => ("Library", DESCRIPTION),
        "u" => ("Videos", ""),
        "sign-in" => ("Sign in", NOT_LISTED),
        "upload" | "share" => ("Upload", NOT_LISTED),
        "studio" => ("Studio", NOT_LISTED),
        "admin" => ("Administration", NOT_LISTED),
        _ => ("Account", NOT_LISTED),
    };
    let text = Text { title, head };
    document(
        &app,
        "index.html",
        &text,
        &address,
        &headers,
        StatusCode::OK,
    )
}

/// `GET /watch/{id or key}`: with a preview of the video, if everybody may see it.
pub(super) async fn watch(
    State(app): State<App>,
    Path(id): Path<String>,
    address: Address,
    headers: HeaderMap,
) -> Response {
    let (status, title, mut head) = match open_asset(&app, &id).await {
        Ok(Some(asset)) => {
            let mut head = preview(&asset, &address.url(""));
            // The picture stands there until the player has come.
            if let Some(picture) = media_key::thumbnail_url(&asset) {
                let picture = escape(&address.path(&picture));
                let _ = write!(
                    head,
                    "<link rel=\"preload\" as=\"image\" href=\"{picture}\" fetchpriority=\"high\">"
                );
            }
            (StatusCode::OK, asset.title, head)
        }
        Ok(None) => {
            // It may still be there for whoever is signed in, which only the script finds out.
            let status = if says_signed_in(&headers) {
                StatusCode::OK
            } else {
                StatusCode::NOT_FOUND
            };
            (status, "Video".to_owned(), NOT_LISTED.to_owned())
        }
        Err(error) => return Refused(error).into_response(),
    };
    for chunk in files::watch_preloads() {
        let _ = write!(head, "<link rel=\"modulepreload\" href=\"./{chunk}\">");
    }
    let text = Text {
        title: &title,
        head: &head,
    };
    let mut response = document(&app, "index.html", &text, &address, &headers, status);
    response
        .headers_mut()
        .append(VARY, HeaderValue::from_static("Cookie"));
    response
}

/// Whether the scripts of this site have noted in the browser that somebody is signed in. It opens
/// nothing: it only keeps people's own videos from being called missing.
fn says_signed_in(headers: &HeaderMap) -> bool {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .any(|one| one.trim() == "clipsy_in=1")
}

/// `GET /embed/{id or key}`: the player alone, for frames on other sites.
pub(super) async fn embed(
    State(app): State<App>,
    Path(id): Path<String>,
    address: Address,
    headers: HeaderMap,
) -> Response {
    // Nobody is signed in there, so what is not open to everybody is not there.
    let (status, title, head) = match open_asset(&app, &id).await {
        Ok(Some(asset)) => {
            let title = escape(&asset.title);
            let head = format!("<meta property=\"og:title\" content=\"{title}\">");
            (StatusCode::OK, asset.title, head)
        }
        Ok(None) => (StatusCode::NOT_FOUND, "Video".to_owned(), String::new()),
        Err(error) => return Refused(error).into_response(),
    };
    let text = Text {
        title: &title,
        head: &head,
    };
    let mut response = document(&app, "embed.html", &text, &address, &headers, status);
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, app.policies.embed.clone());
    response.extensions_mut().insert(Framable);
    response
}

/// What nothing else answers: a page that says so to people, an error to programs.
pub(crate) async fn not_found(
    State(app): State<App>,
    address: Address,
    request: Request,
) -> Response {
    let wants_page = request
        .headers()
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accepted| accepted.contains("text/html"));
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    let path = request.uri().path();
    if reading && wants_page && !path.starts_with("/api/") {
        let text = Text {
            title: "Not found",
            head: NOT_LISTED,
        };
        let (headers, status) = (request.headers(), StatusCode::NOT_FOUND);
        document(&app, "index.html", &text, &address, headers, status)
    } else {
        Refused(Error::NotFound).into_response()
    }
}

/// The video by its number or the key of its link, if people who are not signed in may see it.
pub(super) async fn open_asset(app: &App, name: &str) -> Result<Option<Asset>, Error> {
    let Some(named) = Named::parse(name) else {
        return Ok(None);
    };
    match find_named(app, Viewer::Anonymous, &named).await {
        Ok(asset) => Ok(Some(asset)),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Headers that tell how the server was called, if they are believed.
const CALLED: HeaderValue = HeaderValue::from_static(
    "Host, Forwarded, X-Forwarded-Host, X-Forwarded-Prefix, X-Forwarded-Proto",
);

/// What a document says before its script runs.
struct Text<'a> {
    /// Of the tab, as text.
    title: &'a str,
    /// More of the head, as HTML.
    head: &'a str,
}

/// Search engines keep out of what is nobody else's business.
const NOT_LISTED: &str = "<meta name=\"robots\" content=\"noindex\">";
/// The library in search engines.
const DESCRIPTION: &str =
    "<meta name=\"description\" content=\"Videos to watch, on a server of our own.\">";

fn document(
    app: &App,
    name: &str,
    text: &Text<'_>,
    address: &Address,
    headers: &HeaderMap,
    status: StatusCode,
) -> Response {
    let template = files::find(name).and_then(|file| str::from_utf8(file.plain?).ok());
    let template = template.unwrap_or(MISSING);
    let title = format!("<title>{} · Clipsy</title>", escape(text.title));
    // Neither holds the other's place: markup in titles is escaped.
    let body = template.replacen("<title>Clipsy</title>", &title, 1);
    let body = body.replacen(PLACE, text.head, 1);
    // The build refers to its files by where they are in the site, and pages are at any depth.
    let body = body.replace("=\"./", &format!("=\"{}/", address.prefix()));
    let body = if app.settings.service.demo {
        // The scripts say so on every page, in the visitor's language.
        body.replacen("<html ", "<html data-demo ", 1)
    } else {
        body
    };
    let hash = Sha256::digest(body.as_bytes());
    let etag = format!(
        "\"{:016x}\"",
        u64::from_be_bytes(hash[..8].try_into().unwrap_or_default())
    );
    let mut response = if status == StatusCode::OK && unchanged(headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (status, body).into_response()
    };
    let answer = response.headers_mut();
    answer.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    answer.insert(CONTENT_SECURITY_POLICY, app.policies.page.clone());
    answer.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Addresses in the head are those by which the server was called.
    answer.insert(VARY, CALLED);
    // A weak one: it stands for what the document says, however it is packed.
    if let Ok(etag) = HeaderValue::try_from(format!("W/{etag}")) {
        answer.insert(ETAG, etag);
    }
    response
}

/// For builds without the front end, which are those of developers.
const MISSING: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
    <title>Clipsy</title><!--head--></head><body><h1>This build has no web front end</h1>\
    <p>Run <code>make build</code>, or <code>npm run build</code> in <code>web/</code> and build \
    again. The API is at <a href=\"./api/docs/\">/api/docs/</a>.</p></body></html>";

/// What other sites and messengers show of a link to the video (ogp.me, oembed.com).
fn preview(asset: &Asset, origin: &str) -> String {
    let title = escape(&asset.title);
    let description = escape(&shorten(&asset.description));
    let name = media_key::page_name(asset);
    let mut head = String::new();
    if asset.visibility == Visibility::Unlisted {
        // Whoever finds a link somewhere is not to list it for everybody.
        head.push_str("<meta name=\"robots\" content=\"noindex\">");
    }
    let mut property = |name: &str, content: &str| {
        let _ = write!(head, "<meta property=\"{name}\" content=\"{content}\">");
    };
    property("og:site_name", "Clipsy");
    property("og:type", "video.other");
    property("og:title", &title);
    property("og:url", &format!("{origin}/watch/{name}"));
    if !description.is_empty() {
        property("og:description", &description);
    }
    if let Some(picture) = media_key::thumbnail_url(asset) {
        property("og:image", &format!("{origin}{picture}"));
        property("og:image:type", "image/jpeg");
    }
    if asset.playable {
        property("og:video", &format!("{origin}/embed/{name}"));
        if origin.starts_with("https:") {
            property("og:video:secure_url", &format!("{origin}/embed/{name}"));
        }
        property("og:video:type", "text/html");
        if let (Some(width), Some(height)) = (asset.width, asset.height) {
            property("og:video:width", &width.to_string());
            property("og:video:height", &height.to_string());
        }
    }
    if let Some(duration) = asset.duration_s {
        property("video:duration", &format!("{:.0}", duration.ceil()));
    }
    let card = if media_key::thumbnail_url(asset).is_some() {
        "summary_large_image"
    } else {
        "summary"
    };
    let _ = write!(head, "<meta name=\"twitter:card\" content=\"{card}\">");
    if !description.is_empty() {
        let _ = write!(
            head,
            "<meta name=\"description\" content=\"{description}\">"
        );
    }
    let address = format!("{origin}/watch/{name}");
    let address =
        percent_encoding::utf8_percent_encode(&address, percent_encoding::NON_ALPHANUMERIC);
    let _ = write!(
        head,
        "<link rel=\"alternate\" type=\"application/json+oembed\" \
         href=\"{origin}/oembed?url={address}\" title=\"{title}\">"
    );
    head
}

/// The beginning of a description, in one line.
pub(super) fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= PREVIEW_CHARS {
        return line;
    }
    let mut short: String = line.chars().take(PREVIEW_CHARS - 1).collect();
    short.push('…');
    short
}

/// Text as it may stand in HTML, also inside quotes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_cut_between_characters() {
        assert_eq!(shorten("  one\n\ttwo "), "one two");
        let long = "ü".repeat(400);
        let short = shorten(&long);
        assert_eq!(short.chars().count(), 300);
        assert!(short.ends_with("ü…"));
    }

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            escape("<b title=\"x\">'&'</b>"),
            "&lt;b title=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/b&gt;"
        );
    }
}
