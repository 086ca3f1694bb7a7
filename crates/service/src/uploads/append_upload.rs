//! Receiving bytes of an upload that can be resumed.

use std::time::Duration;

use bytes::Bytes;
use clipsy_domain::upload::Upload;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::Service;
use crate::error::{Error, Result};
use crate::uploads::Source;
use crate::uploads::checksum::{Checksum, Hash};
use crate::uploads::create_upload::renew;
use crate::uploads::error::UploadError;
use crate::uploads::reserve_bytes::Reservation;
use crate::uploads::write_upload::{Pieces, Writer};

/// What became of the bytes.
#[derive(Debug)]
pub struct Appended {
    /// Bytes that the upload has now, measured and durable.
    pub offset: u64,
    /// Whether all that was sent is among them, and if not, why.
    pub outcome: Result<()>,
}

/// Who may end the receiving before the sender does.
#[derive(Debug)]
pub struct Interrupts<'a> {
    /// A newer request for the same upload.
    pub newer: &'a CancellationToken,
    /// The server stops.
    pub stop: &'a CancellationToken,
}

/// How long bytes are still taken after somebody else asked for the upload. Senders that are alive
/// get to finish what they have begun, if that is little.
const GRACE: Duration = Duration::from_millis(700);
/// Longest wait for the next bytes in that time.
const GRACE_IDLE: Duration = Duration::from_millis(250);

/// Appends `body` to the upload. Whatever ends it, the bytes that arrived are kept; those with a
/// checksum only if all of them arrived and fit. An error means that nothing is known about the
/// bytes. The caller holds the upload's lock, and `body` knows its limit; `reserved` is asked for
/// more as bytes come, if not all of them are reserved.
pub async fn append_upload(
    service: &Service,
    upload: &Upload,
    body: &mut impl Source,
    checksum: Option<&Checksum>,
    reserved: Option<&mut Reservation>,
    interrupts: Interrupts<'_>,
) -> Result<Appended> {
    let hash = checksum.map(|checksum| Hash::new(checksum.algorithm));
    let mut writer = Writer::open(service, upload, hash).await?;
    if checksum.is_some() {
        writer.file().begin_chunk().await?;
    }
    let mut expires_at = upload.expires_at;
    let mut intake = Intake::new(&mut writer, reserved);
    let mut outcome = loop {
        expires_at = renew(service, &upload.id, expires_at).await;
        match intake.step(body, &interrupts).await {
            Ok(Step::More) => {}
            Ok(Step::End) => break Ok(()),
            Ok(Step::TakenOver) => break Err(taken_over(0)),
            Ok(Step::Stopped) => break Err(Error::Busy),
            Err(error) => break Err(error),
        }
    };
    if let Err(error) = intake.write().await {
        outcome = outcome.and(Err(error));
    }
    if let Some(reserved) = intake.reserved {
        reserved.settle().await;
    }
    let offset = match checksum {
        Some(checksum) => {
            if outcome.is_ok() && writer.digest().as_ref() != Some(&checksum.digest) {
                outcome = Err(UploadError::Checksum.into());
            }
            if outcome.is_ok() {
                writer.file().keep_chunk().await?
            } else {
                writer.file().undo_chunk().await?
            }
        }
        None => match writer.sync().await {
            Ok(offset) => offset,
            Err(error) => {
                outcome = outcome.and(Err(error));
                writer.sync().await?
            }
        },
    };
    if let Err(Error::Upload(UploadError::TakenOver { .. })) = outcome {
        outcome = Err(taken_over(offset));
    }
    Ok(Appended { offset, outcome })
}

fn taken_over(offset: u64) -> Error {
    UploadError::TakenOver { offset }.into()
}

/// Takes what comes, until somebody ends it.
struct Intake<'a> {
    writer: &'a mut Writer,
    pieces: Pieces,
    reserved: Option<&'a mut Reservation>,
    /// Why no more is taken, and until when.
    ending: Option<(Step, Instant)>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Go on.
    More,
    /// All was sent.
    End,
    /// A newer request wants the upload.
    TakenOver,
    /// The server stops.
    Stopped,
}

impl<'a> Intake<'a> {
    fn new(writer: &'a mut Writer, reserved: Option<&'a mut Reservation>) -> Self {
        Self {
            reserved,
            writer,
            pieces: Pieces::default(),
            ending: None,
        }
    }

    /// Waits for whatever comes first.
    async fn step(&mut self, body: &mut impl Source, interrupts: &Interrupts<'_>) -> Result<Step> {
        if self.ending.is_none() {
            let until = Instant::now() + GRACE;
            if interrupts.newer.is_cancelled() {
                self.ending = Some((Step::TakenOver, until));
            } else if interrupts.stop.is_cancelled() {
                self.ending = Some((Step::Stopped, until));
            }
        }
        if let Some((why, until)) = self.ending {
            let until = until.min(Instant::now() + GRACE_IDLE);
            return match timeout_at(until, body.next()).await {
                Ok(next) => self.take(next?).await,
                Err(_) => Ok(why),
            };
        }
        let unsynced = !self.pieces.is_empty() || !self.writer.is_synced();
        tokio::select! {
            biased;
            next = body.next() => self.take(next?).await,
            () = interrupts.newer.cancelled() => Ok(Step::More),
            () = interrupts.stop.cancelled() => Ok(Step::More),
            () = sleep_until(self.writer.due()), if unsynced => {
                // The sender is slow or has stalled: keep what there is.
                self.write().await?;
                self.writer.sync().await?;
                Ok(Step::More)
            }
        }
    }

    async fn take(&mut self, next: Option<Bytes>) -> Result<Step> {
        let Some(mut next) = next else {
            return Ok(Step::End);
        };
        let Some(reserved) = &mut self.reserved else {
            self.pieces.take(next, self.writer).await?;
            return Ok(Step::More);
        };
        let wanted = next.len() as u64;
        let kept = reserved.ahead(wanted).await?;
        reserved.came(kept);
        let error = (kept < wanted).then(|| reserved.error());
        next.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
        self.pieces.take(next, self.writer).await?;
        error.map_or(Ok(Step::More), Err)
    }

    /// Writes what was gathered.
    async fn write(&mut self) -> Result<()> {
        self.pieces.write(self.writer).await
    }
}
