//! `POST /graphql` and `GET /graphql` (GraphQL over HTTP).

use std::sync::Arc;

use async_graphql::Executor;
use async_graphql::parser::types::OperationType;
use async_graphql_axum::GraphQLResponse;
use axum::Json;
use axum::extract::{FromRequestParts as _, Request};
use axum::http::header::{
    ALLOW, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, SEC_WEBSOCKET_KEY, VARY, WWW_AUTHENTICATE,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use clipsy_http::Client;
use clipsy_http::body::read_all;
use clipsy_service::accounts::right::Right;

use super::accept::{self, Accept};
use super::gate::{Caller, Gate, Outcome};
use super::refusal::{Refusal, code, code_of};
use super::request::{Params, check_content_type};
use super::{sse, ws};
use crate::app::App;
use crate::auth::viewer::authenticate;
use crate::rest::answer::{Cause, ERROR_CODE, unread};
use crate::schema::asked::Headers;

/// Everything that comes to `/graphql`.
pub(crate) async fn serve<E: Executor>(gate: Arc<Gate<E>>, app: App, request: Request) -> Response {
    if request.headers().contains_key(SEC_WEBSOCKET_KEY) {
        return ws::upgrade(gate, app, request).await;
    }
    let accept = accept::read(request.headers());
    let answer = Box::pin(answer(gate, &app, request, accept)).await;
    let json = accept.json.unwrap_or(accept::Json::Plain);
    let mut response = answer.unwrap_or_else(|refusal| refuse(&refusal, json));
    let vary = HeaderValue::from_static("Accept, Authorization");
    response.headers_mut().entry(VARY).or_insert(vary);
    response
}

async fn answer<E: Executor>(
    gate: Arc<Gate<E>>,
    app: &App,
    request: Request,
    accept: Accept,
) -> Result<Response, Refusal> {
    let (mut parts, body) = request.into_parts();
    let get = matches!(parts.method, Method::GET | Method::HEAD);
    if !get && parts.method != Method::POST {
        return Err(not_allowed("Use GET or POST."));
    }
    if accept.json.is_none() && !accept.events {
        return Err(Refusal::new(
            StatusCode::NOT_ACCEPTABLE,
            code::NOT_ACCEPTABLE,
            "Accept application/graphql-response+json, application/json or text/event-stream.",
        ));
    }
    // Clients attach what token they have to everything, also to what gets them a new one. So a bad
    // one is a matter of the document.
    let (caller, bad_token) = match caller(app, &mut parts).await {
        Ok(caller) => (caller, None),
        Err(refusal) if refusal.status == StatusCode::UNAUTHORIZED => {
            parts.headers.remove(AUTHORIZATION);
            (self::caller(app, &mut parts).await?, Some(refusal))
        }
        Err(refusal) => return Err(refusal),
    };
    let params = if get {
        let params = Params::from_query(parts.uri.query().unwrap_or_default())?;
        if accept.page && params.is_empty() {
            return Ok(Redirect::to("/graphiql").into_response());
        }
        params
    } else {
        check_content_type(&parts.headers)?;
        let bytes = read_all(&parts.headers, body, &app.settings.small_bodies()).await;
        let bytes = bytes.map_err(unread)?;
        Params::from_json(&bytes)?
    };
    let prepared = gate.prepare(params, &caller);
    if let Some(refusal) = bad_token {
        let may_run = match &prepared {
            Ok(prepared) => prepared.needs_no_token(),
            // The client sends the document after this, and then it can be told.
            Err(refusal) => refusal.code() == code::PERSISTED_QUERY_NOT_FOUND,
        };
        if !may_run {
            return Err(refusal);
        }
    }
    let prepared = match prepared {
        Err(refusal) if refusal.document && accept.json.is_none() => {
            return Ok(sse::refuse(&refusal));
        }
        prepared => prepared?,
    };
    let operation = prepared.operation;
    if get && operation == Some(OperationType::Mutation) {
        return Err(not_allowed("Use POST for mutations."));
    }
    if operation == Some(OperationType::Subscription) || accept.json.is_none() {
        if !accept.events {
            return Err(Refusal::document(
                code::BAD_REQUEST,
                "Subscribe over a WebSocket, or accept text/event-stream.",
                None,
            ));
        }
        return sse::stream(gate, app, prepared, caller).await;
    }
    let json = accept.json.unwrap_or(accept::Json::Plain);
    Ok(match gate.run(prepared, &caller).await {
        Outcome::Ran(response) => ran(response, json),
        Outcome::Refused(refusal) => refuse(&refusal, json),
    })
}

/// Who sent a request. A bad token is an error, none is not.
pub(crate) async fn caller(app: &App, parts: &mut Parts) -> Result<Caller, Refusal> {
    let signed_in = authenticate(app, &parts.headers).await?;
    let Ok(client) = Client::from_request_parts(parts, app).await;
    Ok(Caller {
        right: Right::brief(signed_in.as_ref()),
        signed_in,
        client,
        headers: Headers::of(parts),
        peer: parts.extensions.get().cloned(),
    })
}

fn not_allowed(message: &str) -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        code::METHOD_NOT_ALLOWED,
        message,
    )
}

/// The answer to a request that was run.
fn ran(response: async_graphql::Response, json: accept::Json) -> Response {
    let code = response.errors.first().and_then(code_of).map(str::to_owned);
    let mut response = GraphQLResponse::from(response).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, json.content_type());
    if let Some(code) = code.and_then(|code| HeaderValue::try_from(code).ok()) {
        headers.insert(ERROR_CODE, code);
    }
    response
}

/// The answer to a request that was not.
pub(crate) fn refuse(refusal: &Refusal, json: accept::Json) -> Response {
    let status = if refusal.document && json == accept::Json::Plain {
        StatusCode::OK
    } else {
        refusal.status
    };
    let mut response = (status, Json(refusal.body())).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, json.content_type());
    if let Ok(code) = HeaderValue::from_str(refusal.code()) {
        headers.insert(ERROR_CODE, code);
    }
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(ALLOW, HeaderValue::from_static("GET, POST"));
        }
        StatusCode::UNAUTHORIZED => {
            let challenge = HeaderValue::from_static("Bearer realm=\"api\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        _ => {}
    }
    if let Some(cause) = &refusal.cause {
        response.extensions_mut().insert(Cause(cause.clone()));
    }
    response
}
