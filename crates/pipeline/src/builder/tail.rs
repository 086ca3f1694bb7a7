//! Makes picture and sound end together.
//!
//! A source whose sound goes on after its last picture keeps showing that picture; one whose
//! sound ends early goes on in silence. Otherwise the last segments would lack one of the two,
//! which players take for a gap or an end.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::keyframes::running_time;

/// Differences up to this are in every file and are left alone.
const TOLERANCE_NS: u64 = 500_000_000;
/// How much is added at a time.
const STEP_NS: u64 = 200_000_000;

/// Both ends of the material, shared by the two probes.
#[derive(Default)]
pub(crate) struct Tails {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    video: End,
    audio: End,
    abandoned: bool,
}

#[derive(Default, Clone, Copy)]
struct End {
    /// Where the stream's own material ends so far, as running time in nanoseconds.
    own_ns: u64,
    over: bool,
}

/// Ends of both streams' own material, in seconds from the beginning.
pub(crate) struct Reached {
    pub(crate) picture: f64,
    pub(crate) sound: f64,
}

impl Tails {
    /// Lets waiting streams go; call it before the pipeline is stopped.
    pub(crate) fn abandon(&self) {
        self.lock().abandoned = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(&self, end: impl Fn(&mut State) -> &mut End, to_ns: u64) {
        let mut state = self.lock();
        let end = end(&mut state);
        end.own_ns = end.own_ns.max(to_ns);
        drop(state);
        self.changed.notify_all();
    }

    /// How far both streams' own material went.
    pub(crate) fn reached_s(&self) -> Reached {
        let state = self.lock();
        Reached {
            picture: state.video.own_ns as f64 / 1e9,
            sound: state.audio.own_ns as f64 / 1e9,
        }
    }

    /// The picture's own material reaches `end_ns`.
    pub(crate) fn picture_reached(&self, end_ns: u64) {
        self.advance(|s| &mut s.video, end_ns);
    }

    /// The pictures are over: calls `hold(to)` as the sound goes on, until that is over, too.
    pub(crate) fn hold_picture(&self, hold: impl FnMut(u64)) {
        self.follow(|s| &mut s.video, |s| &mut s.audio, hold);
    }

    /// Called when one stream is over: calls `extend(to)` as the other one goes on, until that
    /// is over too. `end` picks this stream, `other` the one that may still run.
    fn follow(
        &self,
        end: impl Fn(&mut State) -> &mut End,
        other: impl Fn(&mut State) -> &mut End,
        mut extend: impl FnMut(u64),
    ) {
        let mut state = self.lock();
        end(&mut state).over = true;
        self.changed.notify_all();
        let own = end(&mut state).own_ns;
        let mut reached = own;
        while !state.abandoned {
            let target = *other(&mut state);
            let behind = if target.over {
                let started = reached > own;
                target.own_ns > reached && (started || target.own_ns > own + TOLERANCE_NS)
            } else {
                target.own_ns > reached + TOLERANCE_NS + STEP_NS
            };
            if behind {
                let to = target.own_ns.min(reached + STEP_NS);
                drop(state);
                extend(to);
                reached = to;
                state = self.lock();
            } else if target.over {
                return;
            } else {
                state = match self.changed.wait_timeout(state, Duration::from_millis(200)) {
                    Ok((guard, _)) => guard,
                    Err(poisoned) => poisoned.into_inner().0,
                };
            }
        }
    }
}

/// Watches the sound at `audio`, a sink pad of the audio trunk, with which comes how much silence is
/// to follow at the very end; without one, pictures end alone.
pub(crate) fn watch(tails: &Arc<Tails>, audio: Option<(&gst::Pad, gst::ClockTime)>) {
    match audio {
        Some((audio, push_out)) => watch_audio(tails, audio, push_out.nseconds()),
        None => tails.lock().audio.over = true,
    }
}

fn watch_audio(tails: &Arc<Tails>, pad: &gst::Pad, push_out_ns: u64) {
    let tails = Arc::clone(tails);
    let mask = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    pad.add_probe(mask, move |pad, info| {
        match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => {
                let end = buffer
                    .pts()
                    .map(|pts| pts + buffer.duration().unwrap_or(gst::ClockTime::ZERO));
                if let Some(end) = end.and_then(|end| running_time(pad, end)) {
                    tails.advance(|s| &mut s.audio, end.nseconds());
                }
            }
            Some(gst::PadProbeData::Event(event)) if event.type_() == gst::EventType::Eos => {
                let mut from = tails.lock().audio.own_ns;
                tails.follow(
                    |s| &mut s.audio,
                    |s| &mut s.video,
                    |to| {
                        if let Some(buffer) = silence(pad, from, to) {
                            let _ = pad.chain(buffer);
                        }
                        from = to;
                    },
                );
                if let Some(buffer) = silence(pad, from, from + push_out_ns) {
                    let _ = pad.chain(buffer);
                }
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

/// Silence between two running times, in the interleaved format that flows through `pad`. All the
/// PCM formats that encoders are fed write silence as zeros.
fn silence(pad: &gst::Pad, from_ns: u64, to_ns: u64) -> Option<gst::Buffer> {
    let caps = pad.current_caps()?;
    let structure = caps.structure(0)?;
    let rate = u64::try_from(structure.get::<i32>("rate").ok()?).ok()?;
    let channels = usize::try_from(structure.get::<i32>("channels").ok()?).ok()?;
    let sample_bytes = if structure.get::<&str>("format").ok()?.starts_with('S') {
        2
    } else {
        4
    };
    let first = u128::from(from_ns) * u128::from(rate) / 1_000_000_000;
    let end = u128::from(to_ns) * u128::from(rate) / 1_000_000_000;
    let samples = usize::try_from(end.saturating_sub(first))
        .ok()
        .filter(|n| *n > 0)?;
    let mut buffer = gst::Buffer::from_mut_slice(vec![0u8; samples * channels * sample_bytes]);
    let fields = buffer.get_mut()?;
    fields.set_pts(position(pad, from_ns));
    fields.set_duration(gst::ClockTime::from_nseconds(to_ns - from_ns));
    Some(buffer)
}

/// Position in the pad's segment of a running time.
fn position(pad: &gst::Pad, running_ns: u64) -> Option<gst::ClockTime> {
    let event = pad.sticky_event::<gst::event::Segment>(0)?;
    let segment = event.segment().downcast_ref::<gst::ClockTime>()?;
    segment.position_from_running_time(gst::ClockTime::from_nseconds(running_ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn extended(own: u64, other: u64) -> Vec<u64> {
        let tails = Tails::default();
        tails.advance(|s| &mut s.video, own);
        tails.advance(|s| &mut s.audio, other);
        tails.lock().audio.over = true;
        let mut steps = Vec::new();
        tails.follow(|s| &mut s.video, |s| &mut s.audio, |to| steps.push(to));
        steps
    }

    #[test]
    fn small_differences_are_left_alone() {
        assert!(extended(10 * S, 10 * S + TOLERANCE_NS).is_empty());
        assert!(extended(10 * S, 3 * S).is_empty());
    }

    #[test]
    fn the_shorter_stream_follows_to_the_end_in_small_steps() {
        let steps = extended(10 * S, 11 * S + 50);
        assert_eq!(steps.last(), Some(&(11 * S + 50)));
        assert!(steps.windows(2).all(|w| w[1] - w[0] <= STEP_NS));
    }

    #[test]
    fn an_abandoned_wait_ends() {
        let tails = Arc::new(Tails::default());
        let waiting = Arc::clone(&tails);
        let thread =
            std::thread::spawn(move || waiting.follow(|s| &mut s.video, |s| &mut s.audio, |_| ()));
        tails.abandon();
        thread.join().unwrap();
    }
}
