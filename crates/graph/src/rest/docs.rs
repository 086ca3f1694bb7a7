//! `GET /api/docs/`: the description for people, without loading anything from elsewhere.

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::app::App;

/// Only resources of this server; Swagger UI creates styles and images of its own.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'",
);

pub(crate) fn routes() -> Router<App> {
    // From the page, wherever that is.
    let config = Config::new(["../schema/"])
        // By default it sends the description to a validator elsewhere.
        .validator_url("none")
        .persist_authorization(false)
        .deep_linking(true);
    let pages: Router<App> = SwaggerUi::new("/api/docs").config(config).into();
    pages.layer(from_fn(strict))
}

async fn strict(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, POLICY);
    response
}
