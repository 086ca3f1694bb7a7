//! Reading a GraphQL request: from a body, from a query string, from a message on a socket.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Value, Variables};
use axum::http::{HeaderMap, StatusCode, header};
use clipsy_http::body::form;
use clipsy_http::header::MediaType;
use serde::Deserialize;
use serde_json::Map;

use super::documents::{Document, Documents, Hash, hash};
use super::refusal::{Refusal, code};
use super::settings::Limits;
use super::shape::{needs_no_token, operation_type};

/// The parameters of a request (GraphQL over HTTP, section 5.1). What is missing may be `null`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Params {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Variables,
    extensions: Option<Map<String, serde_json::Value>>,
}

/// A request whose document was found and keeps the limits.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) document: Arc<Document>,
    /// What is to be run; `None` if the document has no such operation.
    pub(crate) operation: Option<OperationType>,
    operation_name: Option<String>,
    variables: Variables,
}

impl Params {
    /// Reads a JSON object. Lists of requests are refused, since each of them would count as one.
    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, Refusal> {
        match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
            Some(b'{') => {}
            Some(b'[') => {
                return Err(Refusal::new(
                    StatusCode::BAD_REQUEST,
                    code::BATCH_NOT_SUPPORTED,
                    "Send one request at a time: lists of them are not supported.",
                ));
            }
            None => return Err(Refusal::bad("The request has no body.")),
            Some(_) => return Err(Refusal::bad("The body must be a JSON object.")),
        }
        serde_json::from_slice(bytes)
            .map_err(|error| Refusal::bad(format!("The body is not a GraphQL request: {error}")))
    }

    /// Reads the query string of a GET request.
    pub(crate) fn from_query(text: &str) -> Result<Self, Refusal> {
        // Of a field that comes twice the last one counts.
        let mut fields: HashMap<String, String> = form(text.as_bytes()).into_iter().collect();
        let mut take = |name: &str| fields.remove(name).filter(|text| !text.is_empty());
        let unreadable =
            |name: &str| Refusal::bad(format!("The parameter {name} must be a JSON object."));
        let variables = take("variables").map(|text| serde_json::from_str(&text));
        let extensions = take("extensions").map(|text| serde_json::from_str(&text));
        Ok(Self {
            query: take("query"),
            operation_name: take("operationName"),
            variables: variables
                .transpose()
                .map_err(|_| unreadable("variables"))?
                .unwrap_or_default(),
            extensions: extensions
                .transpose()
                .map_err(|_| unreadable("extensions"))?
                .unwrap_or_default(),
        })
    }

    /// True if there is nothing to be run.
    pub(crate) fn is_empty(&self) -> bool {
        self.query.is_none() && self.extensions.is_none()
    }

    /// Finds the document, which the client may name by its hash once it was sent (automatic
    /// persisted queries), and checks the limits.
    pub(crate) fn prepare(
        self,
        documents: &Documents,
        limits: &Limits,
    ) -> Result<Prepared, Refusal> {
        let named = self.extensions.as_ref().map(persisted).transpose()?;
        let query = self.query.filter(|query| !query.trim().is_empty());
        let document = match (query, named.flatten()) {
            (None, None) => return Err(Refusal::bad("The request has no query.")),
            (None, Some(hash)) => documents.known(&hash).ok_or_else(|| {
                // Clients send the text after exactly this message.
                let (code, message) = (code::PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound");
                Refusal::document(code, message, None)
            })?,
            (Some(query), named) => {
                // The hash of a text that is much too long is not worth computing.
                if query.len() > limits.query_bytes {
                    return Err(Refusal::limit("query_bytes", limits.query_bytes));
                }
                let hash = hash(&query);
                if named.is_some_and(|named| named != hash) {
                    return Err(Refusal::bad("The provided sha does not match the query."));
                }
                documents.of(&query, hash)?
            }
        };
        let mut values = limits.variable_values;
        for value in self.variables.values() {
            count(value, &mut values, limits.variable_nesting, limits)?;
        }
        let operation_name = self.operation_name.filter(|name| !name.is_empty());
        Ok(Prepared {
            operation: operation_type(&document.parsed, operation_name.as_deref()),
            document,
            operation_name,
            variables: self.variables,
        })
    }
}

