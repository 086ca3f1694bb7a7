//! What the server and its child processes say to each other: one [`ChildJob`] or [`StillJob`] on
//! the child's standard input, then on its standard output one [`Hello`] and after it events, or
//! one [`StillTold`], each a line of JSON.

use std::path::PathBuf;

use clipsy_domain::ladder::Ladder;
use clipsy_domain::limits::Limits;
use clipsy_domain::photo::PhotoError;
use clipsy_pipeline::transcode::Decoder;
use serde::{Deserialize, Serialize};

use crate::cards::find::View;
use crate::sandbox::bounds::Bounds;
use crate::sandbox::{Closed, Mode};

/// Where to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decoding {
    /// On a card what it has proven to decode, the rest on the CPU.
    Auto,
    /// On the CPU.
    Software,
    /// As with [`Decoding::Auto`], and it is said if no card does.
    Hardware,
}

impl From<Decoding> for Decoder {
    fn from(decoding: Decoding) -> Self {
        match decoding {
            Decoding::Auto => Self::Auto,
            Decoding::Software => Self::Software,
            Decoding::Hardware => Self::Hardware,
        }
    }
}

/// The order for a child. It contains no secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChildJob {
    /// Number of the process that starts the child; without it the child ends.
    pub parent: u32,
    /// The original.
    pub input: PathBuf,
    /// The folder that takes the result.
    pub output: PathBuf,
    /// The folder around `output` that is all the child may write to.
    pub scratch: PathBuf,
    /// Folders of plugins that it may read besides those of the system.
    pub plugins: Vec<PathBuf>,
    /// Rungs and settings.
    pub ladder: Ladder,
    /// The encoder catalog as TOML; `None` for the built-in one.
    pub encoders: Option<String>,
    /// The decoders that may be used, as TOML; `None` for the built-in list.
    pub decoders: Option<String>,
    /// Limits on the source.
    pub limits: Limits,
    /// Encoder: `auto` or an identifier from the catalog.
    pub encoder: String,
    /// Where to decode.
    pub decoder: Decoding,
    /// How long nothing may move, in seconds.
    pub stall_timeout_s: u64,
    /// Whether it locks itself in.
    pub sandbox: Mode,
    /// What it may take of the machine.
    pub bounds: Bounds,
    /// The card that it may see; all without one.
    pub card: Option<View>,
}

/// The order for a child that takes one picture. It contains no secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StillJob {
    /// Number of the process that starts the child; without it the child ends.
    pub parent: u32,
    /// The segment, or the picture that somebody brought along.
    pub source: PathBuf,
    /// The moment, in microseconds from the segment's start; `None` if it is a picture.
    pub offset_us: Option<u64>,
    /// The file that takes the picture, in `scratch`.
    pub output: PathBuf,
    /// The folder that is all the child may write to.
    pub scratch: PathBuf,
    /// Folders of plugins that it may read besides those of the system.
    pub plugins: Vec<PathBuf>,
    /// Limits on the picture.
    pub limits: Limits,
    /// How long it may take, in seconds.
    pub time_limit_s: u64,
    /// Whether it locks itself in.
    pub sandbox: Mode,
    /// What it may take of the machine.
    pub bounds: Bounds,
}

/// How it went.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StillTold {
    /// The picture is there.
    Made,
    /// It is not, for this reason.
    Failed(String),
    /// What somebody brought along is not taken.
    Refused(PhotoError),
}

/// The child's first line: it has started and is about to open the media.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hello {
    /// How it has locked itself in.
    pub sandbox: Closed,
}
