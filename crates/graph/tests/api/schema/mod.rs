//! The GraphQL API as clients see it: a real server on a free port, requests over real sockets,
//! subscriptions as server-sent events.

mod accounts;
mod captions;
mod gql;
mod leaving;
mod operators;
mod paging;
mod sdl;
mod sessions;
mod tags;
mod thumbnails;
mod uploads;
mod videos;
mod watching;
mod worker;
