//! The HTTP face as clients see it: a real server on a free port, `SQLite` and media in a temporary
//! folder, and requests over real sockets.

mod accounts;
mod caching;
mod captions;
mod compression;
mod connections;
mod contract;
mod database;
mod description;
mod disk;
mod errors;
mod holding;
mod links;
mod lists;
mod media;
mod origins;
mod plays;
mod prefix;
mod steering;
mod stream;
mod tokens;
mod uploads;
mod visibility;