impl Prepared {
    /// Name of the operation, if the client has named one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.operation_name.as_deref()
    }

    /// True if it only begins or renews a session, for which no token counts.
    pub(crate) fn needs_no_token(&self) -> bool {
        needs_no_token(&self.document.parsed, self.name())
    }

    /// The request for async-graphql, without the data that resolvers look for.
    pub(crate) fn into_request(self) -> Request {
        let mut request = Request::new(String::new()).variables(self.variables);
        request.operation_name = self.operation_name;
        request.set_parsed_query(self.document.parsed.clone());
        request
    }
}

/// The hash in `extensions.persistedQuery`, if there is one.
fn persisted(extensions: &Map<String, serde_json::Value>) -> Result<Option<Hash>, Refusal> {
    let Some(named) = extensions.get("persistedQuery").filter(|v| !v.is_null()) else {
        return Ok(None);
    };
    if named.get("version").and_then(serde_json::Value::as_u64) != Some(1) {
        return Err(Refusal::bad("Unsupported version of persistedQuery."));
    }
    named
        .get("sha256Hash")
        .and_then(serde_json::Value::as_str)
        .and_then(unhex)
        .map(Some)
        .ok_or_else(|| Refusal::bad("persistedQuery.sha256Hash must have 64 hexadecimal digits."))
}

fn unhex(text: &str) -> Option<Hash> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    bytes.try_into().ok()
}

/// Counts the values of a variable down from what is left.
fn count(value: &Value, left: &mut usize, levels: usize, limits: &Limits) -> Result<(), Refusal> {
    *left = left
        .checked_sub(1)
        .ok_or_else(|| Refusal::limit("values_in_variables", limits.variable_values))?;
    let deeper = || {
        levels
            .checked_sub(1)
            .ok_or_else(|| Refusal::limit("levels_of_variables", limits.variable_nesting))
    };
    match value {
        Value::List(items) => {
            let levels = deeper()?;
            items
                .iter()
                .try_for_each(|item| count(item, left, levels, limits))
        }
        Value::Object(fields) => {
            let levels = deeper()?;
            fields
                .values()
                .try_for_each(|field| count(field, left, levels, limits))
        }
        _ => Ok(()),
    }
}

