//! The transports with a small schema, over real sockets, and with other people's clients.

mod clients;
mod hostile;
mod http;
mod rights;
mod schema;
mod server;
mod sockets;
mod streams;
