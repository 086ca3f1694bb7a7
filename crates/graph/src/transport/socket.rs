//! One `WebSocket`, from its first message to its close code (`graphql-transport-ws`).
//!
//! One task does it all: it reads a message, or writes one and waits until the peer has taken it.
//! Meanwhile nothing is asked of the subscriptions, so a slow reader makes no memory grow.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::http::HeaderValue;
use bytes::Bytes;
use clipsy_http::Client;
use clipsy_service::accounts::right::Right;
use clipsy_service::accounts::session::{claims, signed_in};
use clipsy_service::error::Error;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::gate::{Caller, Gate, Outcome, panicked};
use super::message::{self, FromClient};
use super::operations::{Happened, Operations};
use super::refusal::{Refusal, code};
use super::sockets::StreamPlace;
use super::ws::PROTOCOL;
use crate::app::App;
use crate::auth::viewer::bearer_of;
use crate::schema::asked::Headers;

/// What a socket needs to know.
pub(crate) struct Connection<E> {
    gate: Arc<Gate<E>>,
    app: App,
    client: Client,
    headers: Headers,
    /// `Authorization` of the handshake.
    header: Option<HeaderValue>,
    place: StreamPlace,
}

/// How a socket ends.
#[derive(Debug)]
enum End {
    /// With a close code and a reason.
    Close(u16, Cow<'static, str>),
    /// The peer is not there any more.
    Gone,
}

type Go<T = ()> = Result<T, End>;

/// Longest wait for the peer's own close frame.
const GOODBYE: Duration = Duration::from_secs(2);
/// Longest reason of a close frame, in bytes (RFC 6455 section 5.5).
const REASON_BYTES: usize = 123;

impl<E> Connection<E> {
    pub(crate) fn new(
        gate: Arc<Gate<E>>,
        app: App,
        client: Client,
        header: Option<HeaderValue>,
        headers: Headers,
        place: StreamPlace,
    ) -> Self {
        Self {
            gate,
            app,
            client,
            headers,
            header,
            place,
        }
    }
}

/// Talks to the peer until one of both has enough.
pub(crate) async fn run<E: Executor>(mut socket: WebSocket, mut connection: Connection<E>) {
    let started = Instant::now();
    let end = match talk(&mut socket, &mut connection).await {
        Ok(()) => End::Gone,
        Err(end) => end,
    };
    let (code, reason) = match &end {
        End::Close(code, reason) => (*code, reason.as_ref()),
        End::Gone => (0, "gone"),
    };
    let duration_ms = started.elapsed().as_secs_f64() * 1_000.0;
    let address = connection.client.address;
    tracing::debug!(code, reason, duration_ms, %address, "socket closed");
    if let End::Close(code, reason) = end {
        let _ = timeout(GOODBYE, goodbye(socket, code, &reason)).await;
    }
}

/// Sends the close frame and waits for the peer's: a connection that ends with unread bytes would
/// be reset, and the peer might never see the code.
async fn goodbye(mut socket: WebSocket, code: u16, reason: &str) {
    let end = reason.floor_char_boundary(REASON_BYTES);
    let frame = CloseFrame {
        code,
        reason: reason[..end].into(),
    };
    if socket.send(Message::Close(Some(frame))).await.is_ok() {
        while let Some(Ok(_)) = socket.recv().await {}
    }
}

async fn talk<E: Executor>(socket: &mut WebSocket, connection: &mut Connection<E>) -> Go {
    if socket.protocol().is_none_or(|name| name != PROTOCOL) {
        return Err(close(4406, "Subprotocol not acceptable"));
    }
    let caller = greet(socket, connection).await?;
    let Connection { gate, app, .. } = &*connection;
    let mut operations = Operations::default();
    let mut closing = pin!(app.streams.closing().clone().cancelled_owned());
    let mut ended = pin!(caller.right.session_ended());
    let mut alive = Alive::new(gate.settings.keep_alive);
    let mut timer = pin!(sleep_until(alive.wake(&caller.right, app)));
    loop {
        tokio::select! {
            biased;
            () = &mut closing => return Err(going_away()),
            () = &mut ended => return Err(over(&caller.right, app)),
            () = &mut timer => {
                check_right(&caller.right, app)?;
                if alive.is_ping_due()? {
                    send(socket, connection, Message::Ping(Bytes::new())).await?;
                }
                timer.as_mut().reset(alive.wake(&caller.right, app));
            }
            frame = socket.recv() => {
                alive.heard();
                if let Some(message) = read(frame)? {
                    check_right(&caller.right, app)?;
                    if let Some(answer) = hear(message, gate, &caller, &mut operations)? {
                        send(socket, connection, answer).await?;
                    }
                }
            }
            happened = operations.next(), if !operations.is_empty() => {
                check_right(&caller.right, app)?;
                if let Some(messages) = tell(happened, gate, &caller, &mut operations) {
                    for message in messages.into_iter().flatten() {
                        send(socket, connection, message).await?;
                    }
                }
            }
        }
    }
}

/// Waits for `connection_init`, and for who it is.
async fn greet<E: Executor>(
    socket: &mut WebSocket,
    connection: &mut Connection<E>,
) -> Go<Arc<Caller>> {
    let deadline = Instant::now() + connection.gate.settings.init_timeout;
    loop {
        let frame = tokio::select! {
            biased;
            () = connection.app.streams.closing().cancelled() => return Err(going_away()),
            frame = timeout_at(deadline, socket.recv()) => frame
                .map_err(|_| close(4408, "Connection initialisation timeout"))?,
        };
        match read(frame)? {
            Some(FromClient::ConnectionInit { payload }) => {
                let caller = authorize(connection, payload.as_ref()).await?;
                send(socket, connection, message::connection_ack()).await?;
                return Ok(Arc::new(caller));
            }
            Some(FromClient::Ping { payload }) => {
                send(socket, connection, message::pong(payload.as_ref())).await?;
            }
            Some(FromClient::Subscribe { .. }) => return Err(close(4401, "Unauthorized")),
            Some(FromClient::Pong {} | FromClient::Complete { .. }) | None => {}
        }
    }
}

/// Reads the token of `connection_init`, or of the handshake if there is none. Anonymous sockets
/// are allowed; an invalid token is refused with the code on which clients fetch another.
async fn authorize<E>(
    connection: &mut Connection<E>,
    payload: Option<&Map<String, Value>>,
) -> Go<Caller> {
    let app = &connection.app;
    let header = connection.header.take();
    let given = match payload.map(token_of).transpose()?.flatten() {
        Some(token) => Some(token),
        None => match &header {
            None => None,
            Some(value) => match value.to_str().map(bearer_of) {
                Ok(Ok(token)) => token,
                _ => return Err(close(4403, Error::AuthorizationHeader.to_string())),
            },
        },
    };
    let identify = async {
        let signed_in = match given {
            None => None,
            Some(token) => Some(signed_in(app, claims(app, token)?).await?),
        };
        let right = Right::watched(app, signed_in.as_ref()).await?;
        Ok::<_, Error>((signed_in, right))
    };
    match identify.await {
        Ok((Some(who), _)) if !connection.place.belongs_to(who.user.id) => {
            Err(close(1013, "Too many streams are open. Try again later."))
        }
        Ok((signed_in, right)) => Ok(Caller {
            signed_in,
            right,
            client: connection.client,
            headers: connection.headers.clone(),
            peer: None,
        }),
        // Taken for a bad token, it would sign the person out.
        Err(error) if error.cause().is_some() => {
            let cause = error.cause().map(tracing::field::display);
            tracing::error!(cause, "could not authenticate a socket");
            Err(close(1013, "Try again later"))
        }
        Err(error) => Err(close(4403, error.to_string())),
    }
}

/// `{"Authorization": "Bearer …"}` or `{"token": "…"}`, whatever the case of the name; the word
/// `Bearer` may be there or not.
fn token_of(payload: &Map<String, Value>) -> Go<Option<&str>> {
    let value = payload.iter().find_map(|(name, value)| {
        let known = ["authorization", "token"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known));
        (known && !value.is_null()).then_some(value)
    });
    match value {
        None => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => match bearer_of(text) {
            Ok(Some(token)) => Ok(Some(token)),
            Ok(None) => Ok(Some(text.trim())),
            Err(error) => Err(close(4403, error.to_string())),
        },
        Some(_) => Err(close(4400, "The token must be a text")),
    }
}

