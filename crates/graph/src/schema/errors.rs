//! Errors as GraphQL tells them: what a person can mend comes with the payload, the rest as an
//! error with `extensions.code`.

use async_graphql::{ErrorExtensionValues, SimpleObject};

use clipsy_service::error::{self, Error, seconds};

use crate::transport::refusal::code;

/// Why a field could not be answered. It has no text of its own, so that the conversion that
/// async-graphql has for everything with a text does not apply to it.
#[derive(Debug)]
pub(crate) struct Fail(pub(crate) Error);

/// What resolvers return.
pub(crate) type Result<T, E = Fail> = std::result::Result<T, E>;

impl Fail {
    /// An argument cannot be used.
    pub(crate) fn input(argument: &str, message: impl Into<String>) -> Self {
        Self(Error::field(argument, message))
    }
}

impl<E: Into<Error>> From<E> for Fail {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl From<Fail> for async_graphql::Error {
    fn from(Fail(error): Fail) -> Self {
        if let Some(cause) = error.cause() {
            tracing::error!(%cause, "a field could not be answered");
        }
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", code::of(error.kind()));
        if let Error::Throttled(wait) = &error {
            extensions.set("retryAfterSeconds", seconds(*wait));
        }
        let message = match &error {
            Error::Fields(fields) => {
                let told = fields.iter().map(|(name, messages)| {
                    let name = camel(name);
                    format!("{name}: {}", messages.join(" "))
                });
                told.collect::<Vec<_>>().join(" ")
            }
            error => error.to_string(),
        };
        Self {
            message,
            source: None,
            extensions: Some(extensions),
        }
    }
}

/// Why a mutation was refused.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
#[graphql(serial)]
pub(crate) struct UserError {
    /// Stable code, the same as in the REST API, e.g. `invalid`, `not_found`, `permission_denied`
    /// or `not_retryable`.
    pub(crate) code: String,
    /// Message for people, one sentence.
    pub(crate) message: String,
    /// Path of the invalid argument, e.g. `["input", "title"]`; null if it concerns all of them.
    pub(crate) field: Option<Vec<String>>,
}

/// What a mutation's action came to: its result or what the person can mend. What they cannot,
/// and not being signed in, are errors of the whole field.
pub(crate) fn outcome<T>(
    result: error::Result<T>,
) -> Result<std::result::Result<T, Vec<UserError>>> {
    let error = match result {
        Ok(value) => return Ok(Ok(value)),
        Err(error) => error,
    };
    let code = error.code();
    let told = match error {
        Error::Internal(_) | Error::DatabaseAway(_) | Error::NotSignedIn | Error::AccessToken => {
            return Err(Fail(error));
        }
        Error::Fields(fields) => fields
            .into_iter()
            .flat_map(|(name, messages)| {
                let field = Some(vec!["input".to_owned(), camel(&name)]);
                messages.into_iter().map(move |message| UserError {
                    code: code.to_owned(),
                    message,
                    field: field.clone(),
                })
            })
            .collect(),
        Error::Username(error) => vec![UserError {
            code: code.to_owned(),
            message: error.to_string(),
            field: Some(vec!["input".to_owned(), "username".to_owned()]),
        }],
        Error::Tags(error) => vec![UserError {
            code: code.to_owned(),
            message: error.to_string(),
            field: Some(vec!["input".to_owned(), "tags".to_owned()]),
        }],
        Error::Captions(error) => vec![UserError {
            code: code.to_owned(),
            message: error.to_string(),
            field: Some(vec!["input".to_owned(), "text".to_owned()]),
        }],
        Error::NotFound => vec![UserError {
            code: code.to_owned(),
            message: error.to_string(),
            field: Some(vec!["input".to_owned(), "id".to_owned()]),
        }],
        error => vec![UserError {
            code: code.to_owned(),
            message: error.to_string(),
            field: None,
        }],
    };
    Ok(Err(told))
}

/// A name of the REST API as GraphQL writes it.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_graphql_does() {
        assert_eq!(camel("title"), "title");
        assert_eq!(camel("new_password"), "newPassword");
    }

    #[test]
    fn what_went_wrong_inside_is_not_told() {
        let fail = Fail(Error::internal("secret"));
        let error = async_graphql::Error::from(fail);
        assert_eq!(error.message, "Internal server error.");
        let extensions = error.extensions.unwrap();
        assert_eq!(
            extensions.get("code"),
            Some(&async_graphql::Value::from("INTERNAL_SERVER_ERROR"))
        );
        assert!(outcome::<()>(Err(Error::internal("secret"))).is_err());
    }

    #[test]
    fn what_a_person_can_mend_names_its_field() {
        let told = outcome::<()>(Err(Error::field("new_password", "Too short.")));
        let Ok(Err(errors)) = told else {
            panic!("it was no error of a person");
        };
        assert_eq!(errors[0].code, "invalid");
        let field: Vec<&str> = errors[0]
            .field
            .iter()
            .flatten()
            .map(String::as_str)
            .collect();
        assert_eq!(field, ["input", "newPassword"]);
    }
}
