//! What the encoded streams tell while they pass by.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clipsy_domain::codecs;
use clipsy_domain::frame_rate::FrameRate;
use clipsy_domain::progress::RenditionProgress;
use gstreamer as gst;
use gstreamer::prelude::*;

/// Grows whenever anything moves anywhere in the pipeline; the stall watchdog looks at it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Activity(Arc<AtomicU64>);

impl Activity {
    pub(crate) fn tick(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts buffers that pass `pad`.
    pub(crate) fn watch(&self, pad: &gst::Pad) {
        let activity = self.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            activity.tick();
            gst::PadProbeReturn::Ok
        });
    }
}

/// Measures one rendition at its encoder's output.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    state: Arc<Mutex<State>>,
    rate: FrameRate,
    gop_ns: u64,
}

#[derive(Debug, Default)]
struct State {
    frames: u64,
    bytes: u64,
    codec: Option<String>,
    /// Frame at which a forced keyframe did not come.
    missed_keyframe: Option<u64>,
    next_mark: u64,
    history: VecDeque<(Instant, u64)>,
}

/// Speed is that of the last few seconds.
const WINDOW: Duration = Duration::from_secs(4);

impl Meter {
    pub(crate) fn new(rate: FrameRate, gop_s: u32) -> Self {
        Self {
            state: Arc::default(),
            rate,
            gop_ns: u64::from(gop_s) * 1_000_000_000,
        }
    }

    /// Starts measuring access units that leave `pad`.
    pub(crate) fn watch(&self, pad: &gst::Pad, activity: &Activity) {
        let (meter, activity) = (self.clone(), activity.clone());
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(buffer) = info.buffer() {
                meter.note(buffer);
                activity.tick();
            }
            gst::PadProbeReturn::Ok
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, buffer: &gst::Buffer) {
        let mut state = self.lock();
        let frame = state.frames;
        let is_key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        // GOPs are closed, so an IDR has the same number in coding and in display order.
        if frame >= self.rate.first_frame_at(state.next_mark * self.gop_ns) {
            state.next_mark += 1;
            if !is_key {
                state.missed_keyframe.get_or_insert(frame);
            }
        }
        if state.codec.is_none()
            && is_key
            && let Ok(map) = buffer.map_readable()
        {
            state.codec = codecs::avc1_from_access_unit(&map);
        }
        state.frames += 1;
        state.bytes += buffer.size() as u64;
    }

    /// Access units so far.
    pub(crate) fn frames(&self) -> u64 {
        self.lock().frames
    }

    /// Codec name from the stream's own parameter set.
    pub(crate) fn codec(&self) -> Option<String> {
        self.lock().codec.clone()
    }

    /// The frame that should have been a keyframe and was not.
    pub(crate) fn missed_keyframe(&self) -> Option<u64> {
        self.lock().missed_keyframe
    }

    /// How far the rendition is, given the `expected` number of frames.
    pub(crate) fn progress(
        &self,
        rung: &str,
        encoder: &str,
        expected: Option<u64>,
        now: Instant,
    ) -> RenditionProgress {
        let mut state = self.lock();
        let frames = state.frames;
        state.history.push_back((now, frames));
        while state.history.len() > 2 && now.duration_since(state.history[0].0) > WINDOW {
            state.history.pop_front();
        }
        let (since, before) = state.history[0];
        let seconds = now.duration_since(since).as_secs_f64();
        let fps = if seconds > 0.0 {
            (frames - before) as f64 / seconds
        } else {
            0.0
        };
        let left = expected.map(|e| e.saturating_sub(frames));
        RenditionProgress {
            rung: rung.to_owned(),
            percent: expected
                .map(|e| round(100.0 * frames as f64 / e.max(1) as f64, 10.0).min(99.0)),
            frames,
            fps: round(fps, 10.0),
            speed: round(fps / self.rate.as_f64(), 100.0),
            eta_s: left
                .filter(|_| fps > 0.0)
                .map(|l| round(l as f64 / fps, 10.0)),
            bytes: state.bytes,
            encoder: encoder.to_owned(),
        }
    }
}

/// `value` to the nearest 1/`steps`.
pub(crate) fn round(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}
