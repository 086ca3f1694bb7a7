//! Files of captions: what people upload becomes `WebVTT` of one form, and `WebVTT` becomes the segments that
//! HLS wants.
//!
//! The input is not trusted: its size, the number of its cues and the length of its lines have limits, nothing
//! recurses, and what comes out has been written here, letter by letter. A file is taken whole or refused with
//! the line that is wrong; no cue is left out because it could not be read.

mod ass;
mod clock;
mod decode;
mod error;
mod markup;
mod sbv;
mod srt;
#[cfg(test)]
mod tests;
mod time;
mod vtt;
mod write;

pub use clock::first_picture;
pub use error::{CaptionsError, Fault};
pub use write::Window;

use time::MAX_TIME_MS;

/// Largest file that is read, in bytes. An hour of speech takes less than 100 kB.
pub const MOST_BYTES: usize = 2 << 20;
/// Largest text that is written, in bytes: signs of markup take more than one letter.
pub const MOST_WRITTEN: usize = 4 << 20;
/// Most cues of a file.
pub const MOST_CUES: usize = 50_000;
/// Longest text of a cue in bytes, as it is written.
pub const LONGEST_CUE: usize = 16_000;
/// Longest line of a file in bytes. What was written is read again, so it is no shorter than the text of a cue.
pub const LONGEST_LINE: usize = LONGEST_CUE;

/// What is shown from one moment to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// When it appears, in milliseconds from the start of the video.
    pub start_ms: u64,
    /// When it goes, in milliseconds; later than it appears.
    pub end_ms: u64,
    /// Where it is shown, as `WebVTT` settings; empty for the usual place.
    pub settings: String,
    /// The text with the markup of `WebVTT`, at least one line, none of them empty.
    pub text: String,
}

/// The cues of a file in the order in which they appear; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captions {
    cues: Vec<Cue>,
}

impl Captions {
    /// Reads a file in any of the known forms and encodings. `language`, a BCP 47 tag, helps to tell Windows
    /// code pages apart.
    pub fn read(bytes: &[u8], language: &str) -> Result<Self, CaptionsError> {
        if bytes.len() > MOST_BYTES {
            return Err(CaptionsError::TooLarge);
        }
        let text = decode::text(bytes, language)?;
        Self::parse(&text)
    }

    /// Reads a text in any of the known forms.
    pub fn parse(text: &str) -> Result<Self, CaptionsError> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let lines: Vec<&str> = text.split('\n').collect();
        for (line, number) in lines.iter().zip(1..) {
            if line.len() > LONGEST_LINE {
                return Err(CaptionsError::at(number, Fault::LineTooLong));
            }
        }
        let cues = match form(&lines)? {
            Form::Vtt => vtt::cues(&lines),
            Form::Srt => srt::cues(&lines),
            Form::Sbv => sbv::cues(&lines),
            Form::Ass => ass::cues(&lines),
        }?;
        Self::of(cues)
    }

    /// Puts cues in order.
    fn of(mut cues: Vec<Cue>) -> Result<Self, CaptionsError> {
        if cues.is_empty() {
            return Err(CaptionsError::Empty);
        }
        cues.sort_by_key(|cue| (cue.start_ms, cue.end_ms));
        let captions = Self { cues };
        if captions.to_vtt().len() > MOST_WRITTEN {
            return Err(CaptionsError::TooLarge);
        }
        Ok(captions)
    }

    /// The cues by when they appear.
    pub fn cues(&self) -> &[Cue] {
        &self.cues
    }
}

/// The forms that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Vtt,
    Srt,
    Sbv,
    Ass,
}

/// Tells the form by what the file begins with; names of files are not believed.
fn form(lines: &[&str]) -> Result<Form, CaptionsError> {
    if lines.first().is_some_and(|line| vtt::is_header(line)) {
        return Ok(Form::Vtt);
    }
    let mut filled = lines
        .iter()
        .zip(1..)
        .filter(|(line, _)| !line.trim().is_empty());
    let Some((first, number)) = filled.next() else {
        return Err(CaptionsError::Empty);
    };
    let first = first.trim();
    let second = filled.next().map_or("", |(line, _)| line.trim());
    let lower = first.to_ascii_lowercase();
    if first.contains('\0') || second.contains('\0') {
        return Err(CaptionsError::Unknown { line: number });
    }
    if first.starts_with('[') && first.ends_with(']') {
        return Ok(Form::Ass);
    }
    if sbv::timing(first).is_some() {
        return Ok(Form::Sbv);
    }
    if first.contains("-->") || (srt::is_counter(first) && second.contains("-->")) {
        return Ok(Form::Srt);
    }
    if lower.starts_with("<sami") {
        return Err(CaptionsError::Form("SAMI"));
    }
    if first.starts_with('<') {
        return Err(CaptionsError::Form("TTML or another XML"));
    }
    if lower.starts_with("# vobsub") {
        return Err(CaptionsError::Form("VobSub, which are pictures"));
    }
    if first.starts_with('{') && first.contains("}{") {
        return Err(CaptionsError::Form("MicroDVD, which counts pictures"));
    }
    Err(CaptionsError::Unknown { line: number })
}

/// The text of a cue as it stands in the file. Markup may go from it, but not this much.
fn bounded(line: usize, text: &str) -> Result<&str, CaptionsError> {
    if text.len() > 4 * LONGEST_CUE {
        return Err(CaptionsError::at(line, Fault::CueTooLong));
    }
    Ok(text)
}

/// A cue that was read, of which nothing was checked; `None` if it shows nothing.
fn cue(
    line: usize,
    (start_ms, end_ms): (u64, u64),
    settings: String,
    text: String,
) -> Result<Option<Cue>, CaptionsError> {
    if start_ms > MAX_TIME_MS || end_ms > MAX_TIME_MS {
        return Err(CaptionsError::at(line, Fault::TooLate));
    }
    if end_ms < start_ms {
        return Err(CaptionsError::at(line, Fault::Backwards));
    }
    if text.len() > LONGEST_CUE {
        return Err(CaptionsError::at(line, Fault::CueTooLong));
    }
    // Editors leave cues without text or without time behind. Nobody would see them.
    let shown = !text.is_empty() && end_ms > start_ms;
    Ok(shown.then_some(Cue {
        start_ms,
        end_ms,
        settings,
        text,
    }))
}

/// Adds a cue, unless there are too many.
fn add(cues: &mut Vec<Cue>, line: usize, new: Option<Cue>) -> Result<(), CaptionsError> {
    if let Some(new) = new {
        if cues.len() == MOST_CUES {
            return Err(CaptionsError::at(line, Fault::TooMany));
        }
        cues.push(new);
    }
    Ok(())
}
