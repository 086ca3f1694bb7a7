//! The element in real pipelines, judged by ffprobe, ffmpeg and a decoder's buffer of our own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are not seen as tests"
)]

mod support;

use gstreamer as gst;
use gstreamer::prelude::*;
use support::{Ladder, Source, black_columns, lowest_fill, probe};

const RUNGS: [(u32, u32, u32); 4] = [
    (1280, 720, 2500),
    (854, 480, 1200),
    (640, 360, 700),
    (426, 240, 400),
];

/// Every rendition shows all pictures once, with the same kinds at the same places and keyframes where they
/// were asked for, and can be decoded in time.
#[track_caller]
fn assert_sound(source: &Source, rungs: &[(u32, u32, u32)], threads: u32) {
    let made = Ladder::new(rungs, threads).run(source);
    let first = probe(&made[0]);
    for (rendition, &(width, height, kbps)) in made.iter().zip(rungs) {
        let seen = probe(rendition);
        let name = format!("{height} lines of {source:?}");
        assert_eq!((seen.width, seen.height), (width, height), "{name}");
        assert_eq!(seen.profile, "High", "{name}");
        assert_eq!(seen.types.len(), source.pictures as usize, "{name}");
        assert_eq!(seen.types, first.types, "{name}");
        let keys: Vec<u32> = (0..source.pictures)
            .filter(|&i| seen.keys[i as usize])
            .collect();
        assert_eq!(keys, source.marks(), "{name}");

        let mut times: Vec<i64> = rendition.iter().map(|unit| unit.pts).collect();
        assert!(rendition.windows(2).all(|w| w[0].dts < w[1].dts), "{name}");
        assert!(rendition.iter().all(|unit| unit.dts <= unit.pts), "{name}");
        times.sort_unstable();
        let wanted: Vec<i64> = (0..source.pictures)
            .map(|i| source.time(i).cast_signed())
            .collect();
        assert_eq!(times, wanted, "{name}");

        let lowest = lowest_fill(rendition, kbps, source.rate);
        assert!(
            lowest >= 0.0,
            "{name}: a decoder's buffer ran out, {lowest:.3}"
        );
    }
}

#[test]
fn renditions_are_alike_but_for_their_size() {
    assert_sound(&Source::moving(150, (25, 1)), &RUNGS, 1);
}

#[test]
fn a_picture_or_a_few_are_enough() {
    for pictures in [1, 2, 3, 9, 51] {
        assert_sound(&Source::moving(pictures, (25, 1)), &RUNGS[1..], 1);
    }
}

#[test]
fn any_rate_will_do() {
    for rate in [(60, 1), (50, 1), (24000, 1001), (10, 1), (1, 1), (7, 3)] {
        assert_sound(&Source::moving(60, rate), &RUNGS[2..], 1);
    }
}

#[test]
fn any_number_of_threads_will_do() {
    for threads in [2, 3, 8, 16] {
        assert_sound(&Source::moving(75, (25, 1)), &RUNGS[1..], threads);
    }
}

#[test]
fn cuts_fades_and_slides_will_do() {
    for source in [
        Source::cuts(100, (25, 1)),
        Source::fades(100, (25, 1)),
        Source::slides(100, (25, 1)),
    ] {
        assert_sound(&source, &RUNGS[1..], 1);
    }
}

#[test]
fn noise_keeps_to_the_rate_however_low() {
    for share in [100, 60, 40] {
        let rungs = RUNGS.map(|(width, height, kbps)| (width, height, kbps * share / 100));
        assert_sound(&Source::noise(150, (25, 1)), &rungs[1..], 1);
    }
}

#[test]
fn silence_before_noise_keeps_to_the_rate() {
    let rungs = RUNGS.map(|(width, height, kbps)| (width, height, kbps / 2));
    assert_sound(&Source::sudden(150, (25, 1)), &rungs[1..], 1);
}

#[test]
fn one_rendition_alone_is_made_as_well() {
    assert_sound(&Source::moving(60, (25, 1)), &RUNGS[..1], 2);
}

#[test]
fn another_size_of_the_source_is_fitted_with_bars() {
    let mut source = Source::moving(60, (25, 1));
    source.changes = Some((30, (480, 480)));
    let made = Ladder::new(&RUNGS[1..], 1).run(&source);
    for (rendition, (width, ..)) in made.iter().zip(&RUNGS[1..]) {
        assert_eq!(rendition.len(), 60);
        let black = black_columns(rendition);
        assert_eq!(black[10], 0, "the first size fills the picture");
        // A square in the middle of 16:9 leaves seven sixteenths of its width.
        let wanted = width * 7 / 16;
        assert!(
            black[50].abs_diff(wanted) <= 12,
            "{} of {wanted}",
            black[50]
        );
    }
}

#[test]
fn a_wrong_option_is_told_of_by_the_pad_that_has_it() {
    let ladder = Ladder::new(&RUNGS[1..], 1);
    ladder.pads[1].set_property("option-string", "no-such-option=1");
    let error = ladder.fails(&Source::moving(60, (25, 1)));
    assert!(error.text.contains("no-such-option=1"), "{}", error.text);
    assert_eq!(error.source, ladder.pads[1].name());
}

#[test]
fn who_stops_in_mid_run_does_not_wait() {
    for state in [gst::State::Ready, gst::State::Null] {
        let ladder = Ladder::new(&RUNGS, 1);
        ladder.start(&Source::moving(500, (25, 1)));
        ladder.wait_for(20);
        ladder.pipeline.set_state(state).unwrap();
        let (result, now, _) = ladder.pipeline.state(gst::ClockTime::from_seconds(60));
        assert!(result.is_ok());
        assert_eq!(now, state);
    }
}

#[test]
fn a_flush_starts_afresh() {
    let ladder = Ladder::new(&RUNGS[1..], 1);
    ladder.start(&Source::moving(60, (25, 1)));
    ladder.wait_for(20);
    let sink = ladder.element.static_pad("sink").unwrap();
    let source = sink.peer().unwrap();
    source.push_event(gst::event::FlushStart::new());
    source.push_event(gst::event::FlushStop::new(true));
    ladder.stop();
    let made = ladder.run(&Source::moving(60, (25, 1)));
    for rendition in made {
        assert_eq!(rendition.len(), 60);
        assert!(rendition[0].keyframe);
    }
}

#[test]
fn a_rendition_that_cannot_give_out_stops_all() {
    let ladder = Ladder::new(&RUNGS[1..], 1);
    let pad = ladder.pads[2].clone();
    pad.add_probe(gst::PadProbeType::BUFFER, |_, info| {
        info.flow_res = Err(gst::FlowError::NotNegotiated);
        gst::PadProbeReturn::Handled
    });
    // It would wait for ever if the others went on.
    ladder.fails(&Source::moving(500, (25, 1)));
}
