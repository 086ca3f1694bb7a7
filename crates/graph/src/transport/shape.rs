//! What a parsed document asks for, counted before it is validated or run.

use std::collections::HashMap;

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType,
    Selection, SelectionSet,
};
use async_graphql::{Name, Positioned};

/// Sums over all that a selection leads to. A fragment counts as often as it is spread, but is
/// visited once: fragments that spread each other twice would otherwise take exponential time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Fields within fields, without those below introspection.
    pub(crate) depth: usize,
    /// Selections within selections, counting fragments, too.
    pub(crate) levels: usize,
    pub(crate) fields: usize,
    /// Fields, spreads and inline fragments.
    pub(crate) selections: usize,
    pub(crate) aliases: usize,
    pub(crate) directives: usize,
    /// Fields of the selection's own type.
    pub(crate) top_fields: usize,
    /// Fields of its own type that ask about the schema: `__schema` and `__type`.
    pub(crate) introspection: usize,
    /// Lists within lists below introspection; each multiplies the answer by the size of the
    /// schema.
    pub(crate) lists: usize,
}

/// Why a document has no shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shapeless {
    /// The fragment spreads itself, perhaps through others.
    Cycle(Name),
    /// There is no such fragment.
    Missing(Name),
}

/// The shapes of the operations of a document.
pub(crate) fn operations(document: &ExecutableDocument) -> Result<Vec<Shape>, Shapeless> {
    let mut reader = Reader {
        document,
        fragments: HashMap::new(),
    };
    // Fragments that nothing spreads are validated, too.
    for name in document.fragments.keys() {
        reader.fragment(name)?;
    }
    document
        .operations
        .iter()
        .map(|(_, operation)| {
            let operation = &operation.node;
            let mut shape = reader.selection_set(&operation.selection_set.node)?;
            shape.directives += operation.directives.len();
            for variable in &operation.variable_definitions {
                shape.directives += variable.node.directives.len();
            }
            Ok(shape)
        })
        .collect()
}

/// The type of the operation of that name, or of the only one.
pub(crate) fn operation_type(
    document: &ExecutableDocument,
    name: Option<&str>,
) -> Option<OperationType> {
    Some(operation(document, name)?.ty)
}

/// True if the operation only creates or refreshes a session, which ignores tokens. Fragments are
/// not examined, since they are not needed there.
pub(crate) fn needs_no_token(document: &ExecutableDocument, name: Option<&str>) -> bool {
    let Some(operation) = operation(document, name) else {
        return false;
    };
    operation.ty == OperationType::Mutation
        && operation.selection_set.node.items.iter().all(|selection| {
            let Selection::Field(field) = &selection.node else {
                return false;
            };
            matches!(
                field.node.name.node.as_str(),
                "signIn" | "refreshSession" | "__typename"
            )
        })
}

/// What is to be run, if the document has it.
fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Option<&'a OperationDefinition> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(&operation.node),
        (DocumentOperations::Multiple(all), None) if all.len() == 1 => {
            all.values().next().map(|operation| &operation.node)
        }
        (DocumentOperations::Multiple(all), Some(name)) => {
            all.get(name).map(|operation| &operation.node)
        }
        _ => None,
    }
}

struct Reader<'a> {
    document: &'a ExecutableDocument,
    /// `None` while it is being read.
    fragments: HashMap<&'a str, Option<Shape>>,
}

impl<'a> Reader<'a> {
    fn selection_set(&mut self, set: &'a SelectionSet) -> Result<Shape, Shapeless> {
        let mut sum = Shape::default();
        for selection in &set.items {
            let shape = match &selection.node {
                Selection::Field(field) => self.field(&field.node)?,
                Selection::InlineFragment(inline) => {
                    let inner = self.selection_set(&inline.node.selection_set.node)?;
                    spread(inner, &inline.node.directives)
                }
                Selection::FragmentSpread(named) => {
                    let inner = self.fragment(&named.node.fragment_name.node)?;
                    spread(inner, &named.node.directives)
                }
            };
            sum.add(shape);
        }
        Ok(sum)
    }

    fn field(&mut self, field: &'a Field) -> Result<Shape, Shapeless> {
        let inner = self.selection_set(&field.selection_set.node)?;
        let name = field.name.node.as_str();
        let asks = matches!(name, "__schema" | "__type");
        let list = matches!(
            name,
            "fields" | "interfaces" | "possibleTypes" | "inputFields"
        );
        Ok(Shape {
            depth: if asks { 1 } else { inner.depth + 1 },
            levels: inner.levels + 1,
            fields: inner.fields.saturating_add(1),
            selections: inner.selections.saturating_add(1),
            aliases: inner
                .aliases
                .saturating_add(usize::from(field.alias.is_some())),
            directives: inner.directives.saturating_add(field.directives.len()),
            top_fields: 1,
            introspection: usize::from(asks),
            lists: inner.lists + usize::from(list),
        })
    }

