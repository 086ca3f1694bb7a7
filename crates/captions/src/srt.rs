//! `SubRip`, which nobody has written down. Empty lines may stand in a text, so a text ends where the next time
//! begins.

use crate::error::{CaptionsError, Fault};
use crate::{Cue, add, bounded, cue, markup, time};

pub(crate) fn cues(lines: &[&str]) -> Result<Vec<Cue>, CaptionsError> {
    let is_timing = |at: &usize| lines[*at].contains("-->");
    let timings: Vec<usize> = (0..lines.len()).filter(is_timing).collect();
    let mut cues = Vec::new();
    let mut from = 0;
    for (index, &at) in timings.iter().enumerate() {
        if index == 0 {
            refuse_more_than_a_counter(lines, from, at)?;
        }
        let times = timing_of(lines[at]).ok_or(CaptionsError::at(at + 1, Fault::Time))?;
        let end = match timings.get(index + 1) {
            Some(&next) if is_number_of(lines, at, next) => next - 1,
            Some(&next) => next,
            None => lines.len(),
        };
        refuse_lost_times(lines, at + 1, end)?;
        let text = lines[at + 1..end].join("\n");
        let (text, place) = without_braces(bounded(at + 1, &text)?);
        let settings = markup::settings_of(place).to_owned();
        let new = cue(at + 1, times, settings, markup::tagged(&text))?;
        add(&mut cues, at + 1, new)?;
        from = end;
    }
    Ok(cues)
}

/// A line that counts captions.
pub(crate) fn is_counter(line: &str) -> bool {
    let line = line.trim();
    (1..=9).contains(&line.len()) && line.bytes().all(|b| b.is_ascii_digit())
}

/// True if the line above the time at `next` counts captions and is not the text of the one at `at`.
fn is_number_of(lines: &[&str], at: usize, next: usize) -> bool {
    next >= at + 2 && is_counter(lines[next - 1])
}

fn refuse_more_than_a_counter(lines: &[&str], from: usize, at: usize) -> Result<(), CaptionsError> {
    let mut above = (from..at).filter(|&line| !lines[line].trim().is_empty());
    match above.find(|&line| !is_counter(lines[line])) {
        Some(line) => Err(CaptionsError::at(line + 1, Fault::Time)),
        None => Ok(()),
    }
}

/// A counter between empty lines and text belongs to a caption whose time is missing. Its text must not be shown
/// with the caption before it.
fn refuse_lost_times(lines: &[&str], from: usize, end: usize) -> Result<(), CaptionsError> {
    let empty = |line: usize| lines[line].trim().is_empty();
    let lost = (from + 1..end.saturating_sub(1))
        .find(|&line| is_counter(lines[line]) && empty(line - 1) && !empty(line + 1));
    match lost {
        Some(line) => Err(CaptionsError::at(line + 2, Fault::Time)),
        None => Ok(()),
    }
}

/// `00:00:01,000 --> 00:00:02,000`, and coordinates that nobody reads.
fn timing_of(line: &str) -> Option<(u64, u64)> {
    let (start, rest) = line.split_once("-->")?;
    let mut words = rest.split_ascii_whitespace();
    let read = |text: &str| time::read(text, &[',', '.']);
    let times = (read(start.trim())?, read(words.next()?)?);
    let coordinate = |word: &str| {
        word.split_once(':')
            .is_some_and(|(name, _)| !name.is_empty())
    };
    words.all(coordinate).then_some(times)
}

/// The text without `{\an8}` and the like, and the place that they give.
fn without_braces(text: &str) -> (String, u8) {
    let mut plain = String::with_capacity(text.len());
    let mut place = 2;
    let mut rest = text;
    while let Some(at) = rest.find("{\\") {
        let Some(length) = rest[at..].find('}') else {
            break;
        };
        let codes = &rest[at + 1..at + length];
        let number = codes
            .split('\\')
            .find_map(|code| code.strip_prefix("an")?.parse().ok());
        place = number.unwrap_or(place);
        plain.push_str(&rest[..at]);
        rest = &rest[at + length + 1..];
    }
    plain.push_str(rest);
    (plain, place)
}
