//! Whether what happens is told at once: over a WebSocket, and as server-sent events.

use std::io::{ErrorKind, Read, Write as _};
use std::time::Duration;

use clipsy_pipeline::doctor::Finding;

use super::found;
use super::target::{Answer, Target};

/// How long the first event may be under way. The server sends the second one after eight seconds.
const PATIENCE: Duration = Duration::from_secs(4);
/// Longest answer that is looked at.
const MOST: usize = 64 << 10;

/// Opens a WebSocket as a page of this address would.
pub(super) fn web_socket(target: &Target) -> anyhow::Result<Finding> {
    let origin = format!("Origin: {}://{}", target.scheme(), target.authority);
    let headers = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: ZG9jdG9yIG9mIGNsaXBzeQ==",
        "Sec-WebSocket-Protocol: graphql-transport-ws",
        &origin,
    ];
    let mut connection = target.send("GET", "/graphql", &headers)?;
    let (head, _) = until(&mut connection, b"\r\n\r\n");
    let status = Answer::read(&mut head.as_slice()).map_or(0, |answer| answer.status);
    let (reason, advice) = match status {
        101 => {
            let init = br#"{"type":"connection_init"}"#;
            // A masked text in one frame (RFC 6455 section 5.2); a mask of zeros changes nothing.
            let mut frame = vec![0x81, 0x80 | init.len() as u8, 0, 0, 0, 0];
            frame.extend_from_slice(init);
            connection.write_all(&frame)?;
            connection.flush()?;
            let (_, acknowledged) = until(&mut connection, b"connection_ack");
            if acknowledged {
                ("it opens, and messages pass".to_owned(), None)
            } else {
                (
                    "it opens, but no message passes".to_owned(),
                    Some("the proxy has to hand both directions on from then on"),
                )
            }
        }
        403 => (
            "the server takes its own pages for others'".to_owned(),
            Some("pass Host on as it was; in nginx: proxy_set_header Host $http_host;"),
        ),
        status => (
            format!("it does not open: the answer has status {status}"),
            Some(
                "the proxy has to speak HTTP/1.1 to Clipsy and pass Upgrade and Connection on; see \
                 docs/OPERATIONS.md",
            ),
        ),
    };
    Ok(found("websocket", "WebSocket", reason, advice))
}

/// Asks for events of which the first comes at once and the second later.
pub(super) fn events(target: &Target) -> anyhow::Result<Finding> {
    let token = uuid::Uuid::new_v4().simple().to_string();
    let path = format!("{}/api/uploads/probe/{token}", target.prefix);
    let mut connection = target.connect(PATIENCE)?;
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n\
         Accept-Encoding: gzip, br, zstd\r\nConnection: close\r\n\r\n",
        target.authority
    );
    connection.write_all(head.as_bytes())?;
    connection.flush()?;
    let (seen, first) = until(&mut connection, b"data: first\n\n");
    let packed = String::from_utf8_lossy(&seen)
        .to_ascii_lowercase()
        .contains("content-encoding:");
    let (reason, advice) = if first {
        ("events arrive as they are sent".to_owned(), None)
    } else if packed {
        (
            "events are compressed, which holds them back".to_owned(),
            Some("leave text/event-stream out of what the proxy compresses"),
        )
    } else {
        (
            format!("an event had not arrived after {} s", PATIENCE.as_secs()),
            Some("turn buffering of answers off; in nginx: proxy_buffering off;"),
        )
    };
    Ok(found("events", "Event stream", reason, advice))
}

/// Reads until `end` has come, the other side ends, or it is silent for too long; what was read, and
/// whether `end` is in it.
fn until(connection: &mut impl Read, end: &[u8]) -> (Vec<u8>, bool) {
    let mut all = Vec::new();
    let mut byte = [0; 1];
    while all.len() < MOST {
        match connection.read(&mut byte) {
            Ok(1..) => all.push(byte[0]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            _ => return (all, false),
        }
        if all.ends_with(end) {
            return (all, true);
        }
    }
    (all, false)
}
