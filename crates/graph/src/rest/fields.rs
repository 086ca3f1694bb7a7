//! Checking fields, with the sentences that Django REST framework uses.

use clipsy_domain::asset::Visibility;
use serde_json::{Map, Value};

use clipsy_service::error::{Error, FieldErrors, Result};

/// Most characters of a title.
pub(crate) const MAX_TITLE: usize = 255;
/// Most characters of a description.
pub(crate) const MAX_DESCRIPTION: usize = 50_000;

/// Message for a missing field.
pub(crate) const REQUIRED: &str = "This field is required.";

/// Fields that are being validated. All errors are reported at once.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    values: Map<String, Value>,
    errors: FieldErrors,
}

impl Fields {
    pub(crate) fn new(values: Map<String, Value>) -> Self {
        Self {
            values,
            errors: Vec::new(),
        }
    }

    /// Reports an error of a field.
    pub(crate) fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push((name.to_owned(), vec![message.into()]));
    }

    /// Success, or an error with all messages.
    pub(crate) fn check(&mut self) -> Result<()> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Error::Fields(std::mem::take(&mut self.errors)))
        }
    }

    /// A required text that is not blank. Returns an empty one if it is invalid.
    pub(crate) fn required(&mut self, name: &str, max: usize) -> String {
        match self.values.remove(name) {
            None => {
                self.refuse(name, REQUIRED);
                String::new()
            }
            Some(value) => self.text(name, value, max, false).unwrap_or_default(),
        }
    }

    /// Like [`Self::required`], but white space counts: a password.
    pub(crate) fn password(&mut self, name: &str) -> String {
        match self.values.remove(name) {
            Some(Value::String(text)) if !text.is_empty() => text,
            Some(value) => self
                .text(name, value, usize::MAX, false)
                .unwrap_or_default(),
            None => {
                self.refuse(name, REQUIRED);
                String::new()
            }
        }
    }

    /// A text that may be omitted but, unless `blank`, not be empty.
    pub(crate) fn optional(&mut self, name: &str, max: usize, blank: bool) -> Option<String> {
        let value = self.values.remove(name)?;
        self.text(name, value, max, blank)
    }

    /// A visibility that may be omitted.
    pub(crate) fn visibility(&mut self, name: &str) -> Option<Visibility> {
        let value = self.values.remove(name)?;
        let found = value.as_str().and_then(Visibility::parse);
        if found.is_none() {
            let shown = match &value {
                Value::String(text) => text.chars().take(100).collect(),
                other => other.to_string().chars().take(100).collect::<String>(),
            };
            self.refuse(name, format!("\"{shown}\" is not a valid choice."));
        }
        found
    }

    /// A list of texts that may be omitted.
    pub(crate) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let value = self.values.remove(name)?;
        let texts = value.as_array().and_then(|all| {
            let all = all.iter().map(|one| one.as_str().map(str::to_owned));
            all.collect::<Option<Vec<String>>>()
        });
        if texts.is_none() {
            self.refuse(name, "Expected a list of strings.");
        }
        texts
    }

    fn text(&mut self, name: &str, value: Value, max: usize, blank: bool) -> Option<String> {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Null => {
                self.refuse(name, "This field may not be null.");
                return None;
            }
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                self.refuse(name, "Not a valid string.");
                return None;
            }
        };
        if text.is_empty() && !blank {
            self.refuse(name, "This field may not be blank.");
        } else if text.contains('\0') {
            self.refuse(name, "Null characters are not allowed.");
        } else if text.chars().count() > max {
            self.refuse(name, too_long(max));
        } else {
            return Some(text);
        }
        None
    }
}

/// Message for a text that is too long.
pub(crate) fn too_long(max: usize) -> String {
    format!("Ensure this field has no more than {max} characters.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn everything_wrong_is_told_at_once() {
        let Value::Object(values) = json!({
            "blank": "  ", "null": null, "list": [], "long": "xxx", "nul": "a\0b",
            "number": 7, "good": " x ", "visibility": "secret",
            "texts": ["a", 1], "list of texts": ["a", "b"],
        }) else {
            unreachable!()
        };
        let mut fields = Fields::new(values);
        for name in ["missing", "blank", "null", "list", "long", "nul"] {
            fields.required(name, 2);
        }
        assert_eq!(fields.required("number", 2), "7");
        assert_eq!(fields.required("good", 2), "x");
        assert_eq!(fields.visibility("visibility"), None);
        assert_eq!(fields.texts("texts"), None);
        assert_eq!(fields.texts("list of texts").unwrap(), ["a", "b"]);
        let Err(Error::Fields(errors)) = fields.check() else {
            panic!("nothing was refused");
        };
        let errors: Vec<(&str, &str)> = errors
            .iter()
            .map(|(name, messages)| (name.as_str(), messages[0].as_str()))
            .collect();
        assert_eq!(
            errors,
            [
                ("missing", "This field is required."),
                ("blank", "This field may not be blank."),
                ("null", "This field may not be null."),
                ("list", "Not a valid string."),
                ("long", "Ensure this field has no more than 2 characters."),
                ("nul", "Null characters are not allowed."),
                ("visibility", "\"secret\" is not a valid choice."),
                ("texts", "Expected a list of strings."),
            ]
        );
    }
}
