//! Reserving what an account may take, before it comes.

use clipsy_domain::upload::Upload;
use clipsy_domain::user::{Allowance, UserId};
use clipsy_storage::Exceeded;

use crate::Service;
use crate::error::{Error, Result};
use crate::uploads::error::UploadError;

/// Bytes that are reserved beyond those that came, so that not every piece is asked for.
const AHEAD: u64 = 8 << 20;

/// What an account may take: what was set for it, and otherwise what the server's settings say.
pub async fn allowance(service: &Service, user: UserId) -> Result<Allowance> {
    Ok(service
        .db
        .allowance(user)
        .await?
        .or(service.settings.allowance))
}

/// Bytes of an account for an upload whose length is not known.
#[derive(Debug)]
pub struct Reservation {
    service: Service,
    upload: Upload,
    /// Bytes that the account may take in all; `None` without a limit.
    limit: Option<i64>,
    /// Bytes that the upload has.
    bytes: u64,
    /// Bytes that it may have without asking again.
    reserved: u64,
}

impl Reservation {
    /// One for `upload`, whose row is there, and which has so many `bytes`. It begins with nothing.
    pub async fn of(service: &Service, upload: &Upload, bytes: u64) -> Result<Self> {
        Ok(Self {
            limit: allowance(service, upload.owner_id).await?.bytes,
            service: service.clone(),
            upload: upload.clone(),
            bytes,
            reserved: 0,
        })
    }

    /// Reserves all of an upload whose length is known now.
    pub async fn exactly(self, length: u64) -> Result<()> {
        let (Some(limit), length) = (self.limit, signed(length)) else {
            return Ok(());
        };
        let reserved = self.service.db.reserve(&self.upload, length, length, limit);
        reserved.await?.map(drop).map_err(|_| self.error())
    }

    /// Reserves for `more` bytes; gives back for how many there was something left.
    pub async fn ahead(&mut self, more: u64) -> Result<u64> {
        let Some(limit) = self.limit else {
            return Ok(more);
        };
        let wanted = self.bytes.saturating_add(more);
        if wanted > self.reserved {
            let most = signed(wanted.saturating_add(AHEAD));
            let reserve = |least| self.service.db.reserve(&self.upload, least, most, limit);
            self.reserved = match reserve(signed(wanted)).await? {
                Ok(reserved) => reserved,
                // Others may take it meanwhile; then it is less.
                Err(left) => reserve(left).await?.unwrap_or_else(|left| left),
            }
            .unsigned_abs();
        }
        Ok(more.min(self.reserved.saturating_sub(self.bytes)))
    }

    /// Counts bytes that came, after [`Self::ahead`].
    pub fn came(&mut self, more: u64) {
        self.bytes += more;
    }

    /// Gives back what no bytes came for.
    pub async fn settle(&mut self) {
        let (Some(limit), true) = (self.limit, self.reserved > self.bytes) else {
            return;
        };
        let bytes = signed(self.bytes);
        match self
            .service
            .db
            .reserve(&self.upload, bytes, bytes, limit)
            .await
        {
            Ok(_) => self.reserved = self.bytes,
            Err(error) => tracing::warn!(%error, "could not give back what was reserved"),
        }
    }

    /// There is not enough left.
    pub fn error(&self) -> Error {
        Exceeded::Bytes(self.limit.unwrap_or(i64::MAX)).into()
    }
}

impl From<Exceeded> for Error {
    fn from(exceeded: Exceeded) -> Self {
        let error = match exceeded {
            Exceeded::Bytes(limit) => UploadError::Quota {
                limit: limit.unsigned_abs(),
            },
            Exceeded::Minutes(limit) => UploadError::Minutes {
                limit: limit.unsigned_abs(),
            },
            Exceeded::Uploads(limit) => UploadError::TooMany {
                limit: limit.unsigned_abs(),
            },
            Exceeded::Waiting(limit) => UploadError::TooManyWaiting {
                limit: limit.unsigned_abs(),
            },
        };
        error.into()
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
