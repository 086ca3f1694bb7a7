//! REST, GraphQL, uploads and playback over HTTP.