/// Handles a message of the client; returns the immediate reply.
fn hear<E: Executor>(
    message: FromClient,
    gate: &Arc<Gate<E>>,
    caller: &Arc<Caller>,
    operations: &mut Operations,
) -> Go<Option<Message>> {
    match message {
        FromClient::ConnectionInit { .. } => Err(close(4429, "Too many initialisation requests")),
        FromClient::Ping { payload } => Ok(Some(message::pong(payload.as_ref()))),
        FromClient::Pong {} => Ok(None),
        FromClient::Complete { id } => {
            operations.stop(&id);
            Ok(None)
        }
        FromClient::Subscribe { id, payload } => {
            if operations.has(&id) {
                let reason = format!("Subscriber for {id} already exists");
                return Err(close(4409, reason));
            }
            let most = gate.settings.max_operations_per_socket;
            let prepared = if operations.len() >= most {
                let words = format!("At most {most} operations may run on one socket.");
                Err(Refusal::document(code::TOO_MANY_OPERATIONS, words, None))
            } else {
                gate.prepare(payload, caller)
            };
            match prepared {
                Ok(prepared) => {
                    operations.start(id, prepared, gate, caller);
                    Ok(None)
                }
                Err(refusal) => Ok(Some(message::error(&id, &refusal.errors))),
            }
        }
    }
}

