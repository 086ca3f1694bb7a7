//! The GraphQL API as clients see it: a real server on a free port, requests over real sockets,
//! subscriptions as server-sent events.
#![expect(
    clippy::unwrap_used,
    reason = "tests may panic, also in what they share"
)]

mod accounts;
mod gql;
mod operators;
mod paging;
mod sdl;
mod sessions;
#[path = "../http/support.rs"]
#[expect(dead_code, reason = "the tests of the HTTP face use the rest")]
mod support;
mod thumbnails;
mod uploads;
mod videos;
mod watching;
mod worker;
