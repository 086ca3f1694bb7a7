//! What accounts may take.

use async_graphql::SimpleObject;
use clipsy_domain::user::Allowance;
use clipsy_storage::Taken;

use super::scalars::BigInt;

/// A limit of an account.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct UserLimit {
    /// The maximum; null if unlimited.
    limit: Option<BigInt>,
    /// Current usage.
    taken: BigInt,
    /// True if set for this account; false if it is the server's default.
    own: bool,
}

/// Limits of an account.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct UserLimits {
    /// Bytes of originals and unfinished uploads.
    bytes: UserLimit,
    /// Minutes of video uploaded per 24 hours.
    minutes_a_day: UserLimit,
    /// Unfinished uploads.
    uploads: UserLimit,
    /// Its queued videos; new uploads are refused once these and unfinished uploads reach the limit.
    waiting: UserLimit,
}

impl UserLimits {
    /// Of what was set for the account, what is usual, and what it has taken.
    pub(crate) fn of(own: Allowance, usual: Allowance, taken: Taken) -> Self {
        let limit = |own: Option<i64>, usual: Option<i64>, taken: i64| UserLimit {
            limit: own.or(usual).map(Into::into),
            taken: taken.into(),
            own: own.is_some(),
        };
        #[expect(clippy::cast_possible_truncation, reason = "minutes of a day")]
        let minutes = taken.minutes.ceil() as i64;
        Self {
            bytes: limit(own.bytes, usual.bytes, taken.bytes),
            minutes_a_day: limit(own.minutes_a_day, usual.minutes_a_day, minutes),
            uploads: limit(own.uploads, usual.uploads, taken.uploads),
            waiting: limit(own.waiting, usual.waiting, taken.waiting),
        }
    }
}
