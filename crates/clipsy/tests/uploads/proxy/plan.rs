//! Which connections are broken, how, and after which byte.

use std::collections::VecDeque;
use std::time::Duration;

/// How a connection is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// RST to both sides, as when a machine on the way forgets the connection.
    Reset,
    /// FIN to both sides, as when a proxy on the way is restarted.
    Close,
    /// Nothing moves any more. After a while the client's side is reset, as when a phone changes
    /// networks; the server's side stays open and silent for as long as the proxy lives.
    Stall,
    /// What follows in this direction is taken from its sender and thrown away, and its receiver
    /// sees an orderly end. The other direction goes on.
    Truncate,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From client to server.
    Up,
    /// From server to client.
    Down,
}

/// One fault on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    pub(crate) direction: Direction,
    /// Bytes that go through in that direction before it.
    pub(crate) after: u64,
}

/// What happens to the connections, in the order in which they are made.
#[derive(Debug)]
pub(crate) struct Plan {
    source: Source,
    /// How long a client waits on a connection that stalls until its side is reset.
    pub(crate) stall_for: Duration,
}

#[derive(Debug)]
enum Source {
    Script(VecDeque<Fault>),
    Repeated { fault: Fault, times: u64 },
    Random { state: u64, cuts: u64, strict: bool },
}

/// Most bytes that go up before a random fault.
const MOST_UP: u64 = 256 << 10;
/// Most bytes that go down before a random fault: inside an answer, or between two of them.
const MOST_DOWN: u64 = 900;

impl Plan {
    /// Nothing is broken.
    pub(crate) fn smooth() -> Self {
        Self::script([])
    }

    /// The first connections are treated like this, all later ones well.
    pub(crate) fn script(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self {
            source: Source::Script(faults.into_iter().collect()),
            stall_for: Duration::from_millis(200),
        }
    }

    /// Every connection gets this fault until it came about `times` times; then all is well.
    ///
    /// Which connection that is is for the client to decide: some open one for each request.
    pub(crate) fn repeated(fault: Fault, times: u64) -> Self {
        Self {
            source: Source::Repeated { fault, times },
            ..Self::smooth()
        }
    }

    /// Every connection gets faults that are drawn from `seed`, until `cuts` of them came about;
    /// then all is well. Each has one for what goes up and every other one for what comes down, and
    /// the first that is reached ends it. A connection may end before.
    pub(crate) fn random(seed: u64, cuts: u64) -> Self {
        Self {
            source: Source::Random {
                state: seed,
                cuts,
                strict: true,
            },
            stall_for: Duration::from_millis(100),
        }
    }

    /// Never ends an answer in its middle as if that were its end.
    ///
    /// Python's `http.client` and, without TLS, Chromium take headers that end too early for
    /// whole ones, and half of an offset for an offset. No server can help that.
    pub(crate) fn for_trusting_clients(mut self) -> Self {
        if let Source::Random { strict, .. } = &mut self.source {
            *strict = false;
        }
        self
    }

    /// The faults of the next connection, when `so_far` came about already.
    pub(crate) fn next(&mut self, so_far: u64) -> Vec<Fault> {
        match &mut self.source {
            Source::Script(faults) => faults.pop_front().into_iter().collect(),
            Source::Repeated { fault, times } if so_far < *times => vec![*fault],
            Source::Random {
                state,
                cuts,
                strict,
            } if so_far < *cuts => draw(state, *strict),
            Source::Repeated { .. } | Source::Random { .. } => Vec::new(),
        }
    }
}

fn draw(state: &mut u64, strict: bool) -> Vec<Fault> {
    // As many between 1 and 2 KiB as between 128 and 256 KiB: headers are hit as well as bodies.
    let magnitude = below(state, u64::from(MOST_UP.ilog2()));
    let up = Fault {
        kind: kind(state, true),
        direction: Direction::Up,
        after: below(state, 2 << magnitude),
    };
    let down = Fault {
        kind: kind(state, strict),
        direction: Direction::Down,
        after: below(state, MOST_DOWN),
    };
    let both = below(state, 2) == 0;
    [up].into_iter().chain(both.then_some(down)).collect()
}

fn kind(state: &mut u64, any: bool) -> Kind {
    match below(state, if any { 4 } else { 2 }) {
        0 => Kind::Reset,
        1 => Kind::Stall,
        2 => Kind::Close,
        _ => Kind::Truncate,
    }
}

fn below(state: &mut u64, limit: u64) -> u64 {
    random(state) % limit
}

/// The next number of a sequence that a seed determines (`SplitMix64`).
pub(crate) fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
