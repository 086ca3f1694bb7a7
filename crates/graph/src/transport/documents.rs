//! Parsed documents: each text is looked over, parsed and counted once, as long as it is remembered.

use std::sync::Arc;

use async_graphql::ServerError;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::parser::{Error as ParseError, parse_query};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use super::lexer;
use super::refusal::{Refusal, code};
use super::settings::{GraphqlSettings, Limits};
use super::shape::{self, Shape, Shapeless};

/// The SHA-256 of a text, by which documents are remembered and by which clients may name them.
pub(crate) type Hash = [u8; 32];

/// A document that keeps all limits that are known without the schema.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) parsed: ExecutableDocument,
    /// True if it asks about the schema.
    pub(crate) introspects: bool,
    bytes: usize,
}

/// Documents that were parsed before.
#[derive(Debug)]
pub(crate) struct Documents {
    cache: Cache<Hash, Arc<Document>, Weight>,
    limits: Limits,
}

/// Lists that may be nested below introspection. Tools ask for two at most.
const INTROSPECTION_LISTS: usize = 2;
/// Selections within selections; async-graphql itself refuses more.
const LEVELS: usize = 32;

impl Documents {
    pub(crate) fn new(settings: &GraphqlSettings) -> Self {
        let expected = usize::try_from(settings.documents_bytes / 4096).unwrap_or(usize::MAX);
        Self {
            cache: Cache::with_weighter(expected, settings.documents_bytes, Weight),
            limits: settings.limits.clone(),
        }
    }

    /// A document by the hash of its text, if it is remembered.
    pub(crate) fn known(&self, hash: &Hash) -> Option<Arc<Document>> {
        self.cache.get(hash)
    }

    /// The document of a text with that hash.
    pub(crate) fn of(&self, text: &str, hash: Hash) -> Result<Arc<Document>, Refusal> {
        if let Some(document) = self.cache.get(&hash) {
            return Ok(document);
        }
        let document = Arc::new(read(text, &self.limits)?);
        self.cache.insert(hash, Arc::clone(&document));
        Ok(document)
    }
}

