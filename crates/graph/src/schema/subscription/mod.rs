//! What can be watched. Everything starts with how it is, and goes on with what changes; nothing is
//! kept for slow readers but the latest state.

mod mine;
mod operators;
mod video;

use async_graphql::MergedSubscription;

/// Subscriptions. One ends when the viewer loses access.
#[derive(Debug, Default, MergedSubscription)]
pub(crate) struct Subscription(video::OneVideo, mine::MyVideos, operators::Operators);
