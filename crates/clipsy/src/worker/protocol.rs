//! What the server and its child processes say to each other: one [`ChildJob`] or [`StillJob`] on
//! the child's standard input, then on its standard output one [`Hello`] and after it events, or
//! one [`StillTold`], each a line of JSON.

use std::path::PathBuf;

use clipsy_domain::ladder::Ladder;
use clipsy_domain::limits::Limits;
use serde::{Deserialize, Serialize};

use crate::config::DecoderArg;
use crate::sandbox::bounds::Bounds;
use crate::sandbox::{Closed, Mode};
use crate::worker::cards::find::View;

/// Everything that a child is told. It holds no secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ChildJob {
    /// Number of the process that starts the child; without it the child ends.
    pub(crate) parent: u32,
    /// The original.
    pub(crate) input: PathBuf,
    /// The folder that takes the result.
    pub(crate) output: PathBuf,
    /// The folder around `output` that is all the child may write to.
    pub(crate) scratch: PathBuf,
    /// Folders of plugins that it may read besides those of the system.
    pub(crate) plugins: Vec<PathBuf>,
    /// Rungs and settings.
    pub(crate) ladder: Ladder,
    /// The encoder catalog as TOML; `None` for the built-in one.
    pub(crate) encoders: Option<String>,
    /// The decoders that may be used, as TOML; `None` for the built-in list.
    pub(crate) decoders: Option<String>,
    /// Limits on the source.
    pub(crate) limits: Limits,
    /// Encoder: `auto` or an identifier from the catalog.
    pub(crate) encoder: String,
    /// Where to decode.
    pub(crate) decoder: DecoderArg,
    /// How long nothing may move, in seconds.
    pub(crate) stall_timeout_s: u64,
    /// Whether it locks itself in.
    pub(crate) sandbox: Mode,
    /// What it may take of the machine.
    pub(crate) bounds: Bounds,
    /// The card that it may see; all without one.
    pub(crate) card: Option<View>,
}

/// Everything that a child is told that takes one picture. It holds no secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StillJob {
    /// Number of the process that starts the child; without it the child ends.
    pub(crate) parent: u32,
    /// The segment.
    pub(crate) segment: PathBuf,
    /// The moment, in microseconds from the segment's start.
    pub(crate) offset_us: u64,
    /// The file that takes the picture, in `scratch`.
    pub(crate) output: PathBuf,
    /// The folder that is all the child may write to.
    pub(crate) scratch: PathBuf,
    /// Folders of plugins that it may read besides those of the system.
    pub(crate) plugins: Vec<PathBuf>,
    /// Limits on the picture.
    pub(crate) limits: Limits,
    /// How long it may take, in seconds.
    pub(crate) time_limit_s: u64,
    /// Whether it locks itself in.
    pub(crate) sandbox: Mode,
    /// What it may take of the machine.
    pub(crate) bounds: Bounds,
}

/// How it went.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StillTold {
    /// The picture is there.
    Made,
    /// It is not, for this reason.
    Failed(String),
}

/// The child's first line: it has started and is about to open the media.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// How it has locked itself in.
    pub(crate) sandbox: Closed,
}