    fn fragment(&mut self, name: &'a Name) -> Result<Shape, Shapeless> {
        match self.fragments.get(name.as_str()) {
            Some(Some(shape)) => return Ok(*shape),
            Some(None) => return Err(Shapeless::Cycle(name.clone())),
            None => {}
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            return Err(Shapeless::Missing(name.clone()));
        };
        self.fragments.insert(name.as_str(), None);
        let mut shape = self.selection_set(&fragment.node.selection_set.node)?;
        let own = fragment.node.directives.len();
        shape.directives = shape.directives.saturating_add(own);
        self.fragments.insert(name.as_str(), Some(shape));
        Ok(shape)
    }
}

fn spread(inner: Shape, directives: &[Positioned<Directive>]) -> Shape {
    Shape {
        levels: inner.levels + 1,
        selections: inner.selections.saturating_add(1),
        directives: inner.directives.saturating_add(directives.len()),
        ..inner
    }
}

impl Shape {
    fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.levels = self.levels.max(other.levels);
        self.lists = self.lists.max(other.lists);
        for (sum, more) in [
            (&mut self.fields, other.fields),
            (&mut self.selections, other.selections),
            (&mut self.aliases, other.aliases),
            (&mut self.directives, other.directives),
            (&mut self.top_fields, other.top_fields),
            (&mut self.introspection, other.introspection),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;

    fn shape(text: &str) -> Result<Shape, Shapeless> {
        let document = parse_query(text).unwrap();
        operations(&document).map(|all| all[0])
    }

    #[test]
    fn fragments_count_as_often_as_they_are_spread() {
        let shape = shape(
            "query Q($x: Int @d) @d { a: b { ...F @d ... on T @d { ...F } } ...G }
             fragment F on T @d { c @d d: e { f } } fragment G on Q { g h }",
        )
        .unwrap();
        assert_eq!(
            shape,
            Shape {
                depth: 3,
                levels: 5,
                fields: 9,
                selections: 13,
                aliases: 3,
                directives: 8,
                top_fields: 3,
                introspection: 0,
                lists: 0,
            }
        );
    }

    #[test]
    fn fragments_that_double_are_counted_at_once() {
        use std::fmt::Write as _;
        let mut text = "{ ...F0 } fragment F99 on Q { a b }".to_owned();
        for number in 0..99 {
            let next = number + 1;
            write!(text, " fragment F{number} on Q {{ ...F{next} ...F{next} }}").unwrap();
        }
        let shape = shape(&text).unwrap();
        assert_eq!(shape.fields, usize::MAX);
        assert_eq!(shape.levels, 101);
    }

    #[test]
    fn cycles_and_missing_fragments_are_told() {
        let cycle = shape("{ ...A } fragment A on Q { ...B } fragment B on Q { x { ...A } }");
        assert!(matches!(cycle, Err(Shapeless::Cycle(_))), "{cycle:?}");
        let unused = shape("{ a } fragment A on Q { ...A }");
        assert_eq!(unused, Err(Shapeless::Cycle(Name::new("A"))));
        assert_eq!(shape("{ ...A }"), Err(Shapeless::Missing(Name::new("A"))));
    }

    #[test]
    fn introspection_is_seen_through_fragments() {
        let shape = shape(
            "{ ...A __type(name: \"x\") { name } } fragment A on Q \
             { __schema { types { fields { type { fields { name } } } } } }",
        )
        .unwrap();
        assert_eq!(
            (shape.introspection, shape.lists, shape.depth, shape.levels),
            (2, 2, 1, 7)
        );
    }

    #[test]
    fn the_operation_that_is_run_is_found() {
        let document = parse_query("query A { a } subscription B { b }").unwrap();
        assert_eq!(
            operation_type(&document, Some("B")),
            Some(OperationType::Subscription)
        );
        assert_eq!(operation_type(&document, None), None);
        assert_eq!(operation_type(&document, Some("C")), None);
        let bare = |query: &str, name| needs_no_token(&parse_query(query).unwrap(), name);
        let two = "mutation A { s: signIn { x } __typename } mutation B { refreshSession { x } a }";
        assert!(bare(two, Some("A")));
        assert!(!bare(two, Some("B")));
        assert!(!bare(two, None));
        assert!(bare(
            "mutation { refreshSession { ...f } } fragment f on X { a }",
            None
        ));
        assert!(!bare(
            "mutation { ...f } fragment f on M { signIn { x } }",
            None
        ));
        assert!(!bare("query { signIn { x } }", None));
        let one = parse_query("mutation A { a }").unwrap();
        assert_eq!(operation_type(&one, None), Some(OperationType::Mutation));
    }
}
