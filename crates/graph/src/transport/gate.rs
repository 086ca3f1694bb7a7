//! What every transport does: checks a request, runs it, and says what came of it.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Name, PathSegment, Request, Response, ServerError, Value};
use axum::http::StatusCode;
use bytes::Bytes;
use clipsy_http::Client;
use clipsy_http::measure::Counted;
use clipsy_http::peer::Peer;
use clipsy_service::accounts::right::Right;
use clipsy_service::accounts::session::SignedIn;
use clipsy_service::error::Error;
use clipsy_service::trace;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use metrics::{counter, gauge, histogram};
use tokio::time::{Instant, timeout};

use super::documents::Documents;
use super::refusal::{self, Refusal, code, code_of, set_code};
use super::request::{Params, Prepared};
use super::settings::{GraphqlSettings, Introspection};
use super::sockets::Sockets;
use crate::schema::asked::Headers;

/// The schema and what stands in front of it.
pub(crate) struct Gate<E> {
    pub(crate) executor: E,
    /// The schema as text.
    pub(crate) sdl: Bytes,
    pub(crate) settings: GraphqlSettings,
    pub(crate) documents: Documents,
    pub(crate) sockets: Arc<Sockets>,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) signed_in: Option<SignedIn>,
    pub(crate) right: Right,
    pub(crate) client: Client,
    pub(crate) headers: Headers,
    /// The connection that a single request came over.
    pub(crate) peer: Option<Peer>,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was run; some fields may have failed.
    Ran(Response),
    /// Nothing was run.
    Refused(Refusal),
}

impl<E: Executor> Gate<E> {
    pub(crate) fn new(executor: E, sdl: String, settings: &GraphqlSettings) -> Arc<Self> {
        Arc::new(Self {
            executor,
            sdl: sdl.into(),
            documents: Documents::new(settings),
            sockets: Sockets::new(settings),
            settings: settings.clone(),
        })
    }

    /// Finds the document and checks what can be checked without running it.
    pub(crate) fn prepare(&self, params: Params, caller: &Caller) -> Result<Prepared, Refusal> {
        let prepared = self.check(params, caller);
        if prepared.is_err() {
            note("unknown", "refused");
        }
        prepared
    }

    fn check(&self, params: Params, caller: &Caller) -> Result<Prepared, Refusal> {
        let prepared = params.prepare(&self.documents, &self.settings.limits)?;
        if prepared.document.introspects && !self.may_introspect(caller) {
            return Err(Refusal::document(
                code::INTROSPECTION_DISABLED,
                "Introspection is not open to you on this server.",
                None,
            ));
        }
        Ok(prepared)
    }

    /// Runs a query or mutation within the time limit.
    pub(crate) async fn run(&self, prepared: Prepared, caller: &Caller) -> Outcome {
        let started = Instant::now();
        let kind = kind(&prepared);
        trace::operation(kind, prepared.name());
        let outcome = self.execute(prepared, caller).await;
        histogram!("clipsy_graphql_operation_seconds", "type" => kind).record(started.elapsed());
        let said = match &outcome {
            Outcome::Ran(response) if response.errors.is_empty() => "ok",
            Outcome::Ran(_) => "errors",
            Outcome::Refused(_) => "refused",
        };
        note(kind, said);
        outcome
    }

    async fn execute(&self, prepared: Prepared, caller: &Caller) -> Outcome {
        let request = with_data(prepared.into_request(), caller);
        let execute = AssertUnwindSafe(self.executor.execute(request)).catch_unwind();
        match timeout(self.settings.timeout, execute).await {
            Ok(Ok(response)) => self.outcome(response, caller),
            Ok(Err(panic)) => Outcome::Refused(panicked(panic.as_ref())),
            Err(_) => Outcome::Refused(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                code::TIMEOUT,
                "The request took too long.",
            )),
        }
    }

    /// Starts a subscription. Nothing is read ahead: an item is made when the last was taken.
    pub(crate) fn subscribe(
        &self,
        prepared: Prepared,
        caller: &Caller,
    ) -> BoxStream<'static, Response> {
        note(kind(&prepared), "ok");
        let held = Counted::new(gauge!("clipsy_graphql_subscriptions"));
        let request = with_data(prepared.into_request(), caller);
        let results = self.executor.execute_stream(request, None);
        // It is held for as long as the stream is.
        results
            .inspect(move |_| {
                let _ = &held;
            })
            .boxed()
    }

    /// Tells a document that could not be run from one that was, and completes the errors.
    pub(crate) fn outcome(&self, mut response: Response, caller: &Caller) -> Outcome {
        let refused = response.data == Value::Null
            && !response.errors.is_empty()
            && response.errors.iter().all(|error| error.path.is_empty());
        let quiet = !self.may_introspect(caller);
        for error in &mut response.errors {
            complete(error, refused, quiet);
        }
        if refused {
            Outcome::Refused(Refusal::of_document(response.errors))
        } else {
            for error in &response.errors {
                nullify(&mut response.data, &error.path);
            }
            Outcome::Ran(response)
        }
    }

    /// True if the caller may know what the schema looks like.
    pub(crate) fn may_introspect(&self, caller: &Caller) -> bool {
        match self.settings.introspection {
            Introspection::Everybody => true,
            Introspection::Nobody => false,
            Introspection::Admins | Introspection::Development => caller.right.viewer.is_admin(),
        }
    }
}

