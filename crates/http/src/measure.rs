//! Metrics by the `metrics` facade. Nothing is counted unless the binary has installed a recorder.
//!
//! Labels have few values whatever clients send: routes are templates, and unknown methods are
//! `other`.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use metrics::{Gauge, counter, gauge, histogram};

/// Counts one for as long as it is held.
#[must_use = "it counts until it is dropped"]
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    /// Counts one more from now on.
    pub fn new(gauge: Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Around every request: counts it by route, method and status, and measures the time until its
/// response starts.
pub async fn request(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = route(request.extensions().get::<MatchedPath>());
    let method = method(request.method());
    let held = Counted::new(gauge!("clipsy_http_requests_in_progress"));
    let response = next.run(request).await;
    drop(held);
    let status = response.status().as_u16().to_string();
    histogram!("clipsy_http_request_seconds", "route" => route.clone(), "method" => method)
        .record(started.elapsed());
    counter!("clipsy_http_requests_total", "route" => route, "method" => method, "status" => status)
        .increment(1);
    response
}

/// The template of a route, the same with and without a trailing slash.
pub fn route(matched: Option<&MatchedPath>) -> String {
    match matched.map(MatchedPath::as_str) {
        None => "other".to_owned(),
        Some("/") => "/".to_owned(),
        Some(path) => path.trim_end_matches('/').to_owned(),
    }
}

/// The method's name, or `other`.
pub fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::middleware::from_fn;
    use axum::routing::any;
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn routes_and_methods_are_few() {
        async fn answer(request: Request) -> String {
            let route = route(request.extensions().get::<MatchedPath>());
            format!("{} {route}", method(request.method()))
        }
        let router: Router = Router::new()
            .route("/", any(answer))
            .route("/api/videos/{id}", any(answer))
            .route("/api/videos/{id}/", any(answer))
            .fallback(answer)
            .layer(from_fn(super::request));
        for (method, path, said) in [
            ("GET", "/", "GET /"),
            ("PATCH", "/api/videos/1", "PATCH /api/videos/{id}"),
            ("GET", "/api/videos/2/", "GET /api/videos/{id}"),
            ("BREW", "/api/videos/2", "other /api/videos/{id}"),
            ("GET", "/wp-login.php?x=1", "GET other"),
        ] {
            let request = Request::builder().method(method).uri(path);
            let request = request.body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            let body = axum::body::to_bytes(response.into_body(), 1_000).await;
            assert_eq!(body.unwrap(), said);
        }
    }
}
