//! Figures about attempts for those who operate the service, by the `metrics` facade.
//!
//! What a child says is not to be trusted, so no word of it becomes a label unless it is one of the
//! few that are known.

use std::time::Instant;

use clipsy_domain::failure::FailureCode;
use clipsy_domain::job::Job;
use clipsy_domain::progress::Summary;
use clipsy_domain::worker::CardFound;
use clipsy_pipeline::catalog::Catalog;
use metrics::{Gauge, Label, counter, gauge, histogram};

use super::Worker;

/// How an attempt ended, in the words of the label `outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The video is ready.
    Finished,
    /// It will be tried again.
    Retried(FailureCode),
    /// The job has failed for good.
    Failed(FailureCode),
    /// The job was cancelled, deleted or taken over.
    Lost,
    /// The job was put back because this process stops.
    Drained,
    /// The database did not take the end; the claim runs out.
    Unsettled,
}

impl Ended {
    fn labels(self) -> (&'static str, &'static str) {
        match self {
            Self::Finished => ("finished", ""),
            Self::Retried(code) => ("retried", code.as_str()),
            Self::Failed(code) => ("failed", code.as_str()),
            Self::Lost => ("lost", ""),
            Self::Drained => ("drained", ""),
            Self::Unsettled => ("unsettled", ""),
        }
    }
}

/// Makes the figures known that say something by being zero.
pub(super) fn begin(worker: &Worker) {
    gauge!("clipsy_worker_slots").set(worker.settings.slots as f64);
    gauge!("clipsy_worker_jobs_running").set(0.0);
    for ended in [
        Ended::Finished,
        Ended::Lost,
        Ended::Drained,
        Ended::Failed(FailureCode::Internal),
        Ended::Failed(FailureCode::Crashed),
        Ended::Failed(FailureCode::OutOfDisk),
        Ended::Retried(FailureCode::Crashed),
        Ended::Retried(FailureCode::Stalled),
    ] {
        let (outcome, code) = ended.labels();
        counter!("clipsy_attempts_total", "outcome" => outcome, "code" => code).absolute(0);
    }
    let Some(catalog) = catalog(worker) else {
        return;
    };
    let ids = || catalog.encoders.iter().map(|spec| spec.id.clone());
    for encoder in ids() {
        gauge!("clipsy_encoder_sessions", "encoder" => encoder).set(0.0);
    }
    // Each falls back to the next.
    for (from, to) in ids().zip(ids().skip(1)) {
        counter!("clipsy_encoder_fallbacks_total", "from" => from, "to" => to).absolute(0);
    }
}

/// A job was claimed.
pub(super) fn claimed(worker: &Worker, job: &Job) -> Running {
    let waited = worker.db.clock().now() - job.run_after;
    histogram!("clipsy_job_wait_seconds").record(seconds(waited.num_milliseconds()));
    let running = gauge!("clipsy_worker_jobs_running");
    running.increment(1.0);
    Running {
        started: Instant::now(),
        running,
    }
}

/// An attempt that runs.
#[derive(Debug)]
pub(super) struct Running {
    started: Instant,
    running: Gauge,
}

impl Running {
    /// It has ended.
    pub(super) fn ended(self, how: Ended) {
        let (outcome, code) = how.labels();
        counter!("clipsy_attempts_total", "outcome" => outcome, "code" => code).increment(1);
        histogram!("clipsy_attempt_seconds", "outcome" => outcome).record(self.started.elapsed());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.running.decrement(1.0);
    }
}

/// A video can be played.
pub(super) fn playable(worker: &Worker, job: &Job) {
    let took = worker.db.clock().now() - job.created_at;
    histogram!("clipsy_job_playable_seconds").record(seconds(took.num_milliseconds()));
}

/// A video is finished.
pub(super) fn made(worker: &Worker, summary: &Summary) {
    let encoder = known(worker, &summary.encoder);
    if summary.speed.is_finite() && summary.speed >= 0.0 {
        histogram!("clipsy_encode_speed_ratio", "encoder" => encoder).record(summary.speed);
    }
}

/// An encoder failed while it ran.
pub(super) fn fallback(worker: &Worker, from: &str, to: &str) {
    let (from, to) = (known(worker, from), known(worker, to));
    counter!("clipsy_encoder_fallbacks_total", "from" => from, "to" => to).increment(1);
}

/// Sessions of an encoder that are in use, one for each rendition, until this is dropped.
#[derive(Debug)]
pub(super) struct Sessions {
    gauge: Gauge,
    count: f64,
}

impl Sessions {
    pub(super) fn open(worker: &Worker, encoder: &str, count: usize) -> Self {
        let encoder = known(worker, encoder);
        let gauge = gauge!("clipsy_encoder_sessions", "encoder" => encoder);
        let count = count as f64;
        gauge.increment(count);
        Self { gauge, count }
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        self.gauge.decrement(self.count);
    }
}

