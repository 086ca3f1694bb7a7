//! What is done around every request: a number for it, its log line, headers that keep browsers
//! careful, and an answer even if a handler panics.

use std::any::Any;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, LOCATION, ORIGIN, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use clipsy_domain::asset::is_link_key;
use clipsy_http::Address;
use clipsy_http::Client;
use clipsy_http::caller::client::sharer;
use clipsy_http::cors::{is_preflight, lists, preflight};
use clipsy_http::header;
use clipsy_http::peer::until_sent;
use clipsy_http::trace::{begin, end};
use clipsy_service::error::Error;
use clipsy_service::trace::{self, QUIET};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::app::App;
use crate::cors;
use crate::pages::Framable;
use crate::rest::answer::{Cause, ERROR_CODE, Refused};

/// Header with the number of a request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Refuses requests that name no host or several, which proxies and servers may take for different
/// ones (RFC 9112, 3.2).
pub(crate) async fn one_host(request: Request, next: Next) -> Response {
    let hosts = request.headers().get_all(HOST).iter().count();
    let needed = usize::from(request.version() == Version::HTTP_11);
    if !(needed..=1).contains(&hosts) {
        let error = Error::Parse("A request has to have one Host header.".into());
        return Refused(error).into_response();
    }
    next.run(request).await
}

/// Around all routes: a client behind a trusted proxy may have as many concurrent requests as it
/// would have connections without one. The proxy's own connections are not counted.
pub(crate) async fn behind_proxies(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Response {
    let trusted = &app.settings.trusted_proxies;
    let (parts, body) = request.into_parts();
    let client = Client::of(&parts);
    let request = Request::from_parts(parts, body);
    let Some(address) = sharer(client.address, trusted).filter(|_| client.proxied) else {
        return next.run(request).await;
    };
    match app.requests.take(address) {
        Some(share) => until_sent(next.run(request).await, share),
        None => Refused(Error::Throttled(Duration::from_secs(1))).into_response(),
    }
}

/// Around all routes but `/media/`.
pub(crate) async fn api(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let (parts, body) = request.into_parts();
    let client = Client::of(&parts);
    let address = client.address;
    let called = Address::of(&parts);
    let method = parts.method.clone();
    let path = parts.uri.path().to_owned();
    let span = span(&id, &method, &path);
    let parent = header::text(&parts.headers, "traceparent").filter(|_| client.proxied);
    trace::continue_request(&span, parent);
    if begin(&span, &method, parts.extensions.get::<MatchedPath>()) {
        trace::note_number(&span);
    }
    // Without a list every answer is the same for all origins, and caches need not know of them.
    let asks = !app.settings.allowed_origins.is_empty() && cors::covers(&path);
    let origin = parts.headers.get(ORIGIN).filter(|_| asks).cloned();
    let origin = origin.filter(|origin| lists(&app.settings.allowed_origins, origin));
    let mut response = if origin.is_some()
        && is_preflight(&method, &parts.headers)
        && !path.starts_with("/api/uploads")
    {
        preflight(&parts.headers)
    } else {
        let request = Request::from_parts(parts, body);
        next.run(request).instrument(span.clone()).await
    };
    let _inside = span.enter();
    let status = response.status();
    let code = code(&response);
    if !code.is_empty() {
        trace::note_code(&span, code);
    }
    end(&span, status);
    let duration_ms = started.elapsed().as_secs_f64() * 1_000.0;
    if let Some(Cause(cause)) = response.extensions().get::<Cause>() {
        tracing::error!(status = status.as_u16(), code, duration_ms, cause, %address, "failed");
    } else if path == "/healthz" || path == "/readyz" {
        tracing::debug!(status = status.as_u16(), duration_ms, %address, "answered");
    } else {
        tracing::info!(status = status.as_u16(), code, duration_ms, %address, "answered");
    }
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    below(headers, &called);
    careful(headers);
    if asks {
        cors::open(headers, origin.as_ref());
    }
    if response.extensions().get::<Framable>().is_some() {
        response.headers_mut().remove(X_FRAME_OPTIONS);
    }
    response
}

/// Sends callers on to where the server was called; pages of libraries know nothing of that.
fn below(headers: &mut HeaderMap, called: &Address) {
    let Some(location) = header::text(headers, LOCATION) else {
        return;
    };
    let ours = location.starts_with('/') && !location.starts_with("//");
    let prefix = called.prefix();
    // Whoever knows the path has put it there.
    let done = prefix.is_empty()
        || location
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with('/'));
    if ours
        && !done
        && let Ok(location) = HeaderValue::try_from(called.path(location))
    {
        headers.insert(LOCATION, location);
    }
}

/// The span of a request. Only those to the API are traced: pages and their parts are many, and tell
/// nothing.
fn span(id: &HeaderValue, method: &Method, path: &str) -> Span {
    let request_id = id.to_str().unwrap_or_default();
    let trace_id = Empty;
    if path.starts_with("/api/") || path == "/graphql" {
        tracing::info_span!("request", request_id, %method, path, trace_id)
    } else {
        tracing::info_span!(target: QUIET, "request", request_id, %method, path)
    }
}

