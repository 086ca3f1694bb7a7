//! The transports of the GraphQL API and the limits in front of it. They know nothing about the
//! schema: see [`routes`].
//!
//! | file | what it does |
//! |---|---|
//! | `http` | `POST` and `GET /graphql`, one answer each |
//! | `sse` | the same, with a stream of answers |
//! | `ws`, `socket`, `operations`, `message` | `WebSockets` |
//! | `gate` | what they all do: check, run, say what came of it |
//! | `accept`, `request`, `refusal` | what comes in, and what is wrong with it |
//! | `lexer`, `shape`, `documents` | limits on documents, and those read before |
//! | `graphiql` | a page to try it all with |
//! | `sockets` | how many streams there may be |

pub(crate) mod accept;
pub(crate) mod documents;
pub(crate) mod gate;
pub(crate) mod graphiql;
pub(crate) mod http;
pub(crate) mod lexer;
pub(crate) mod message;
pub(crate) mod operations;
pub(crate) mod refusal;
pub(crate) mod request;
pub(crate) mod settings;
pub(crate) mod shape;
pub(crate) mod socket;
pub(crate) mod sockets;
pub(crate) mod sse;
pub(crate) mod ws;

use std::sync::Arc;

use async_graphql::{Executor, ObjectType, Schema, SubscriptionType};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use gate::Gate;
use refusal::{Refusal, code};
use settings::GraphqlSettings;

use crate::app::App;

/// The routes of a schema. Resolvers find in their context who asks as
/// [`Viewer`](clipsy_domain::user::Viewer), `Option<SignedIn>`, [`Client`](clipsy_http::Client),
/// [`Headers`](crate::schema::asked::Headers) and [`Right`](clipsy_service::accounts::right::Right); [`App`] they find only if
/// the schema brings it. `sdl` is the schema as text.
pub(crate) fn routes<Q, M, S>(
    schema: Schema<Q, M, S>,
    sdl: String,
    settings: &GraphqlSettings,
) -> Router<App>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    let gate = Gate::new(schema, sdl, settings);
    let (text, graphql) = (Arc::clone(&gate), move |State(app): State<App>, request| {
        http::serve(Arc::clone(&gate), app, request)
    });
    let schema = move |State(app): State<App>, request| sdl_of(Arc::clone(&text), app, request);
    Router::new()
        .route("/graphql", any(graphql.clone()))
        .route("/graphql/", any(graphql))
        .route("/schema.graphql", get(schema))
        .merge(graphiql::routes())
}

/// The schema as text, for those who may introspect.
async fn sdl_of<E: Executor>(gate: Arc<Gate<E>>, app: App, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let refusal = match http::caller(&app, &mut parts).await {
        Ok(caller) if gate.may_introspect(&caller) => {
            let kind = "application/graphql; charset=utf-8";
            return ([(CONTENT_TYPE, kind)], gate.sdl.clone()).into_response();
        }
        Ok(_) => Refusal::new(
            axum::http::StatusCode::FORBIDDEN,
            code::INTROSPECTION_DISABLED,
            "The schema is not open to you on this server.",
        ),
        Err(refusal) => refusal,
    };
    http::refuse(&refusal, accept::Json::Plain)
}

#[cfg(test)]
mod tests;
