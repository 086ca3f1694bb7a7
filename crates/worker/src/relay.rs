//! Follows one child: publishes its output, stores its progress, and notifies listeners.

use std::collections::HashMap;
use std::time::Duration;

use clipsy_dispatch::Message;
use clipsy_domain::failure::Failure;
use clipsy_domain::job::Job;
use clipsy_domain::ladder::PlannedRung;
use clipsy_domain::media::VideoStream;
use clipsy_domain::notes::Notes;
use clipsy_domain::progress::{Event, PassedOver, RenditionProgress, Summary};
use clipsy_domain::tracks;
use clipsy_storage::{Finished, NewRendition};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::child::Lines;
use super::figures::{self, Sessions};
use super::phases::Phases;
use super::protocol::Hello;
use super::publish::{self, Publisher};
use super::watch;
use super::{Worker, rows};

/// Progress is told at most this often.
const TELL: Duration = Duration::from_millis(250);
/// Progress is written down at most this often.
const WRITE: Duration = Duration::from_secs(1);
/// Events of an attempt other than progress and segments that are listened to, before its end. A sane
/// child sends a dozen.
const MOST_EVENTS: u32 = 200;
/// Lines of a child that are no events and that the log tells of.
const MOST_NONSENSE: u32 = 20;

/// How it went.
#[derive(Debug)]
pub(super) enum Told {
    /// The job is done and everything is published.
    Finished(Finished),
    /// It is not, for this reason.
    Failed(Failure),
    /// The attempt no longer holds the job.
    Lost,
    /// The child said nothing for too long.
    Silent,
    /// An encoder failed, and another card is to make it all.
    Moved,
    /// The child stopped talking without saying how it ended, or was stopped.
    Nothing,
}

/// The ear for one child.
#[derive(Debug)]
pub(super) struct Relay<'a> {
    worker: &'a Worker,
    job: &'a Job,
    publisher: Publisher,
    stop: CancellationToken,
    /// What is known of the process.
    process: watch::Notes,
    /// There is another card for the job.
    may_move: bool,
    /// How long the child may say nothing.
    patience: Duration,
    greeted: bool,
    phases: Phases,
    planned: Vec<PlannedRung>,
    size: Option<(u32, u32)>,
    notes: Notes,
    /// True if there are notes that were not written down yet.
    unwritten_notes: bool,
    encoder: Option<String>,
    /// What the encoder has in use.
    sessions: Option<Sessions>,
    /// Bytes of the finished segments of each rendition.
    bytes: HashMap<String, i64>,
    /// The newest progress that was not told yet.
    untold: Option<Event>,
    /// The newest progress that was not written down yet.
    unwritten: Option<Vec<RenditionProgress>>,
    written: Instant,
    events: u32,
    nonsense: u32,
}

impl<'a> Relay<'a> {
    /// Listens on behalf of `job` until `stop` is cancelled.
    pub(super) fn new(
        worker: &'a Worker,
        job: &'a Job,
        publisher: Publisher,
        stop: CancellationToken,
        process: watch::Notes,
        may_move: bool,
    ) -> Self {
        Self {
            worker,
            job,
            publisher,
            stop,
            process,
            may_move,
            // It looks at its own clock; the rest is for opening the file, trying the encoders
            // and bringing a large result to disk.
            patience: worker.settings.stall_timeout * 2 + Duration::from_mins(1),
            greeted: false,
            phases: Phases::start(),
            planned: Vec::new(),
            size: None,
            notes: Notes::default(),
            unwritten_notes: false,
            encoder: None,
            sessions: None,
            bytes: HashMap::new(),
            untold: None,
            unwritten: None,
            written: Instant::now(),
            events: 0,
            nonsense: 0,
        }
    }

