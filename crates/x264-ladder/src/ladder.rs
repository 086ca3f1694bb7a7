//! The threads of a ladder, and what passes between them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use gstreamer as gst;
use gstreamer::prelude::*;

use crate::Error;
use crate::analyse::Analysis;
use crate::fit::Frame;
use crate::outlet::{Outlet, Stamp};
use crate::pad::Settings;
use crate::rung::Rung;
use crate::tree::Tree;
use crate::x264::{Colour, Kind};

/// Pictures that wait for the analysing rendition.
const WAITING: usize = 2;
/// Pictures known ahead of the one that a rendition feeds to its encoder: what it plans with.
pub(crate) const AHEAD: usize = 8;
/// How far a rendition may fall behind that before the analysing one waits for it.
const BEHIND: usize = 3;

/// A picture of the source.
pub(crate) struct Picture {
    pub(crate) frame: Frame,
    pub(crate) number: i64,
    pub(crate) stamp: Stamp,
}

/// What the analysing rendition found about a picture.
#[derive(Clone)]
pub(crate) struct Decided {
    pub(crate) picture: Arc<Picture>,
    pub(crate) kind: Kind,
    /// Bits that it would have taken there had nothing been held back.
    pub(crate) bits: f64,
    /// By how much it was held back.
    pub(crate) raised: f64,
    /// `None` if no other picture needs it.
    pub(crate) tree: Option<Arc<Found>>,
}

/// What a picture is worth to others, on the grid of the analysing rendition.
pub(crate) struct Found {
    pub(crate) tree: Tree,
    /// Spread of the samples of each macroblock.
    pub(crate) spread: Vec<f32>,
    /// Noise of the analysed rendition and of the source, with their widths.
    pub(crate) noise: [(u32, f32); 2],
}

/// What all renditions have in common.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    pub(crate) rate: gst::Fraction,
    pub(crate) colour: Colour,
    /// Pictures that the look-ahead sees.
    pub(crate) look_ahead: u32,
    /// Size of the analysing rendition.
    pub(crate) analysed: (u32, u32),
}

/// One rendition to be made.
pub(crate) struct Wanted {
    pub(crate) pad: gst::Pad,
    pub(crate) size: (u32, u32),
    pub(crate) settings: Settings,
}