/// Around `/media/`, where requests are many and answers quick: a line in the log only for what
/// fails, or for those who want to see all.
pub(crate) async fn media(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let uri = request.uri().clone();
    let mut response = next.run(request).await;
    let status = response.status().as_u16();
    let request_id = || id.to_str().unwrap_or_default();
    if let Some(Cause(cause)) = response.extensions().get::<Cause>() {
        tracing::error!(
            request_id = request_id(),
            %method,
            path = without_link(uri.path()),
            status,
            cause,
            "failed"
        );
    } else {
        tracing::debug!(
            request_id = request_id(),
            %method,
            path = without_link(uri.path()),
            status,
            duration_ms = started.elapsed().as_secs_f64() * 1_000.0,
            "answered"
        );
    }
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The answer to a request whose handler panicked.
#[expect(
    clippy::needless_pass_by_value,
    reason = "CatchPanicLayer hands it over"
)]
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Refused(Error::internal(format!("panicked: {message}"))).into_response()
}

/// Playback links and keys of unlisted videos grant access to anyone who reads them, so they are not
/// logged.
fn without_link(path: &str) -> String {
    let secret = |before: &str| {
        let rest = path.strip_prefix(before)?;
        let (name, after) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        (before == "/media/s/" || is_link_key(name)).then(|| format!("{before}…{after}"))
    };
    [
        "/media/s/",
        "/media/v/",
        "/watch/",
        "/embed/",
        "/api/videos/",
    ]
    .into_iter()
    .find_map(secret)
    .unwrap_or_else(|| path.to_owned())
}

fn code(response: &Response) -> &str {
    let code = response.headers().get(ERROR_CODE);
    code.and_then(|code| code.to_str().ok()).unwrap_or("")
}

/// Headers for everything except media; headers set by a route are kept.
fn careful(headers: &mut HeaderMap) {
    const NOTHING: HeaderValue =
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    const NO_CACHE: HeaderValue = HeaderValue::from_static("private, no-cache");
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(NOTHING);
    headers.entry(CACHE_CONTROL).or_insert(NO_CACHE);
    headers
        .entry(VARY)
        .or_insert(HeaderValue::from_static("Authorization"));
}

/// The number that a proxy has given the request, or a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    static START: LazyLock<u64> = LazyLock::new(|| uuid::Uuid::new_v4().as_u64_pair().0);
    static NEXT: AtomicU64 = AtomicU64::new(0);
    if let Some(given) = headers.get(REQUEST_ID) {
        let bytes = given.as_bytes();
        let plain = (1..=64).contains(&bytes.len())
            && bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b));
        if plain {
            return given.clone();
        }
    }
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    // The first half distinguishes runs of the server.
    let id = format!("{:08x}{:08x}", *START >> 32, next & 0xffff_ffff);
    HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt as _;
    use tower_http::catch_panic::CatchPanicLayer;

    #[tokio::test]
    async fn a_panic_becomes_an_answer_that_tells_nothing() {
        async fn panics() {
            panic!("secret");
        }
        let router: Router = Router::new()
            .route("/", get(panics))
            .layer(CatchPanicLayer::custom(panicked));
        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()[ERROR_CODE], "internal");
        let Cause(cause) = response.extensions().get().unwrap();
        assert_eq!(cause, "panicked: secret");
        let body = axum::body::to_bytes(response.into_body(), 1_000)
            .await
            .unwrap();
        assert_eq!(body, r#"{"detail":"Internal server error."}"#);
    }

    #[test]
    fn links_stay_out_of_the_log() {
        assert_eq!(
            without_link("/media/s/eyJ.secret.x/videos/processed/1/master.m3u8"),
            "/media/s/…/videos/processed/1/master.m3u8"
        );
        let key = "0123456789abcdef0123456789abcdef";
        for (path, logged) in [
            (format!("/media/v/{key}/videos/x"), "/media/v/…/videos/x"),
            (format!("/watch/{key}"), "/watch/…"),
            (
                format!("/api/videos/{key}/stream/"),
                "/api/videos/…/stream/",
            ),
            ("/watch/12".to_owned(), "/watch/12"),
            ("/media/videos/x".to_owned(), "/media/videos/x"),
        ] {
            assert_eq!(without_link(&path), logged);
        }
    }

    #[test]
    fn odd_request_numbers_are_replaced() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, value.parse().unwrap());
            request_id(&headers)
        };
        assert_eq!(with("abc-123_x.y"), "abc-123_x.y");
        for odd in ["", "a b", "a\"b", &"x".repeat(65)] {
            let id = with(odd);
            assert_eq!(id.len(), 16, "{odd:?} became {id:?}");
        }
        assert_ne!(with("a b"), with("a b"));
    }
}