/// The hash of a text.
pub(crate) fn hash(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

fn read(text: &str, limits: &Limits) -> Result<Document, Refusal> {
    lexer::check(text, limits).map_err(|excess| Refusal::excess(excess, limits))?;
    let parsed = parse_query(text).map_err(|error| unreadable(&error))?;
    let count = parsed.operations.iter().count();
    within("operations", count, limits.operations)?;
    within("fragments", parsed.fragments.len(), limits.fragments)?;
    let operations = shape::operations(&parsed).map_err(|error| shapeless(&error))?;
    let introspects = operations.iter().any(|shape| shape.introspection > 0);
    for shape in &operations {
        check(shape, limits)?;
    }
    // All operations are validated, although one is run.
    let selections: usize = operations.iter().map(|shape| shape.selections).sum();
    within("selections", selections, limits.fields.saturating_mul(4))?;
    Ok(Document {
        parsed,
        introspects,
        bytes: text.len(),
    })
}

fn check(shape: &Shape, limits: &Limits) -> Result<(), Refusal> {
    within("levels", shape.levels, LEVELS)?;
    within("nested_fields", shape.depth, limits.depth)?;
    within("root_fields", shape.top_fields, limits.root_fields)?;
    within("aliases", shape.aliases, limits.aliases)?;
    within("directives", shape.directives, limits.directives)?;
    within("fields", shape.fields, limits.fields)?;
    if shape.introspection > 0 {
        within(
            "nested_introspection_lists",
            shape.lists,
            INTROSPECTION_LISTS,
        )?;
        // Each asks for the whole schema.
        within("introspection_fields", shape.introspection, 2)?;
    }
    Ok(())
}

fn within(name: &str, count: usize, most: usize) -> Result<(), Refusal> {
    if count > most {
        return Err(Refusal::limit(name, most));
    }
    Ok(())
}

/// The parser draws the place into its message; only what it expected is of use here.
fn unreadable(error: &ParseError) -> Refusal {
    let mut told = ServerError::from(error.clone());
    if let ParseError::Syntax { message, .. } = error {
        let last = message.lines().last().unwrap_or_default();
        let reason = last.trim_start_matches([' ', '=']);
        told.message = format!("Syntax error: {reason}");
    }
    super::refusal::set_code(&mut told, code::PARSE_FAILED);
    Refusal::of_document(vec![told])
}

fn shapeless(error: &Shapeless) -> Refusal {
    let message = match error {
        Shapeless::Cycle(name) => format!("Cannot spread fragment \"{name}\" within itself."),
        Shapeless::Missing(name) => format!("Unknown fragment \"{name}\"."),
    };
    Refusal::document(code::VALIDATION_FAILED, message, None)
}

/// Roughly the memory of a document.
#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Hash, Arc<Document>> for Weight {
    fn weight(&self, _: &Hash, document: &Arc<Document>) -> u64 {
        // A name of a few bytes becomes a field of some hundred.
        512 + 32 * document.bytes as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents() -> Documents {
        Documents::new(&GraphqlSettings::default())
    }

    fn refused(text: &str) -> Refusal {
        let refusal = documents().of(text, hash(text)).unwrap_err();
        assert!(refusal.document);
        refusal
    }

    fn limit(text: &str) -> String {
        let refusal = refused(text);
        assert_eq!(refusal.code(), code::LIMIT_EXCEEDED, "{refusal:?}");
        let values = refusal.errors[0].extensions.as_ref().unwrap();
        let name = values.get("limit").unwrap().to_string();
        name.trim_matches('"').to_owned()
    }

    #[test]
    fn a_document_is_read_once() {
        let documents = documents();
        let first = documents.of("{ a }", hash("{ a }")).unwrap();
        let again = documents.of("{ a }", hash("{ a }")).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(documents.known(&hash("{ a }")).is_some());
        assert!(documents.known(&hash("{ b }")).is_none());
    }

    #[test]
    fn memory_for_documents_has_an_end() {
        let documents = Documents::new(&GraphqlSettings {
            documents_bytes: 64 << 10,
            ..GraphqlSettings::default()
        });
        for number in 0..1_000 {
            let text = format!("{{ field{number} }}");
            documents.of(&text, hash(&text)).unwrap();
        }
        assert!(documents.cache.weight() <= 64 << 10);
        assert!(documents.cache.len() < 100);
    }

    #[test]
    fn every_limit_holds() {
        let many = |count: usize, text: &str| text.repeat(count);
        let aliases = (0..51).fold(String::new(), |text, n| text + &format!(" a{n}: b"));
        let operations = (0..21).fold(String::new(), |text, n| text + &format!("query Q{n}{{a}}"));
        let fragments = (0..51).fold("{a}".to_owned(), |text, n| {
            text + &format!(" fragment F{n} on Q{{a}}")
        });
        for (text, name) in [
            (many(66_000, " "), "query_bytes"),
            (format!("{{{}}}", many(5_000, "a ")), "tokens"),
            (format!("{{a(b:{})}}", many(60, "[")), "nested_brackets"),
            (format!("{{{}}}", many(129, "a")), "bytes_of_a_name"),
            (
                format!("{}a{}", many(13, "{a"), many(13, "}")),
                "nested_fields",
            ),
            (format!("{{{}}}", many(21, "a ")), "root_fields"),
            (format!("{{x{{{aliases}}}}}"), "aliases"),
            (format!("{{a {}}}", many(51, "@d ")), "directives"),
            (format!("{{a{{{}}}}}", many(1_000, "b ")), "fields"),
            (operations, "operations"),
            (fragments, "fragments"),
            (
                "{__schema{types{fields{type{fields{type{fields{name}}}}}}}}".into(),
                "nested_introspection_lists",
            ),
            (
                "{a:__schema{x}b:__schema{x}c:__schema{x}}".into(),
                "introspection_fields",
            ),
            (
                format!("{}{{a}}{}", many(33, "{...on Q"), many(33, "}")),
                "levels",
            ),
        ] {
            assert_eq!(limit(&text), name, "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_on_one_line() {
        let refusal = refused("{");
        assert_eq!(refusal.code(), code::PARSE_FAILED);
        assert_eq!(
            refusal.errors[0].message,
            "Syntax error: expected selection"
        );
        assert_eq!(refusal.errors[0].locations.len(), 1);
        let cycle = refused("{...A} fragment A on Q{...B} fragment B on Q{...A}");
        assert_eq!(cycle.code(), code::VALIDATION_FAILED);
    }
}
