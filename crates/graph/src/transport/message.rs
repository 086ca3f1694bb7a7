//! The messages of the `graphql-transport-ws` protocol.

use axum::extract::ws::Message;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::request::Params;

/// What a client sends.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum FromClient {
    /// First of all: who it is.
    ConnectionInit { payload: Option<Map<String, Value>> },
    /// To be answered by `pong` with the same payload.
    Ping { payload: Option<Map<String, Value>> },
    /// Needs no answer.
    Pong {},
    /// Starts an operation.
    Subscribe { id: String, payload: Params },
    /// Ends an operation.
    Complete { id: String },
}

/// What the server sends.
#[derive(Debug, Serialize)]
pub(crate) struct FromServer<'a, P: Serialize = ()> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<P>,
}

/// The client is welcome.
pub(crate) fn connection_ack() -> Message {
    message::<()>(None, "connection_ack", None)
}

/// The answer to a `ping`.
pub(crate) fn pong(payload: Option<&Map<String, Value>>) -> Message {
    message(None, "pong", payload)
}

/// A result of an operation.
pub(crate) fn next(id: &str, result: &impl Serialize) -> Message {
    message(Some(id), "next", Some(result))
}

/// The operation was not run, or its subscription could not be opened.
pub(crate) fn error(id: &str, errors: &impl Serialize) -> Message {
    message(Some(id), "error", Some(errors))
}

/// There are no more results.
pub(crate) fn complete(id: &str) -> Message {
    message::<()>(Some(id), "complete", None)
}

fn message<P: Serialize>(id: Option<&str>, r#type: &'static str, payload: Option<P>) -> Message {
    let message = FromServer {
        id,
        r#type,
        payload,
    };
    // Results have only texts as keys, so they can always be written.
    let text = serde_json::to_string(&message).unwrap_or_default();
    Message::Text(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<FromClient> {
        serde_json::from_str(text).ok()
    }

    #[test]
    fn messages_are_read_strictly() {
        for good in [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":null}"#,
            r#"{"type":"connection_init","payload":{"token":"x"}}"#,
            r#"{"type":"ping","payload":{}}"#,
            r#"{"type":"pong","payload":{"a":1}}"#,
            r#"{"id":"1","payload":{"query":"{a}"},"type":"subscribe"}"#,
            r#"{"id":"1","type":"complete"}"#,
        ] {
            assert!(read(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"type":"start","id":"1","payload":{}}"#,
            r#"{"type":"connection_init","payload":"x"}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"next","id":"1"}"#,
        ] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn messages_are_written_as_the_protocol_says() {
        let text = |message: Message| message.into_text().unwrap().to_string();
        assert_eq!(text(connection_ack()), r#"{"type":"connection_ack"}"#);
        assert_eq!(text(pong(None)), r#"{"type":"pong"}"#);
        assert_eq!(text(complete("a\"")), r#"{"id":"a\"","type":"complete"}"#);
        assert_eq!(
            text(next("1", &serde_json::json!({"data": 1}))),
            r#"{"id":"1","type":"next","payload":{"data":1}}"#
        );
    }
}
