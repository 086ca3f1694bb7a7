//! The body of a request as a source of an upload's bytes.

use bytes::Bytes;
use clipsy_http::body::Timed;
use clipsy_service::error::Result;
use clipsy_service::uploads::Source;

use crate::rest::answer::unread;

/// A body that is taken as the bytes of an upload.
#[derive(Debug)]
pub(crate) struct Sent<'a>(pub(crate) &'a mut Timed);

impl Source for Sent<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        self.0.next().await.map_err(unread)
    }

    fn set_limit(&mut self, left: u64, limit: u64) {
        self.0.set_limit(left, limit);
    }

    fn linger(&mut self) {
        self.0.linger();
    }
}