/// What the client is told about an operation.
fn tell<E: Executor>(
    happened: Option<Happened>,
    gate: &Gate<E>,
    caller: &Caller,
    operations: &mut Operations,
) -> Option<[Option<Message>; 2]> {
    let (id, first, outcome) = match happened? {
        Happened::Ended { id } => return Some([Some(message::complete(&id)), None]),
        Happened::Panicked { id, panic } => {
            let refusal = panicked(panic.as_ref());
            tracing::error!(cause = refusal.cause, "a subscription panicked");
            return Some([Some(message::error(&id, &refusal.errors)), None]);
        }
        Happened::Answered { id, outcome } => {
            return Some(match outcome {
                Outcome::Ran(response) => [
                    Some(message::next(&id, &response)),
                    Some(message::complete(&id)),
                ],
                Outcome::Refused(refusal) => [Some(message::error(&id, &refusal.errors)), None],
            });
        }
        Happened::Next {
            id,
            first,
            response,
        } => (id, first, gate.outcome(response, caller)),
    };
    let message = match outcome {
        // The subscription could not be opened.
        Outcome::Ran(response) if first && response.data == async_graphql::Value::Null => {
            operations.stop(&id);
            message::error(&id, &response.errors)
        }
        Outcome::Ran(response) => message::next(&id, &response),
        Outcome::Refused(refusal) => {
            operations.stop(&id);
            message::error(&id, &refusal.errors)
        }
    };
    Some([Some(message), None])
}

/// What is in a frame; `None` if it is nothing for us.
fn read(frame: Option<Result<Message, axum::Error>>) -> Go<Option<FromClient>> {
    match frame {
        Some(Ok(Message::Text(text))) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|_| close(4400, "Invalid message received")),
        Some(Ok(Message::Binary(_))) => Err(close(4400, "Invalid message received")),
        // Pings are answered by the library; the peer's close, too.
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_))) => Ok(None),
        Some(Err(error)) if error.to_string().contains("too long") => {
            Err(close(1009, "Message too large"))
        }
        Some(Err(_)) | None => Err(End::Gone),
    }
}

/// Sends a message and waits until the peer has taken it.
async fn send<E>(socket: &mut WebSocket, connection: &Connection<E>, message: Message) -> Go {
    let patience = connection.gate.settings.send_timeout;
    tokio::select! {
        biased;
        sent = timeout(patience, socket.send(message)) => match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        },
        // A peer that reads nothing cannot be notified.
        () = connection.app.streams.closing().cancelled() => Err(End::Gone),
    }
}

/// Whether the peer still answers.
struct Alive {
    every: Duration,
    ping_at: Instant,
    /// True if something came since the last ping.
    answered: bool,
}

impl Alive {
    fn new(every: Duration) -> Self {
        Self {
            every,
            ping_at: Instant::now() + every,
            answered: true,
        }
    }

    fn heard(&mut self) {
        self.answered = true;
    }

    /// True if it is time for a ping; an error if the last one was not answered.
    fn is_ping_due(&mut self) -> Go<bool> {
        let now = Instant::now();
        if now < self.ping_at {
            return Ok(false);
        }
        if !self.answered {
            return Err(End::Gone);
        }
        self.answered = false;
        self.ping_at = now + self.every;
        Ok(true)
    }

    /// When to wake up: at the next ping, or when the token expires.
    fn wake(&self, right: &Right, app: &App) -> Instant {
        let left = right.expires_at.map(|end| {
            let left = (end - app.now()).to_std().unwrap_or_default();
            left.max(Duration::from_millis(10))
        });
        match left {
            Some(left) if left < self.every => self.ping_at.min(Instant::now() + left),
            _ => self.ping_at,
        }
    }
}

fn check_right(right: &Right, app: &App) -> Go {
    match right.over(app.now()) {
        Some(_) => Err(over(right, app)),
        None => Ok(()),
    }
}

/// With this code clients connect again with a fresh token, unlike with 4401, which they take for
/// final.
fn over(right: &Right, app: &App) -> End {
    let ended = right.over(app.now());
    close(
        4403,
        ended
            .unwrap_or(clipsy_service::accounts::right::Ended::Session)
            .message(),
    )
}

fn going_away() -> End {
    close(1001, "Server is shutting down")
}

fn close(code: u16, reason: impl Into<Cow<'static, str>>) -> End {
    End::Close(code, reason.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tokens_are_found_in_either_form() {
        let token = |payload: Value| {
            let found = token_of(payload.as_object().unwrap());
            found.map(|token| token.map(str::to_owned))
        };
        for payload in [
            json!({"Authorization": "Bearer abc"}),
            json!({"authorization": "bearer  abc"}),
            json!({"token": "abc"}),
            json!({"token": " Bearer abc "}),
            json!({"other": 1, "token": "abc"}),
            json!({"Authorization": null, "token": "abc"}),
        ] {
            assert_eq!(token(payload.clone()).unwrap().unwrap(), "abc", "{payload}");
        }
        for payload in [json!({}), json!({"token": null}), json!({"token": " "})] {
            assert_eq!(token(payload.clone()).unwrap(), None, "{payload}");
        }
        for (payload, code) in [
            (json!({"token": 1}), 4400),
            (json!({"Authorization": "Bearer a b"}), 4403),
            (json!({"Authorization": "Bearer"}), 4403),
        ] {
            let Err(End::Close(got, _)) = token(payload.clone()) else {
                panic!("{payload} was taken");
            };
            assert_eq!(got, code, "{payload}");
        }
    }
}