/// A running ladder.
pub(crate) struct Ladder {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Ladder {
    /// Opens all encoders and starts a thread for each. The one that analyses is `wanted[analysing]`.
    /// `prepare` is told the profile of each rendition before anything is given out.
    pub(crate) fn start(
        element: &gst::Element,
        wanted: Vec<Wanted>,
        analysing: usize,
        common: &Common,
        mut prepare: impl FnMut(&Wanted, u8),
    ) -> Result<Self, (gst::Pad, Error)> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                decided: (1..wanted.len()).map(|_| VecDeque::new()).collect(),
                stopped: None,
            }),
            changed: Condvar::new(),
        });
        let alone = wanted.len() == 1;
        let step = gst::ClockTime::SECOND
            .mul_div_round(
                common.rate.denom().unsigned_abs().into(),
                common.rate.numer().unsigned_abs().into(),
            )
            .unwrap_or(gst::ClockTime::SECOND);
        let mut works: Vec<(gst::Pad, Work)> = Vec::new();
        let mut place = 0;
        for (i, rendition) in wanted.into_iter().enumerate() {
            let outlet = Outlet::new(rendition.pad.clone(), step);
            let fail = |error| (rendition.pad.clone(), error);
            let work = if i == analysing {
                let mut analysis =
                    Analysis::open(&rendition, common, !alone, outlet).map_err(fail)?;
                prepare(&rendition, analysis.profile().map_err(fail)?);
                Work::Analysis(Box::new(analysis))
            } else {
                let mut rung = Rung::open(&rendition, common, outlet).map_err(fail)?;
                prepare(&rendition, rung.profile().map_err(fail)?);
                place += 1;
                Work::Rung(Box::new(rung), place - 1)
            };
            works.push((rendition.pad, work));
        }
        let mut threads = Vec::new();
        for (pad, work) in works {
            let (of_thread, owner, of_pad) =
                (Arc::clone(&shared), element.downgrade(), pad.clone());
            let run = move || run(work, &of_thread, &owner, &of_pad);
            let name = format!("ladder-{}", pad.name());
            match std::thread::Builder::new().name(name).spawn(run) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    Self { shared, threads }.stop();
                    return Err((pad, Error::Encode(format!("no thread: {error}"))));
                }
            }
        }
        Ok(Self { shared, threads })
    }

    /// What pictures are given to.
    pub(crate) fn entry(&self) -> Entry {
        Entry(Arc::clone(&self.shared))
    }

    /// Ends all threads; what they have not given out is lost.
    pub(crate) fn stop(self) {
        self.shared.fail(gst::FlowError::Flushing);
        for thread in self.threads {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

/// Where pictures go in.
#[derive(Clone)]
pub(crate) struct Entry(Arc<Shared>);

impl Entry {
    /// Waits until there is room; fails if the ladder has stopped.
    pub(crate) fn give(&self, picture: Picture) -> Result<(), gst::FlowError> {
        let mut state = self.0.wait(|s| s.waiting.len() < WAITING)?;
        state.waiting.push_back(Item::Picture(picture));
        self.0.changed.notify_all();
        Ok(())
    }

    /// There are no more pictures.
    pub(crate) fn end(&self) {
        self.0.lock().waiting.push_back(Item::End);
        self.0.changed.notify_all();
    }

    /// Lets nobody wait any more.
    pub(crate) fn flush(&self) {
        self.0.fail(gst::FlowError::Flushing);
    }
}

/// What a queue holds.
pub(crate) enum Item<T> {
    Picture(T),
    End,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    waiting: VecDeque<Item<Picture>>,
    /// For each rendition that does not analyse.
    decided: Vec<VecDeque<Item<Decided>>>,
    stopped: Option<gst::FlowError>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, error: gst::FlowError) {
        self.lock().stopped.get_or_insert(error);
        self.changed.notify_all();
    }

    fn wait(
        &self,
        ready: impl Fn(&State) -> bool,
    ) -> Result<MutexGuard<'_, State>, gst::FlowError> {
        let mut state = self.lock();
        loop {
            if let Some(error) = state.stopped {
                return Err(error);
            }
            if ready(&state) {
                return Ok(state);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What the analysing rendition takes from and gives to.
pub(crate) struct Desk<'a>(&'a Shared);

impl Desk<'_> {
    pub(crate) fn take(&self) -> Result<Item<Picture>, gst::FlowError> {
        let room = |s: &State| s.decided.iter().all(|queue| queue.len() < AHEAD + BEHIND);
        let mut state = self.0.wait(|s| !s.waiting.is_empty() && room(s))?;
        let item = state.waiting.pop_front().unwrap_or(Item::End);
        self.0.changed.notify_all();
        Ok(item)
    }

    pub(crate) fn decide(&self, decided: &Decided) {
        let mut state = self.0.lock();
        for queue in &mut state.decided {
            queue.push_back(Item::Picture(decided.clone()));
        }
        self.0.changed.notify_all();
    }

    pub(crate) fn end(&self) {
        let mut state = self.0.lock();
        for queue in &mut state.decided {
            queue.push_back(Item::End);
        }
        self.0.changed.notify_all();
    }
}

/// What a rendition takes from.
pub(crate) struct Shelf<'a> {
    shared: &'a Shared,
    place: usize,
}

impl Shelf<'_> {
    /// Takes the next picture once enough are known after it, and tells what is known of those; `None` at
    /// the end.
    pub(crate) fn take(
        &self,
    ) -> Result<Option<(Decided, Vec<crate::plan::Ahead>)>, gst::FlowError> {
        let ready = |s: &State| {
            let queue = &s.decided[self.place];
            queue.len() > AHEAD || matches!(queue.back(), Some(Item::End))
        };
        let mut state = self.shared.wait(ready)?;
        let queue = &mut state.decided[self.place];
        let ahead = queue.iter().filter_map(|item| match item {
            Item::Picture(decided) => Some(crate::plan::Ahead {
                kind: decided.kind,
                bits: decided.bits,
                raised: decided.raised,
            }),
            Item::End => None,
        });
        let ahead = ahead.collect();
        let next = queue.pop_front();
        self.shared.changed.notify_all();
        Ok(match next {
            Some(Item::Picture(decided)) => Some((decided, ahead)),
            _ => None,
        })
    }
}

enum Work {
    Analysis(Box<Analysis>),
    Rung(Box<Rung>, usize),
}

/// Works until there is nothing left to do, and tells everybody if it fails.
fn run(work: Work, shared: &Shared, element: &gst::glib::WeakRef<gst::Element>, pad: &gst::Pad) {
    let alarm = Alarm(shared);
    let result = match work {
        Work::Analysis(analysis) => analysis.run(&Desk(shared)),
        Work::Rung(rung, place) => rung.run(&Shelf { shared, place }),
    };
    match result {
        Ok(()) => std::mem::forget(alarm),
        Err(Error::Flow(error)) => shared.fail(error),
        Err(error) => {
            if let Some(element) = element.upgrade() {
                post(&element, pad, &error);
            }
            shared.fail(gst::FlowError::Error);
        }
    }
}

/// Tells the application which rendition failed and why.
pub(crate) fn post(element: &gst::Element, pad: &gst::Pad, error: &Error) {
    let text = error.to_string();
    let message = gst::message::Error::builder(gst::LibraryError::Encode, &text).src(pad);
    // Nobody listens to an element that is in no pipeline.
    let _ = element.post_message(message.build());
}

/// Stops the ladder if its thread ends in any other way than it should.
struct Alarm<'a>(&'a Shared);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.0.fail(gst::FlowError::Error);
    }
}
