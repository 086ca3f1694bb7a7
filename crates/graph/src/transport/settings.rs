//! What can be set about the GraphQL API.

use std::time::Duration;

/// Settings of the GraphQL API, its sockets and its limits.
#[derive(Debug, Clone)]
pub struct GraphqlSettings {
    /// Who may ask what the schema looks like.
    pub introspection: Introspection,
    /// Limits on what is asked.
    pub limits: Limits,
    /// Longest time that a query or mutation takes.
    pub timeout: Duration,
    /// Memory for documents that were parsed before, in bytes.
    pub documents_bytes: u64,
    /// Longest wait for `connection_init` on a new WebSocket.
    pub init_timeout: Duration,
    /// How often a silent WebSocket is pinged and a silent event stream gets a comment. A peer that
    /// has not answered by the next ping is given up.
    pub keep_alive: Duration,
    /// Longest wait until a peer takes the next message.
    pub send_timeout: Duration,
    /// Largest message on a WebSocket, in bytes.
    pub max_message_bytes: usize,
    /// Operations that run on one WebSocket at the same time.
    pub max_operations_per_socket: usize,
    /// `WebSockets` and event streams that are open at the same time.
    pub max_sockets: usize,
    /// Those of one address.
    pub max_sockets_per_address: usize,
    /// Those of one account, from whichever addresses.
    pub max_sockets_per_account: usize,
    /// How often the database is asked whether the sessions behind open streams still live. What
    /// this process does itself is noticed at once.
    pub recheck: Duration,
}

impl Default for GraphqlSettings {
    fn default() -> Self {
        Self {
            introspection: Introspection::Development,
            limits: Limits::default(),
            timeout: Duration::from_secs(30),
            documents_bytes: 16 << 20,
            init_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(25),
            send_timeout: Duration::from_secs(30),
            max_message_bytes: 256 << 10,
            max_operations_per_socket: 50,
            max_sockets: 10_000,
            max_sockets_per_address: 500,
            max_sockets_per_account: 1000,
            recheck: Duration::from_secs(30),
        }
    }
}

/// Who may ask what the schema looks like, by introspection or as `/schema.graphql`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Introspection {
    /// Admins; everyone in demonstration mode, where the composition root sets [`Self::Everybody`].
    Development,
    /// Everybody.
    Everybody,
    /// Admins.
    Admins,
    /// Nobody.
    Nobody,
}

impl Introspection {
    /// The mode with that name, e.g. `"development"`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "development" => Some(Self::Development),
            "everybody" => Some(Self::Everybody),
            "admins" => Some(Self::Admins),
            "nobody" => Some(Self::Nobody),
            _ => None,
        }
    }
}

/// Limits on what is asked. A fragment counts as often as it is spread.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest document, in bytes.
    pub query_bytes: usize,
    /// Tokens of a document: names, numbers, strings, punctuation.
    pub tokens: usize,
    /// Brackets within brackets of any kind.
    pub nesting: usize,
    /// Longest name, in bytes.
    pub name_bytes: usize,
    /// Operations in a document, of which one is run.
    pub operations: usize,
    /// Fragments in a document.
    pub fragments: usize,
    /// Fields within fields.
    pub depth: usize,
    /// Fields.
    pub fields: usize,
    /// Fields of the root type.
    pub root_fields: usize,
    /// Fields under another name.
    pub aliases: usize,
    /// Directives.
    pub directives: usize,
    /// Complexity, as the schema computes it.
    pub complexity: usize,
    /// Values in the variables, counting those in lists and objects.
    pub variable_values: usize,
    /// Lists and objects within each other in the variables.
    pub variable_nesting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            query_bytes: 64 << 10,
            tokens: 5_000,
            nesting: 50,
            name_bytes: 128,
            operations: 20,
            fragments: 50,
            depth: 12,
            fields: 1_000,
            root_fields: 20,
            aliases: 50,
            directives: 50,
            complexity: 5_000,
            variable_values: 5_000,
            variable_nesting: 16,
        }
    }
}
