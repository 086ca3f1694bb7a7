//! What can be watched. Everything starts with how it is, and goes on with what changes; nothing is
//! kept for slow readers but the latest state.

mod mine;
mod operators;
mod video;

use async_graphql::MergedSubscription;

/// What can be watched. A subscription ends when the right to it does.
#[derive(Debug, Default, MergedSubscription)]
pub(crate) struct Subscription(video::OneVideo, mine::MyVideos, operators::Operators);