/// Refuses bodies other than JSON in UTF-8 (RFC 8259 section 8.1). Forms, plain text and multipart
/// are what a page elsewhere can make a browser send without asking first, so they never pass.
pub(crate) fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let unsupported = || {
        Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code::UNSUPPORTED_MEDIA_TYPE,
            "Send the request as application/json in UTF-8.",
        )
    };
    let kind = MediaType::of(headers).ok_or_else(unsupported)?;
    let json = kind.is("application/json");
    let charset = kind.parameter("charset");
    let utf8 = charset.is_none_or(|name| name.eq_ignore_ascii_case("utf-8"));
    let plain = headers
        .get(header::CONTENT_ENCODING)
        .is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if json && utf8 && plain {
        Ok(())
    } else {
        Err(unsupported())
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::GraphqlSettings;
    use super::*;
    use serde_json::json;

    fn prepare(documents: &Documents, body: &serde_json::Value) -> Result<Prepared, Refusal> {
        Params::from_json(body.to_string().as_bytes())?.prepare(documents, &Limits::default())
    }

    fn documents() -> Documents {
        Documents::new(&GraphqlSettings::default())
    }

    #[test]
    fn parameters_have_their_types_or_are_null() {
        let documents = documents();
        let nulls = json!({"query": "{a}", "variables": null, "operationName": null,
            "extensions": null});
        assert!(prepare(&documents, &nulls).is_ok());
        for (name, values) in [
            ("query", vec![json!(1), json!([]), json!({})]),
            ("operationName", vec![json!(1), json!(["a"]), json!({})]),
            ("variables", vec![json!("x"), json!(0), json!(["a"])]),
            ("extensions", vec![json!("x"), json!(0), json!(["a"])]),
        ] {
            for value in values {
                let mut body = json!({"query": "{a}"});
                body[name] = value.clone();
                let refusal = prepare(&documents, &body).unwrap_err();
                assert_eq!(refusal.status, 400, "{name}: {value}");
                assert!(!refusal.document, "{name}: {value}");
            }
        }
        for text in [
            "",
            "  ",
            "x",
            "\"x\"",
            "{",
            "{\"query\":\"{a}\"} x",
            "\u{feff}{}",
        ] {
            assert_eq!(Params::from_json(text.as_bytes()).unwrap_err().status, 400);
        }
        let batch = Params::from_json(b" [{\"query\":\"{a}\"}]").unwrap_err();
        assert_eq!(batch.code(), code::BATCH_NOT_SUPPORTED);
    }

    #[test]
    fn query_strings_are_read() {
        let query =
            "query=query+Q(%24x:Int)%7Ba(x:%24x)%7D&operationName=Q&variables=%7B%22x%22:1%7D";
        let params = Params::from_query(query).unwrap();
        assert_eq!(params.query.as_deref(), Some("query Q($x:Int){a(x:$x)}"));
        assert_eq!(params.operation_name.as_deref(), Some("Q"));
        assert_eq!(params.variables.len(), 1);
        assert!(Params::from_query("").unwrap().is_empty());
        for bad in ["variables=1", "variables=[1]", "extensions=x"] {
            assert_eq!(Params::from_query(bad).unwrap_err().status, 400, "{bad}");
        }
    }

    #[test]
    fn a_document_may_be_named_once_it_was_sent() {
        let documents = documents();
        let hex = clipsy_service::accounts::keys::hex(&hash("{a}"));
        let named = |hash: &str| json!({"persistedQuery": {"version": 1, "sha256Hash": hash}});
        let only = json!({"extensions": named(&hex)});
        let refusal = prepare(&documents, &only).unwrap_err();
        assert_eq!(refusal.code(), code::PERSISTED_QUERY_NOT_FOUND);
        assert_eq!(refusal.errors[0].message, "PersistedQueryNotFound");

        let wrong = json!({"query": "{b}", "extensions": named(&hex)});
        assert_eq!(prepare(&documents, &wrong).unwrap_err().status, 400);
        assert!(prepare(&documents, &only).is_err(), "a wrong hash was kept");

        let both = json!({"query": "{a}", "extensions": named(&hex)});
        assert!(prepare(&documents, &both).is_ok());
        assert!(prepare(&documents, &only).is_ok());
        assert!(
            prepare(
                &documents,
                &json!({"extensions": named(&hex.to_uppercase())})
            )
            .is_ok()
        );
        for bad in [
            json!({"persistedQuery": {"version": 2, "sha256Hash": hex}}),
            json!({"persistedQuery": {"version": 1, "sha256Hash": "abc"}}),
            json!({"persistedQuery": {"version": 1}}),
            json!({"persistedQuery": 1}),
        ] {
            let refusal = prepare(&documents, &json!({"extensions": bad})).unwrap_err();
            assert_eq!(refusal.code(), code::BAD_REQUEST, "{bad}");
        }
    }

    #[test]
    fn variables_have_limits() {
        let documents = documents();
        let refused = |value: serde_json::Value| {
            let body = json!({"query": "{a}", "variables": {"x": value}});
            let refusal = prepare(&documents, &body).unwrap_err();
            assert_eq!(refusal.code(), code::LIMIT_EXCEEDED);
        };
        refused(json!(vec![0; 5_000]));
        let deep = (0..17).fold(json!(0), |inner, _| json!([inner]));
        refused(deep);
        let deep = (0..17).fold(json!(0), |inner, _| json!({"a": inner}));
        refused(deep);
    }

    #[test]
    fn only_json_in_utf8_is_read() {
        let check = |value: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            }
            check_content_type(&headers).is_ok()
        };
        for good in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ] {
            assert!(check(Some(good)), "{good}");
        }
        for bad in [
            "text/plain",
            "text/plain; application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json; charset=iso-8859-1",
            "application/graphql",
            "application/jsonp",
        ] {
            assert!(!check(Some(bad)), "{bad}");
        }
        assert!(!check(None));
        let mut zipped = HeaderMap::new();
        zipped.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        zipped.insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
        assert!(check_content_type(&zipped).is_err());
    }
}
