//! Encoders that do not work or stop working: never silent, never a half-made result.

use std::time::Duration;

use crate::support::standin;
use crate::support::{Bench, Outcome, catalog, video_packets};
use clipsy_domain::failure::{FailureCode, Stage};
use clipsy_domain::progress::Event;

const PATIENCE: Duration = Duration::from_mins(1);

/// The encoder that was selected last, and why others were passed over.
fn selected(outcome: &Outcome) -> (String, Vec<String>) {
    let found = outcome.events.iter().rev().find_map(|event| match event {
        Event::EncoderSelected {
            encoder,
            passed_over,
            ..
        } => Some((
            encoder.clone(),
            passed_over
                .iter()
                .map(|p| format!("{}: {}", p.encoder, p.reason))
                .collect(),
        )),
        _ => None,
    });
    found.expect("an encoder was selected")
}

/// Three renditions of 150 frames with an IDR every two seconds.
#[track_caller]
fn assert_good(outcome: &Outcome, encoder: &str) {
    let summary = outcome.result.as_ref().expect("the job succeeds");
    assert_eq!(summary.encoder, encoder);
    assert_eq!(summary.renditions.len(), 4);
    for rendition in &summary.renditions {
        let packets = video_packets(&outcome.output, &rendition.quality);
        let keyframes: Vec<usize> = (0..packets.len()).filter(|&i| packets[i].1).collect();
        assert_eq!(
            (packets.len(), keyframes),
            (150, vec![0, 50, 100]),
            "{}",
            rendition.quality
        );
    }
}

#[track_caller]
fn assert_passed_over(behaviour: &str, reason: &str) {
    let outcome = Bench::new().run(&catalog(behaviour), "auto", PATIENCE);
    let (encoder, passed_over) = selected(&outcome);
    assert_eq!(encoder, "software");
    assert!(
        passed_over.len() == 1 && passed_over[0].contains(reason),
        "{passed_over:?}"
    );
    assert_good(&outcome, "software");
}

#[test]
fn an_encoder_that_behaves_is_used() {
    let outcome = Bench::new().run(&catalog("well"), "auto", PATIENCE);
    assert_eq!(selected(&outcome), ("standin".into(), vec![]));
    assert_good(&outcome, "standin");
}

#[test]
fn an_encoder_that_gives_nothing_back_is_passed_over() {
    assert_passed_over("mute", "standin: it took pictures and gave nothing back");
}

#[test]
fn an_encoder_that_ignores_keyframe_requests_is_passed_over() {
    assert_passed_over(
        "deaf",
        "standin: it does not make keyframes where they are asked for",
    );
}

#[test]
fn an_encoder_with_too_few_sessions_for_the_ladder_is_passed_over() {
    assert_passed_over("sessions:2", "out of sessions");
}

#[test]
fn an_encoder_that_dies_in_mid_run_hands_over_loudly() {
    let outcome = Bench::new().run(&catalog("dies:70"), "auto", PATIENCE);
    let fallback = outcome.events.iter().find_map(|event| match event {
        Event::EncoderFallback { from, to, reason } => {
            Some((from.clone(), to.clone(), reason.clone()))
        }
        _ => None,
    });
    let (from, to, reason) = fallback.expect("the fallback is reported");
    assert_eq!((from.as_str(), to.as_str()), ("standin", "software"));
    assert!(reason.contains("the session was lost"), "{reason}");
    assert_good(&outcome, "software");
}

#[test]
fn a_single_encoder_that_dies_fails_the_job_and_leaves_nothing() {
    let outcome = Bench::new().run(&catalog("dies:70"), "standin", PATIENCE);
    let failure = outcome
        .result
        .expect_err("the job fails")
        .to_failure(Stage::Transcode);
    assert_eq!(failure.code, FailureCode::EncoderFailed);
    assert!(
        failure.message.contains("the session was lost"),
        "{}",
        failure.message
    );
    assert!(!outcome.output.exists());
}

#[test]
fn an_encoder_that_gets_stuck_is_ended_by_the_watchdog() {
    let outcome = Bench::new().run(&catalog("stuck:70"), "standin", Duration::from_secs(2));
    let failure = outcome
        .result
        .expect_err("the job fails")
        .to_failure(Stage::Transcode);
    assert_eq!(failure.code, FailureCode::Stalled);
    assert!(!outcome.output.exists());
}

#[test]
fn an_encoder_that_is_not_installed_says_so() {
    let text = catalog("well").replace(standin::NAME, "nosuchenc");
    let outcome = Bench::new().run(&text, "standin", PATIENCE);
    let failure = outcome
        .result
        .expect_err("the job fails")
        .to_failure(Stage::Transcode);
    assert_eq!(failure.code, FailureCode::EncoderUnavailable);
    assert!(
        failure.message.contains("GStreamer has no nosuchenc"),
        "{}",
        failure.message
    );
    assert!(!outcome.output.exists());
}