/// The name of what is run, of which there are few.
fn kind(prepared: &Prepared) -> &'static str {
    match prepared.operation {
        Some(OperationType::Query) => "query",
        Some(OperationType::Mutation) => "mutation",
        Some(OperationType::Subscription) => "subscription",
        None => "unknown",
    }
}

fn note(kind: &'static str, outcome: &'static str) {
    counter!("clipsy_graphql_operations_total", "type" => kind, "outcome" => outcome).increment(1);
}

/// What resolvers find in their context.
fn with_data(request: Request, caller: &Caller) -> Request {
    request
        .data(caller.right.viewer)
        .data(caller.signed_in.clone())
        .data(caller.right.clone())
        .data(caller.client)
        .data(caller.headers.clone())
        .data(caller.peer.clone())
}

/// Gives an error of async-graphql's own its code, and takes names of the schema out of its message
/// that the caller has not used.
fn complete(error: &mut ServerError, refused: bool, quiet: bool) {
    if code_of(error).is_none() {
        let message = error.message.as_str();
        let code = if matches!(
            message,
            "Query is too complex." | "Query is nested too deep."
        ) {
            code::LIMIT_EXCEEDED
        } else if refused {
            code::VALIDATION_FAILED
        } else if message.starts_with("Failed to parse ") || message.starts_with("Invalid value ") {
            code::BAD_USER_INPUT
        } else {
            code::INTERNAL
        };
        set_code(error, code);
    }
    if quiet
        && refused
        && let Some(at) = error.message.find(" Did you mean")
    {
        error.message.truncate(at);
    }
}

/// Puts null where a field failed. async-graphql leaves such a field out, but clients that keep
/// answers by type and number take a field without a value for one that they have not asked for
/// (GraphQL specification of October 2021, section 6.4.4).
fn nullify(data: &mut Value, path: &[PathSegment]) {
    match (data, path) {
        (Value::Object(fields), [PathSegment::Field(name)]) => {
            fields.entry(Name::new(name)).or_insert(Value::Null);
        }
        (Value::Object(fields), [PathSegment::Field(name), rest @ ..]) => {
            if let Some(inner) = fields.get_mut(name.as_str()) {
                nullify(inner, rest);
            }
        }
        (Value::List(items), [PathSegment::Index(at), rest @ ..]) => {
            if let Some(inner) = items.get_mut(*at) {
                nullify(inner, rest);
            }
        }
        _ => {}
    }
}

/// The response if a resolver panicked, without details.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Refusal {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Error::internal(format!("panicked: {message}")).into()
}

/// The error that ends a stream whose right has ended.
pub(crate) fn unauthenticated(message: &str) -> ServerError {
    refusal::error(code::UNAUTHENTICATED, message, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::value;

    #[test]
    fn fields_that_failed_are_null() {
        let field = |name: &str| PathSegment::Field(name.to_owned());
        let mut data = value!({"a": 1, "list": [{"b": 2}, null, {"b": 3}]});
        nullify(&mut data, &[field("c")]);
        nullify(&mut data, &[field("a")]);
        nullify(
            &mut data,
            &[field("list"), PathSegment::Index(2), field("d")],
        );
        nullify(
            &mut data,
            &[field("list"), PathSegment::Index(1), field("d")],
        );
        nullify(
            &mut data,
            &[field("list"), PathSegment::Index(9), field("d")],
        );
        nullify(&mut data, &[field("a"), field("x")]);
        assert_eq!(
            data,
            value!({"a": 1, "list": [{"b": 2}, null, {"b": 3, "d": null}], "c": null})
        );
    }
}
