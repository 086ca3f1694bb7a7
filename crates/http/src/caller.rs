//! The caller and the public URL of the server. Both are determined once, where a request enters,
//! since they depend on which proxies are trusted; everything behind takes them from the request.

pub mod address;
pub mod client;

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use address::Address;
use client::{Client, Network};

#[derive(Debug, Clone)]
struct Caller {
    client: Client,
    address: Arc<Address>,
}

/// Middleware around all routes: determines [`Client`] and [`Address`], trusting the forwarding
/// headers of `trusted` proxies only.
pub async fn identify(
    State(trusted): State<Arc<[Network]>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = Caller {
        client: Client::read(&parts, &trusted),
        address: Arc::new(Address::read(&parts, &trusted)),
    };
    parts.extensions.insert(caller);
    next.run(Request::from_parts(parts, body)).await
}

impl Client {
    /// The client of a request that passed [`identify`]; without it no proxy is trusted.
    pub fn of(parts: &Parts) -> Self {
        let caller = parts.extensions.get::<Caller>();
        caller.map_or_else(|| Self::read(parts, &[]), |caller| caller.client)
    }
}

impl Address {
    /// The public URL of a request that passed [`identify`]; without it no proxy is trusted.
    pub fn of(parts: &Parts) -> Self {
        let caller = parts.extensions.get::<Caller>();
        caller.map_or_else(
            || Self::read(parts, &[]),
            |caller| Self::clone(&caller.address),
        )
    }
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::extract::ConnectInfo;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use std::net::SocketAddr;
    use tower::ServiceExt as _;

    async fn told(client: Client, address: Address) -> String {
        format!("{} {}", client.address, address.url("/x"))
    }

    async fn ask(router: Router) -> String {
        let request = Request::builder()
            .extension(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 9))))
            .header("host", "inside")
            .header("x-forwarded-for", "203.0.113.9")
            .header("x-forwarded-host", "clips.example")
            .header("x-forwarded-proto", "https")
            .body(Body::empty())
            .unwrap();
        let body = router.oneshot(request).await.unwrap().into_body();
        let bytes = axum::body::to_bytes(body, 1_000).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn proxies_are_believed_only_by_a_router_that_was_told_of_them() {
        let router = Router::new().route("/", get(told));
        let trusted: Arc<[Network]> = Arc::new(["10.0.0.0/8".parse().unwrap()]);
        let behind = router.clone().layer(from_fn_with_state(trusted, identify));
        assert_eq!(ask(behind).await, "203.0.113.9 https://clips.example/x");
        assert_eq!(ask(router).await, "10.0.0.1 http://inside/x");
    }
}
