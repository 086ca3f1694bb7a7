//! SSA and ASS: what is said and when, italics, bold, underline, and whether it stands above. Fonts, colours,
//! movements and drawings are left out, since `WebVTT` has no such thing.

use crate::error::{CaptionsError, Fault};
use crate::markup::{self, Writer};
use crate::{Cue, add, cue, time};

/// What the columns are if nothing says so.
const USUAL: &str = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text";

pub(crate) fn cues(lines: &[&str]) -> Result<Vec<Cue>, CaptionsError> {
    let mut cues = Vec::new();
    let mut columns = Columns::of(USUAL);
    let mut inside = false;
    for (line, number) in lines.iter().zip(1..) {
        let line = line.trim();
        if line.starts_with('[') && line.ends_with(']') {
            inside = line.eq_ignore_ascii_case("[Events]");
            continue;
        }
        if !inside {
            continue;
        }
        if let Some(format) = line.strip_prefix("Format:") {
            columns = Columns::of(format);
        } else if let Some(dialogue) = line.strip_prefix("Dialogue:") {
            let new = columns.read(number, dialogue)?;
            add(&mut cues, number, new)?;
        }
    }
    Ok(cues)
}

/// Where in a line what is needed stands; the text is the last column and may have commas.
struct Columns {
    count: usize,
    start: Option<usize>,
    end: Option<usize>,
}

impl Columns {
    fn of(format: &str) -> Self {
        let names: Vec<String> = format
            .split(',')
            .map(|name| name.trim().to_ascii_lowercase())
            .collect();
        let place = |wanted: &str| names.iter().position(|name| name == wanted);
        Self {
            count: names.len(),
            start: place("start"),
            end: place("end"),
        }
    }

    fn read(&self, line: usize, dialogue: &str) -> Result<Option<Cue>, CaptionsError> {
        let cells: Vec<&str> = dialogue.splitn(self.count, ',').collect();
        let text = cells.last().filter(|_| cells.len() == self.count);
        let text = text.ok_or(CaptionsError::at(line, Fault::Columns))?;
        let time = |place: Option<usize>| {
            let cell = place.and_then(|place| cells.get(place));
            cell.and_then(|cell| time::read(cell.trim(), &['.']))
                .ok_or(CaptionsError::at(line, Fault::Time))
        };
        let times = (time(self.start)?, time(self.end)?);
        let (text, place) = spoken(text);
        cue(line, times, markup::settings_of(place).to_owned(), text)
    }
}

/// The text of a line, and its place.
fn spoken(text: &str) -> (String, u8) {
    let mut writer = Writer::default();
    let mut place = 2;
    let mut draws = false;
    // Once a brace is not closed, no later one is.
    let mut closed = true;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if letter == '{' && closed {
            if let Some(end) = rest.find('}') {
                for code in rest[1..end].split('\\').skip(1) {
                    obey(code.trim(), &mut writer, &mut place, &mut draws);
                }
                rest = &rest[end + 1..];
                continue;
            }
            closed = false;
        }
        let (shown, length) = match rest.as_bytes() {
            [b'\\', b'N', ..] => ('\n', 2),
            [b'\\', b'n', ..] => (' ', 2),
            [b'\\', b'h', ..] => ('\u{a0}', 2),
            _ => (letter, letter.len_utf8()),
        };
        if !draws {
            writer.letter(shown);
        }
        rest = &rest[length..];
    }
    (writer.finish(), place)
}

fn obey(code: &str, writer: &mut Writer, place: &mut u8, draws: &mut bool) {
    for (name, tag) in [("i", "i"), ("b", "b"), ("u", "u")] {
        let Some(value) = code.strip_prefix(name) else {
            continue;
        };
        // Others begin with the same letter; of boldness there are degrees.
        let Ok(value) = value.parse::<u16>() else {
            continue;
        };
        match (value > 0, writer.is_open(tag)) {
            (true, false) => writer.open(tag, ""),
            (false, true) => writer.close(tag),
            _ => {}
        }
    }
    if let Some(number) = code
        .strip_prefix("an")
        .and_then(|number| number.parse().ok())
    {
        *place = number;
    }
    if let Some(scale) = code
        .strip_prefix('p')
        .and_then(|scale| scale.parse::<u16>().ok())
    {
        *draws = scale > 0;
    }
}
