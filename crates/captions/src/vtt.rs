//! `WebVTT`, strictly: what browsers would pass over in silence is refused.

use crate::error::{CaptionsError, Fault};
use crate::{Cue, add, bounded, cue, markup, time};

/// True for the first line of such a file.
pub(crate) fn is_header(line: &str) -> bool {
    line.strip_prefix("WEBVTT")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

pub(crate) fn cues(lines: &[&str]) -> Result<Vec<Cue>, CaptionsError> {
    let mut cues = Vec::new();
    // The header goes on to the first empty line; what it may say is of no use here.
    let mut at = next_empty(lines, 0);
    if let Some(time) = (1..at).find(|&line| lines[line].contains("-->")) {
        // Some programs leave out the empty line.
        at = time;
    }
    while at < lines.len() {
        if lines[at].trim().is_empty() {
            at += 1;
            continue;
        }
        let end = next_empty(lines, at);
        if !is_remark(lines[at]) {
            let timing = if lines[at].contains("-->") {
                at
            } else {
                at + 1
            };
            let number = timing.min(end.saturating_sub(1)) + 1;
            let line = lines[..end].get(timing).copied().unwrap_or_default();
            let (times, settings) =
                timing_of(line).map_err(|fault| CaptionsError::at(number, fault))?;
            let text = lines.get(timing + 1..end).unwrap_or_default();
            if let Some(more) = text.iter().position(|line| line.contains("-->")) {
                return Err(CaptionsError::at(timing + 2 + more, Fault::Time));
            }
            let text = text.join("\n");
            let text = markup::tagged(bounded(number, &text)?);
            let new = cue(number, times, settings, text)?;
            add(&mut cues, number, new)?;
        }
        at = end;
    }
    Ok(cues)
}

/// The first empty line from `at` on, or the end.
fn next_empty(lines: &[&str], at: usize) -> usize {
    let found = lines[at..].iter().position(|line| line.is_empty());
    found.map_or(lines.len(), |more| at + more)
}

/// True for the first line of a block that is no cue. Styles are left out: how captions look is for viewers to
/// say, and pages trust no style of a file that somebody uploaded.
fn is_remark(line: &str) -> bool {
    let first = line.split([' ', '\t']).next().unwrap_or_default();
    matches!(first, "NOTE" | "STYLE" | "REGION") && !line.contains("-->")
}

/// `00:01.000 --> 00:02.000 line:0`
fn timing_of(line: &str) -> Result<((u64, u64), String), Fault> {
    let (start, rest) = line.split_once("-->").ok_or(Fault::Time)?;
    let mut words = rest.split_ascii_whitespace();
    let end = words.next().ok_or(Fault::Time)?;
    let read = |text: &str| time::read(text, &['.']).ok_or(Fault::Time);
    let times = (read(start.trim())?, read(end)?);
    let mut settings = Vec::new();
    for word in words {
        let (name, value) = word.split_once(':').ok_or(Fault::Setting)?;
        let kept = match name {
            "vertical" => one_of(value, &["rl", "lr"]),
            "line" => placed(value, &["start", "center", "end"], true),
            "position" => placed(value, &["line-left", "center", "line-right"], false),
            "size" => percent(value),
            // Before 2015 it was called otherwise.
            "align" if value == "middle" => Some("center".to_owned()),
            "align" => one_of(value, &["start", "center", "end", "left", "right"]),
            // Regions are left out with their definitions, and so are settings of the future.
            _ => continue,
        };
        settings.push(format!("{name}:{}", kept.ok_or(Fault::Setting)?));
    }
    Ok((times, settings.join(" ")))
}

fn one_of(value: &str, known: &[&str]) -> Option<String> {
    known.contains(&value).then(|| value.to_owned())
}

/// `50%,center`; with `lines` also a number of lines, which may be counted from below.
fn placed(value: &str, known: &[&str], lines: bool) -> Option<String> {
    let (place, side) = match value.split_once(',') {
        Some((place, side)) => (place, Some(one_of(side, known)?)),
        None => (value, None),
    };
    let counted = || {
        let number: i32 = place.parse().ok().filter(|_| lines)?;
        (-1000..=1000).contains(&number).then(|| number.to_string())
    };
    let place = percent(place).or_else(counted)?;
    Some(match side {
        Some(side) => format!("{place},{side}"),
        None => place,
    })
}

/// `12.5%`, from 0 to 100.
fn percent(value: &str) -> Option<String> {
    let number = value.strip_suffix('%')?;
    let plain = (1..=8).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && number.starts_with(|c: char| c.is_ascii_digit())
        && number.ends_with(|c: char| c.is_ascii_digit());
    let within = number.parse::<f64>().is_ok_and(|number| number <= 100.0);
    (plain && within).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let read = |line: &str| timing_of(&format!("00:01.000 --> 00:02.000 {line}"));
        let kept = "vertical:rl line:-1 position:10%,line-left size:12.5% align:center";
        assert_eq!(read(kept).unwrap(), ((1_000, 2_000), kept.to_owned()));
        assert_eq!(read("region:fred align:middle").unwrap().1, "align:center");
        for odd in [
            "line:1e9",
            "size:101%",
            "position:5",
            "align:x",
            "line:5%,up",
            "nonsense",
            "size:%",
            "size:.5%",
        ] {
            assert_eq!(read(odd), Err(Fault::Setting), "{odd}");
        }
    }
}
