//! `SubViewer` as `YouTube` writes it.

use crate::error::{CaptionsError, Fault};
use crate::{Cue, add, bounded, cue, markup, time};

pub(crate) fn cues(lines: &[&str]) -> Result<Vec<Cue>, CaptionsError> {
    let mut cues = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if lines[at].trim().is_empty() {
            at += 1;
            continue;
        }
        let times = timing(lines[at].trim()).ok_or(CaptionsError::at(at + 1, Fault::Time))?;
        let filled = lines[at + 1..]
            .iter()
            .take_while(|line| !line.trim().is_empty());
        let text: Vec<&str> = filled.copied().collect();
        let end = at + 1 + text.len();
        let text = text.join("\n").replace("[br]", "\n");
        let text = markup::tagged(bounded(at + 1, &text)?);
        let new = cue(at + 1, times, String::new(), text)?;
        add(&mut cues, at + 1, new)?;
        at = end;
    }
    Ok(cues)
}

/// `0:00:01.000,0:00:02.000`
pub(crate) fn timing(line: &str) -> Option<(u64, u64)> {
    let (start, end) = line.split_once(',')?;
    Some((time::read(start, &['.'])?, time::read(end, &['.'])?))
}