/// A figure of a graphics card: its name, its labels, its value.
type Reading = (&'static str, Vec<Label>, f64);

/// The graphics cards of this machine, as they were just found. To be called before the worker
/// notes them: what was told of a card until then and no longer is becomes `NaN`, as when the card
/// was lost.
pub(super) fn cards(worker: &Worker, found: &[CardFound]) {
    tell_cards(&worker.cards(), found);
}

fn tell_cards(before: &[CardFound], found: &[CardFound]) {
    let now = readings(found);
    for (name, labels, _) in readings(before) {
        let told = |(other, same, _): &Reading| *other == name && *same == labels;
        if !now.iter().any(told) {
            gauge!(name, labels).set(f64::NAN);
        }
    }
    for (name, labels, value) in now {
        gauge!(name, labels).set(value);
    }
}

/// What is known of cards, and nothing of what their drivers do not tell.
fn readings(cards: &[CardFound]) -> Vec<Reading> {
    let mut readings = Vec::new();
    for card in cards {
        let label = || Label::new("card", card.id.clone());
        let sessions = f64::from(card.sessions);
        readings.push(("clipsy_card_sessions", vec![label()], sessions));
        if let Some(limit) = card.session_limit {
            let limit = f64::from(limit);
            readings.push(("clipsy_card_session_limit", vec![label()], limit));
        }
        for (unit, percent) in [
            ("encoder", card.encoder_load),
            ("decoder", card.decoder_load),
            ("all", card.load),
        ] {
            let Some(percent) = percent else { continue };
            let labels = vec![label(), Label::new("unit", unit)];
            let ratio = f64::from(percent) / 100.0;
            readings.push(("clipsy_card_load_ratio", labels, ratio));
        }
        if let Some(bytes) = card.memory_used {
            let bytes = bytes as f64;
            readings.push(("clipsy_card_memory_used_bytes", vec![label()], bytes));
        }
    }
    readings
}

/// The encoder's identifier, or `other` if it is in no catalog.
fn known(worker: &Worker, encoder: &str) -> String {
    let known = catalog(worker)
        .is_some_and(|catalog| catalog.encoders.iter().any(|spec| spec.id == encoder));
    if known { encoder } else { "other" }.to_owned()
}

fn catalog(worker: &Worker) -> Option<Catalog> {
    match &worker.settings.encoders {
        Some(text) => Catalog::parse(text).ok(),
        None => Catalog::built_in().ok(),
    }
}

/// Milliseconds as seconds. A clock that was set back gives none.
fn seconds(milliseconds: i64) -> f64 {
    milliseconds.max(0) as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn what_a_child_calls_its_encoder_is_no_label_unless_it_is_known() {
        let setup = testing::setup().await;
        let known = |name: &str| known(&setup.worker, name);
        assert_eq!(known("nvenc"), "nvenc");
        assert_eq!(known("software"), "software");
        assert_eq!(known("x\"} 1\nevil{"), "other");
    }

    #[test]
    fn cards_are_told_as_far_as_their_drivers_tell() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let told = |before: &[CardFound], found: &[CardFound]| -> Vec<String> {
            metrics::with_local_recorder(&recorder, || tell_cards(before, found));
            let text = handle.render();
            let lines = text.lines().filter(|line| line.starts_with("clipsy_"));
            let mut lines: Vec<String> = lines.map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let silent = CardFound {
            id: "renderD128".into(),
            label: "Arc A380".into(),
            kind: "va".into(),
            jobs: 1,
            sessions: 4,
            session_limit: None,
            encoder_load: None,
            decoder_load: None,
            load: None,
            memory_used: None,
            memory: None,
        };
        let card = CardFound {
            id: "GPU-1".into(),
            sessions: 3,
            session_limit: Some(8),
            encoder_load: Some(62),
            decoder_load: Some(0),
            load: Some(100),
            memory_used: Some(3 << 30),
            memory: Some(24 << 30),
            ..silent.clone()
        };
        assert_eq!(told(&[], &[]), [""; 0]);
        let both = [card.clone(), silent.clone()];
        assert_eq!(
            told(&[], &both),
            [
                "clipsy_card_load_ratio{card=\"GPU-1\",unit=\"all\"} 1",
                "clipsy_card_load_ratio{card=\"GPU-1\",unit=\"decoder\"} 0",
                "clipsy_card_load_ratio{card=\"GPU-1\",unit=\"encoder\"} 0.62",
                "clipsy_card_memory_used_bytes{card=\"GPU-1\"} 3221225472",
                "clipsy_card_session_limit{card=\"GPU-1\"} 8",
                "clipsy_card_sessions{card=\"GPU-1\"} 3",
                "clipsy_card_sessions{card=\"renderD128\"} 4",
            ]
        );
        // Its driver no longer answers, and the other card is gone.
        let mute = CardFound {
            id: card.id,
            sessions: 2,
            ..silent
        };
        assert_eq!(
            told(&both, &[mute]),
            [
                "clipsy_card_load_ratio{card=\"GPU-1\",unit=\"all\"} NaN",
                "clipsy_card_load_ratio{card=\"GPU-1\",unit=\"decoder\"} NaN",
                "clipsy_card_load_ratio{card=\"GPU-1\",unit=\"encoder\"} NaN",
                "clipsy_card_memory_used_bytes{card=\"GPU-1\"} NaN",
                "clipsy_card_session_limit{card=\"GPU-1\"} NaN",
                "clipsy_card_sessions{card=\"GPU-1\"} 2",
                "clipsy_card_sessions{card=\"renderD128\"} NaN",
            ]
        );
    }

    #[test]
    fn a_clock_that_went_back_makes_no_negative_waits() {
        assert!(seconds(-5).abs() < f64::EPSILON);
        assert!((seconds(1500) - 1.5).abs() < f64::EPSILON);
    }
}
