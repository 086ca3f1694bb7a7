//! The GraphQL schema. Resolvers are thin: what people do is in `clipsy_service`, what changes at
//! this moment in `clipsy_service::watch`, and who asks is in the context of the request, see [`asked`].

pub(crate) mod asked;
mod audit;
mod captions;
mod errors;
mod freeable;
mod ids;
mod job;
mod limits;
mod lists;
mod mutation;
mod names;
mod operator;
mod paging;
mod progress;
mod query;
mod scalars;
mod session;
mod settings;
mod subscription;
mod tracks;
mod upload;
mod user;
mod video;

use async_graphql::SDLExportOptions;
use mutation::Mutation;
use query::Query;
use subscription::Subscription;

use crate::app::App;

/// The whole schema.
pub(crate) type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema over the parts of `app`.
pub(crate) fn schema(app: &App) -> Schema {
    let limits = &app.settings.graphql.limits;
    builder()
        .data(app.clone())
        .limit_complexity(limits.complexity)
        .finish()
}

/// The schema as text, as it is committed.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_enum_items();
    let text = builder().finish().sdl_with_options(options);
    format!(
        "# Written by `clipsy schema`. Do not edit.\n\n{}\n",
        text.trim()
    )
}

fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query, Mutation::default(), Subscription::default())
}
