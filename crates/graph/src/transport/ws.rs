//! `WebSockets` at `/graphql`: who may open one, and how.

use std::sync::Arc;

use async_graphql::Executor;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts as _, Request};
use axum::http::header::{AUTHORIZATION, ORIGIN};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use clipsy_http::Address;
use clipsy_http::Client;
use clipsy_http::cors;

use super::accept::Json;
use super::gate::Gate;
use super::http::refuse;
use super::refusal::{Refusal, code};
use super::socket::{self, Connection};
use super::sse::full;
use crate::app::App;
use crate::schema::asked::Headers;

/// The protocol that is spoken.
pub(crate) const PROTOCOL: &str = "graphql-transport-ws";
/// A message of a client is a few hundred bytes, and each socket keeps a buffer of this size.
const READ_BUFFER: usize = 1 << 10;

/// Opens a `WebSocket`.
pub(crate) async fn upgrade<E: Executor>(
    gate: Arc<Gate<E>>,
    app: App,
    request: Request,
) -> Response {
    let (mut parts, _) = request.into_parts();
    let address = Address::of(&parts);
    if !may_connect(&parts.headers, &address, &app.settings.allowed_origins) {
        let message = "Pages of this origin may not connect.";
        let refusal = Refusal::new(StatusCode::FORBIDDEN, code::FORBIDDEN, message);
        return refuse(&refusal, Json::Plain);
    }
    let Ok(client) = Client::from_request_parts(&mut parts, &app).await;
    let Some(place) = gate.sockets.take(client.subscriber()) else {
        return refuse(&full(), Json::Plain);
    };
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &app).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let settings = &gate.settings;
    let mut upgrade = upgrade.protocols([PROTOCOL]);
    // Browsers drop a connection without a protocol, and their scripts would never see the code
    // that says why.
    let other = upgrade.requested_protocols().next().cloned();
    if upgrade.selected_protocol().is_none()
        && let Some(other) = other
    {
        upgrade.set_selected_protocol(other);
    }
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER)
        // Each message is flushed anyway; a buffer would only hold what a slow peer does not take.
        .write_buffer_size(0)
        .max_frame_size(settings.max_message_bytes)
        .max_message_size(settings.max_message_bytes);
    let open = app.streams.token();
    // Programs can send headers with the handshake; browsers cannot.
    let header = parts.headers.remove(AUTHORIZATION);
    let headers = Headers::of_handshake(&parts);
    let connection = Connection::new(gate, app, client, header, headers, place);
    upgrade.on_upgrade(move |socket| async move {
        // On the heap, since the future that axum makes of this is copied a few times.
        Box::pin(socket::run(socket, connection)).await;
        drop(open);
    })
}

/// True if the request comes from a page of this server or of a listed origin, or from no page:
/// browsers always name the origin, and let pages of all origins connect.
fn may_connect(headers: &HeaderMap, address: &Address, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let host = address.host();
    cors::lists(allowed, origin)
        || origin
            .to_str()
            .is_ok_and(|origin| host.is_some_and(|host| is_of(origin, host)))
}

/// True if the origin (RFC 6454 section 6.2) is the server of that name. Behind a proxy the scheme
/// is not known here; ports 80 and 443 may be omitted.
fn is_of(origin: &str, host: &str) -> bool {
    let Ok(uri) = origin.parse::<Uri>() else {
        return false;
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return false;
    };
    let default = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let Ok(host) = host.parse::<axum::http::uri::Authority>() else {
        return false;
    };
    authority.host().eq_ignore_ascii_case(host.host())
        && authority.port_u16().unwrap_or(default) == host.port_u16().unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origin: Option<&str>, host: &str, list: &[&str]) -> bool {
        let mut request = axum::http::Request::builder().header("host", host);
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let list: Vec<String> = list.iter().map(|&one| one.to_owned()).collect();
        may_connect(&parts.headers, &Address::of(&parts), &list)
    }

    #[test]
    fn only_pages_of_this_server_and_listed_ones_connect() {
        for (origin, host) in [
            ("http://localhost:8000", "localhost:8000"),
            ("https://videos.example.org", "videos.example.org"),
            ("https://Videos.example.org", "videos.example.org:443"),
            ("http://videos.example.org:80", "videos.example.org"),
            ("http://[::1]:8000", "[::1]:8000"),
        ] {
            assert!(allowed(Some(origin), host, &[]), "{origin} {host}");
        }
        for (origin, host) in [
            ("https://evil.example", "videos.example.org"),
            (
                "https://videos.example.org.evil.example",
                "videos.example.org",
            ),
            (
                "https://evil.example/videos.example.org",
                "videos.example.org",
            ),
            ("http://localhost:8001", "localhost:8000"),
            ("http://localhost", "localhost:8000"),
            ("null", "videos.example.org"),
            ("", "videos.example.org"),
            ("file://", "videos.example.org"),
        ] {
            assert!(!allowed(Some(origin), host, &[]), "{origin} {host}");
        }
        assert!(allowed(None, "videos.example.org", &[]));
        let list = ["https://app.example", "http://localhost:5173/"];
        assert!(allowed(Some("https://app.example"), "x", &list));
        assert!(allowed(Some("http://localhost:5173"), "x", &list));
        assert!(!allowed(Some("http://app.example"), "x", &list));
    }
}