    /// Listens to the end.
    pub(super) async fn follow(&mut self, mut lines: Lines) -> Told {
        let mut timer = interval(TELL);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Told::Nothing,
                line = lines.recv() => {
                    let Some(line) = line else {
                        self.tell_progress().await;
                        return Told::Nothing;
                    };
                    if let Some(told) = self.line(&line).await {
                        return told;
                    }
                    heard = Instant::now();
                }
                _ = timer.tick() => {
                    self.tell_progress().await;
                    if let Some(told) = self.write_progress().await {
                        return told;
                    }
                }
                () = sleep_until(heard + self.patience) => return Told::Silent,
            }
        }
    }

    /// How long the child may say nothing.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    async fn line(&mut self, line: &str) -> Option<Told> {
        if !self.greeted
            && let Ok(hello) = serde_json::from_str::<Hello>(line)
        {
            self.greeted = true;
            self.worker.note_sandbox(&hello.sandbox);
            self.phases.probe();
            return None;
        }
        match words::event(line) {
            Ok(event) => self.event(event).await,
            Err(error) => {
                self.nonsense = self.nonsense.saturating_add(1);
                if self.nonsense <= MOST_NONSENSE {
                    tracing::debug!(%error, "a child said something that is no event");
                }
                None
            }
        }
    }

    async fn event(&mut self, event: Event) -> Option<Told> {
        let is_counted = !matches!(
            &event,
            Event::Progress { .. }
                | Event::Segment { .. }
                | Event::Finished { .. }
                | Event::Failed { .. }
        );
        if is_counted {
            self.events = self.events.saturating_add(1);
            // What it has to say is said: a child that goes on is not itself.
            if self.events > MOST_EVENTS {
                return None;
            }
        }
        let told = match &event {
            Event::Progress { renditions, .. } => {
                self.unwritten = Some(renditions.clone());
                self.untold = Some(event);
                return None;
            }
            Event::Segment { rung, bytes, .. } => {
                let bytes = i64::try_from(*bytes).unwrap_or(i64::MAX);
                let sum = self.bytes.entry(rung.clone()).or_default();
                *sum = sum.saturating_add(bytes);
                self.process.has_segment();
                return self.publisher.rendition(rung).await.err().map(broken);
            }
            // The worker says how it ends, once that is certain.
            Event::Finished { summary } => return Some(self.finish(summary).await),
            Event::Failed { failure } => {
                self.tell_progress().await;
                if let Some(told) = self.write_notes().await {
                    return Some(told);
                }
                self.phases.failed(failure.code.as_str());
                return Some(Told::Failed(failure.clone()));
            }
            Event::Probed { media } => {
                self.size = tracks::main_video(media).map(VideoStream::display_size);
                self.phases.plan();
                None
            }
            Event::Planned { .. } => self.planned(&event).await,
            Event::EncoderSelected {
                encoder,
                passed_over,
                ..
            } => {
                // Nothing was made yet: another card may encode it.
                if self.may_move && self.misses_card(encoder, passed_over) {
                    Some(Told::Moved)
                } else {
                    self.start(encoder.clone()).await
                }
            }
            Event::Thumbnail { .. } => self.thumbnail().await,
            Event::Playable { .. } => self.playable().await,
            Event::EncoderFallback { from, to, reason } => {
                self.phases.failed("encoder");
                tracing::warn!(from, to, reason, "an encoder failed");
                figures::fallback(self.worker, from, to);
                self.worker.memory.forget();
                if self.may_move {
                    self.start_over().await.or(Some(Told::Moved))
                } else {
                    None
                }
            }
            Event::Warning { code, message } => {
                self.phases
                    .within(|| tracing::info!(?code, message, "a warning from the child"));
                self.unwritten_notes |= self.notes.warned(*code, message);
                self.write_notes().await
            }
            _ => None,
        };
        if told.is_none() {
            self.tell_progress().await;
            self.tell(event).await;
        }
        told
    }

    /// True if an encoder of a card failed its proof and the CPU would encode.
    fn misses_card(&self, encoder: &str, passed_over: &[PassedOver]) -> bool {
        let encoders = &self.worker.settings.encoders;
        let Ok(catalog) = crate::prover::catalog(encoders.as_deref(), None) else {
            return false;
        };
        let of_card = |id: &str| catalog.encoder(id).is_some_and(|spec| spec.hardware);
        !of_card(encoder) && passed_over.iter().any(|passed| of_card(&passed.encoder))
    }

    async fn planned(&mut self, event: &Event) -> Option<Told> {
        let Event::Planned {
            renditions,
            frame_rate,
            duration_s,
            tracks,
            ..
        } = event
        else {
            return None;
        };
        let known = |rung: &&PlannedRung| {
            let ladder = &self.worker.settings.ladder;
            ladder.rungs.iter().any(|r| r.name == rung.name)
        };
        self.planned = renditions.iter().filter(known).cloned().collect();
        self.publisher
            .plan(self.planned.iter().map(|rung| rung.name.clone()));
        let what = rows::Planned {
            duration_s: *duration_s,
            size: self.size.unwrap_or_default(),
            fps: rows::frames_per_second(frame_rate),
            renditions: self.planned.iter().map(rows::planned).collect(),
        };
        self.notes.planned(tracks);
        self.unwritten_notes = true;
        let held = rows::write_plan(self.worker, self.job, &what).await;
        if let Some(told) = self.after(held).await {
            return Some(told);
        }
        self.write_notes().await
    }

    /// A run begins, or begins again on another encoder or without what could not be decoded.
    async fn start(&mut self, encoder: String) -> Option<Told> {
        let count = self.planned.len();
        self.phases.encode(&encoder, count);
        self.sessions = None;
        self.sessions = Some(Sessions::open(self.worker, &encoder, count));
        self.encoder = Some(encoder);
        self.bytes.clear();
        self.unwritten = None;
        self.start_over().await
    }

    /// Takes back what was published of a run that does not count.
    async fn start_over(&mut self) -> Option<Told> {
        if self.publisher.has_segments() {
            // First nothing points to it, then it goes.
            let (db, job) = (&self.worker.db, self.job);
            let held = db.mark_unplayable(job.id, job.attempt).await;
            if let Some(told) = self.after(held).await {
                return Some(told);
            }
        }
        self.publisher.take_back().await.err().map(broken)
    }

    async fn thumbnail(&mut self) -> Option<Told> {
        if let Err(error) = self.publisher.thumbnail().await {
            return Some(broken(error));
        }
        let (db, job) = (&self.worker.db, self.job);
        let held = db.mark_thumbnail(job.id, job.attempt).await;
        self.after(held).await
    }

    async fn playable(&mut self) -> Option<Told> {
        match self.publisher.playable().await {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(broken(error)),
        }
        let (db, job) = (&self.worker.db, self.job);
        let held = db.mark_playable(job.id, job.attempt).await;
        if let Ok(true) = held {
            self.phases.within(|| tracing::info!("playable"));
            figures::playable(self.worker, self.job);
        }
        self.after(held).await
    }

    async fn finish(&mut self, summary: &Summary) -> Told {
        self.tell_progress().await;
        if let Some(told) = self.write_notes().await {
            return told;
        }
        self.sessions = None;
        self.phases.publish();
        if let Err(error) = self.publisher.finish(summary).await {
            self.phases.failed("publish");
            return broken(error);
        }
        figures::made(self.worker, summary);
        let made = |summary: &Summary| {
            self.planned
                .iter()
                .zip(rows::in_order(&self.planned, &summary.renditions))
                .map(|(planned, made)| NewRendition {
                    bitrate: i64::try_from(made.bitrate).unwrap_or(i64::MAX),
                    file_size: i64::try_from(made.file_size).unwrap_or(i64::MAX),
                    codecs: Some(made.codecs.clone()),
                    encoder: Some(summary.encoder.clone()),
                    ..rows::planned(planned)
                })
                .collect()
        };
        Told::Finished(Finished {
            renditions: made(summary),
            duration_s: Some(summary.duration_s),
            has_thumbnail: summary.thumbnail.is_some(),
            has_storyboard: summary.storyboard.is_some(),
        })
    }

    /// What follows a write: nothing, or the end because the attempt was lost. A database that
    /// does not answer is none: what was to be written is written again at the end.
    async fn after(&self, held: clipsy_storage::Result<bool>) -> Option<Told> {
        match held {
            Ok(true) => {
                self.worker
                    .job_changed(self.job.asset_id, self.job.id)
                    .await;
                None
            }
            Ok(false) => Some(Told::Lost),
            Err(error) => {
                tracing::warn!(%error, "could not write down how far a job is");
                None
            }
        }
    }

    async fn tell_progress(&mut self) {
        if let Some(event) = self.untold.take() {
            self.tell(event).await;
        }
    }

    /// Writes down what was noted, if it was not yet: at once, and again with the next progress if
    /// the database did not answer.
    async fn write_notes(&mut self) -> Option<Told> {
        if !self.unwritten_notes {
            return None;
        }
        let (db, job) = (&self.worker.db, self.job);
        let held = db.record_notes(job.id, job.attempt, &self.notes).await;
        self.unwritten_notes = held.is_err();
        self.after(held).await
    }

    async fn write_progress(&mut self) -> Option<Told> {
        if self.written.elapsed() < WRITE {
            return None;
        }
        if let Some(told) = self.write_notes().await {
            return Some(told);
        }
        let renditions = self.unwritten.take()?;
        self.written = Instant::now();
        let encoder = self.encoder.as_deref();
        match rows::write_progress(self.worker, self.job, &renditions, &self.bytes, encoder).await {
            Ok(true) => None,
            Ok(false) => Some(Told::Lost),
            Err(error) => {
                tracing::warn!(%error, "could not write down how far a job is");
                None
            }
        }
    }

    async fn tell(&self, event: Event) {
        let message = Message::Progress {
            asset_id: self.job.asset_id,
            job_id: self.job.id,
            attempt: self.job.attempt,
            event,
        };
        self.worker.dispatch.events.publish(message).await;
    }
}

/// What cannot be published ends the attempt.
fn broken(error: publish::Error) -> Told {
    match error {
        publish::Error::Stopped => Told::Nothing,
        error => Told::Failed(error.to_failure()),
    }
}

mod words;

#[cfg(test)]
mod tests;
