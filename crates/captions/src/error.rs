//! Why a file of captions is refused.

use crate::{LONGEST_CUE, LONGEST_LINE, MOST_CUES};

/// Why captions cannot be taken. The texts are for whoever sent the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaptionsError {
    /// It has too many bytes, or would have as `WebVTT`.
    #[error("A file of captions has at most 2 MiB.")]
    TooLarge,
    /// It is known what it is, and it is not read.
    #[error("This is {0}, which is not taken. Captions are taken as WebVTT, SRT, SBV or SSA/ASS.")]
    Form(&'static str),
    /// It is not known what it is.
    #[error(
        "Line {line}: This does not begin like captions. They are taken as WebVTT, SRT, SBV or SSA/ASS."
    )]
    Unknown {
        /// The first line with something on it, from 1.
        line: usize,
    },
    /// Its bytes are no text.
    #[error("Line {line}: This is no {encoding}, as which the file begins.")]
    Encoding {
        /// Which line, from 1.
        line: usize,
        /// What its beginning says it is.
        encoding: &'static str,
    },
    /// A line is wrong.
    #[error("Line {line}: {fault}")]
    Line {
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        fault: Fault,
    },
    /// It has no cues.
    #[error("The file has no captions in it.")]
    Empty,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It has too many bytes.
    #[error("This line is longer than {LONGEST_LINE} bytes.")]
    LineTooLong,
    /// A cue has too much text.
    #[error("This caption is longer than {LONGEST_CUE} bytes.")]
    CueTooLong,
    /// There are too many cues.
    #[error("There are more than {MOST_CUES} captions.")]
    TooMany,
    /// There should be a time, and it is none.
    #[error("A time like 00:01:02.345 --> 00:01:04.000 is expected here.")]
    Time,
    /// It ends before it begins.
    #[error("This caption ends before it begins.")]
    Backwards,
    /// It is later than any video lasts.
    #[error("This time is later than 99 hours.")]
    TooLate,
    /// A setting of a cue has a value that it cannot have.
    #[error("The place or alignment of this caption cannot be read.")]
    Setting,
    /// The columns of a line of ASS are not those that were announced.
    #[error("This line has fewer columns than its format says.")]
    Columns,
}

impl Fault {
    fn code(self) -> &'static str {
        match self {
            Self::LineTooLong => "captions_line_too_long",
            Self::CueTooLong => "captions_cue_too_long",
            Self::TooMany => "captions_too_many_cues",
            Self::Time => "captions_time",
            Self::Backwards => "captions_backwards",
            Self::TooLate => "captions_too_late",
            Self::Setting => "captions_setting",
            Self::Columns => "captions_columns",
        }
    }
}

impl CaptionsError {
    pub(crate) fn at(line: usize, fault: Fault) -> Self {
        Self::Line { line, fault }
    }

    /// Stable machine-readable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "captions_too_large",
            Self::Form(_) | Self::Unknown { .. } => "captions_format",
            Self::Encoding { .. } => "captions_encoding",
            Self::Line { fault, .. } => fault.code(),
            Self::Empty => "captions_empty",
        }
    }

    /// The line that is wrong, from 1, where it is one.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Unknown { line } | Self::Encoding { line, .. } | Self::Line { line, .. } => {
                Some(*line)
            }
            Self::TooLarge | Self::Form(_) | Self::Empty => None,
        }
    }
}
