//! What can be done. Each field calls one verb of `clipsy_service`, which says who may do it.

mod leaving;
mod queue;
mod room;
mod session;
mod uploads;
mod users;
mod videos;

use async_graphql::MergedObject;

/// What can be done. Each answers with what came of it, or with `userErrors` that say what to mend.
#[derive(Debug, Default, MergedObject)]
pub(crate) struct Mutation(
    session::Session,
    uploads::Uploads,
    videos::Videos,
    users::Users,
    queue::Queues,
    leaving::Leaving,
    room::Room,
);
