//! Why a job failed: messages for people and codes for programs.

use serde::{Deserialize, Serialize};

/// Stable failure codes. Clients match on these; the names never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureCode {
    /// The file cannot be opened as a video.
    UnsupportedContainer,
    /// The container was read, but there is no decoder for its video.
    UnsupportedCodec,
    /// The file can be read, but contains no video.
    NoVideoStream,
    /// The media in the file are encrypted.
    EncryptedInput,
    /// The file claims to be a video but cannot be read.
    CorruptInput,
    /// The source is larger, longer or faster than this server accepts.
    LimitsExceeded,
    /// No encoder that was asked for works on this machine.
    EncoderUnavailable,
    /// Every usable encoder failed while encoding.
    EncoderFailed,
    /// No progress for longer than the watchdog allows.
    Stalled,
    /// The process that handled the media died.
    Crashed,
    /// The disk that takes the output is full.
    OutOfDisk,
    /// Somebody cancelled the job.
    Cancelled,
    /// A fault of this software or its surroundings.
    Internal,
}

/// Whose turn it is to act on a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The source file is unusable; a retry gives the same result.
    Input,
    /// The machine or its configuration; a retry may succeed.
    Machine,
    /// A person's decision.
    Person,
}

impl FailureCode {
    /// The code as clients see it, e.g. `"no_video_stream"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnsupportedContainer => "unsupported_container",
            Self::UnsupportedCodec => "unsupported_codec",
            Self::NoVideoStream => "no_video_stream",
            Self::EncryptedInput => "encrypted_input",
            Self::CorruptInput => "corrupt_input",
            Self::LimitsExceeded => "limits_exceeded",
            Self::EncoderUnavailable => "encoder_unavailable",
            Self::EncoderFailed => "encoder_failed",
            Self::Stalled => "stalled",
            Self::Crashed => "crashed",
            Self::OutOfDisk => "out_of_disk",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }

    /// One plain sentence that says what happened.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::UnsupportedContainer => "This file is not a video format that can be opened.",
            Self::UnsupportedCodec => {
                "The video inside this file uses a codec that cannot be decoded here."
            }
            Self::NoVideoStream => "This file has no video in it.",
            Self::EncryptedInput => "This video is encrypted and cannot be opened without its key.",
            Self::CorruptInput => "This file is damaged and cannot be read as video.",
            Self::LimitsExceeded => "This video exceeds the limits of this server.",
            Self::EncoderUnavailable => "No working video encoder was found on this machine.",
            Self::EncoderFailed => "The video encoder stopped with an error.",
            Self::Stalled => "Processing stalled and was stopped.",
            Self::Crashed => "Processing this video crashed.",
            Self::OutOfDisk => "There is not enough disk space for the result.",
            Self::Cancelled => "Processing was cancelled.",
            Self::Internal => "Processing failed because of an internal error.",
        }
    }

    /// Advice that goes with [`Self::sentence`].
    pub fn advice(self) -> &'static str {
        match self {
            Self::UnsupportedContainer => {
                "Export the video as MP4, MOV, MKV or WebM and upload it again."
            }
            Self::UnsupportedCodec => "Export it again as H.264, HEVC, VP9 or AV1.",
            Self::NoVideoStream => {
                "Choose a file that contains video; audio alone cannot be published."
            }
            Self::EncryptedInput => {
                "Export it without copy protection, or choose a file that is not protected."
            }
            Self::CorruptInput => {
                "Check that it plays on your device and that the copy is complete, then upload it again."
            }
            Self::LimitsExceeded => {
                "Export a smaller, shorter or slower version, or ask the operator to raise the limit."
            }
            Self::EncoderUnavailable => {
                "Operators: run `clipsy doctor` to see which encoder works and why the others do not."
            }
            Self::EncoderFailed => {
                "Try again; operators: run `clipsy doctor` to test the encoders."
            }
            Self::Stalled | Self::Crashed => {
                "Try again; if it happens every time, the file is probably damaged."
            }
            Self::OutOfDisk => "Operators: free some space, then retry.",
            Self::Cancelled => "Start it again whenever you like.",
            Self::Internal => "Try again; operators: the log has the details.",
        }
    }

    /// Whose turn it is.
    pub fn fault(self) -> Fault {
        match self {
            Self::UnsupportedContainer
            | Self::UnsupportedCodec
            | Self::NoVideoStream
            | Self::EncryptedInput
            | Self::CorruptInput
            | Self::LimitsExceeded => Fault::Input,
            Self::Cancelled => Fault::Person,
            Self::EncoderUnavailable
            | Self::EncoderFailed
            | Self::Stalled
            | Self::Crashed
            | Self::OutOfDisk
            | Self::Internal => Fault::Machine,
        }
    }
}

/// Where in the work a failure happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Opening and measuring the source.
    Probe,
    /// Choosing rungs and encoders.
    Plan,
    /// Decoding, encoding and writing segments.
    Transcode,
    /// Writing final playlists and stills.
    Publish,
}

impl Stage {
    /// The name in JSON and in APIs, e.g. `"transcode"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Plan => "plan",
            Self::Transcode => "transcode",
            Self::Publish => "publish",
        }
    }
}

/// A failure as it is stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Stable code.
    pub code: FailureCode,
    /// One line that describes the failure of this job.
    pub message: String,
    /// What was being done.
    pub stage: Stage,
    /// Whether a retry may succeed.
    pub retryable: bool,
    /// Last lines of the job's log, if kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

impl Failure {
    /// A failure with the code's own retry rule. Line breaks in `message` become spaces, since a
    /// failure is reported on one line.
    pub fn new(code: FailureCode, stage: Stage, message: impl Into<String>) -> Self {
        let message: String = message.into();
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        Self {
            code,
            message,
            stage,
            retryable: code.fault() == Fault::Machine,
            log: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [FailureCode; 13] = [
        FailureCode::UnsupportedContainer,
        FailureCode::UnsupportedCodec,
        FailureCode::NoVideoStream,
        FailureCode::EncryptedInput,
        FailureCode::CorruptInput,
        FailureCode::LimitsExceeded,
        FailureCode::EncoderUnavailable,
        FailureCode::EncoderFailed,
        FailureCode::Stalled,
        FailureCode::Crashed,
        FailureCode::OutOfDisk,
        FailureCode::Cancelled,
        FailureCode::Internal,
    ];

    #[test]
    fn the_json_name_is_the_code() {
        for code in ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
        for stage in [Stage::Probe, Stage::Plan, Stage::Transcode, Stage::Publish] {
            assert_eq!(serde_json::to_value(stage).unwrap(), stage.as_str());
        }
    }

    #[test]
    fn every_code_speaks_in_whole_sentences() {
        for code in ALL {
            assert!(code.sentence().ends_with('.'), "{code:?}");
            assert!(code.advice().ends_with('.'), "{code:?}");
        }
    }

    #[test]
    fn bad_input_is_not_worth_a_retry() {
        let failure = Failure::new(FailureCode::CorruptInput, Stage::Probe, "two\nlines");
        assert!(!failure.retryable);
        assert_eq!(failure.message, "two lines");
        assert!(Failure::new(FailureCode::OutOfDisk, Stage::Transcode, "x").retryable);
    }
}
