//! `GET /graphiql`: a page to try the API with. It is part of the binary and loads nothing from
//! elsewhere.
