//! What can be done. Each field calls one verb of `clipsy_service`, which says who may do it.

mod captions;
mod leaving;
mod queue;
mod room;
mod session;
mod uploads;
mod users;
mod videos;

use async_graphql::MergedObject;

/// Changes. Each mutation returns its result, or `userErrors` that say what was wrong.
#[derive(Debug, Default, MergedObject)]
pub(crate) struct Mutation(
    session::Session,
    uploads::Uploads,
    videos::Videos,
    captions::Captioning,
    users::Users,
    queue::Queues,
    leaving::Leaving,
    room::Room,
);
