//! The text of cues: the markup of other forms as that of `WebVTT`, and nothing that is neither.

use crate::time;

/// Writes the text of a cue, with every tag closed in order and every letter that means something escaped.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    text: String,
    open: Vec<&'static str>,
    /// Whether there is anything to see.
    shows: bool,
}

/// Longest tag in bytes. Without a limit each of many angle brackets would be looked for to the end.
const LONGEST_TAG: usize = 256;
/// Most tags inside each other. More are no captions, and are left out.
const DEEPEST: usize = 16;

impl Writer {
    /// Opens a tag, with what follows its name.
    pub(crate) fn open(&mut self, name: &'static str, rest: &str) {
        if self.open.len() < DEEPEST {
            self.open.push(name);
            self.text.push('<');
            self.text.push_str(name);
            self.text.push_str(rest);
            self.text.push('>');
        }
    }

    /// Closes a tag and those in it; nothing if it is not open.
    pub(crate) fn close(&mut self, name: &str) {
        let Some(at) = self.open.iter().rposition(|open| *open == name) else {
            return;
        };
        self.close_down_to(at);
    }

    fn close_down_to(&mut self, depth: usize) {
        for name in self.open.drain(depth..).rev() {
            self.text.push_str("</");
            self.text.push_str(name);
            self.text.push('>');
        }
    }

    /// True if such a tag is open.
    pub(crate) fn is_open(&self, name: &str) -> bool {
        self.open.contains(&name)
    }

    /// A letter as it is shown.
    pub(crate) fn letter(&mut self, letter: char) {
        escape(&mut self.text, letter);
        self.shows |= !letter.is_whitespace() && !letter.is_control();
    }

    /// The text; without empty lines, at which a cue would end. Empty if there is nothing to see.
    pub(crate) fn finish(mut self) -> String {
        if !self.shows {
            return String::new();
        }
        self.close_down_to(0);
        let lines = self.text.split('\n').map(str::trim_end);
        let filled: Vec<&str> = lines.filter(|line| !line.trim().is_empty()).collect();
        filled.join("\n")
    }
}

fn escape(to: &mut String, letter: char) {
    match letter {
        '&' => to.push_str("&amp;"),
        '<' => to.push_str("&lt;"),
        '>' => to.push_str("&gt;"),
        '\n' => to.push('\n'),
        // Breaks of lines that only some programs take for such, and what cannot be shown.
        '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => to.push(' '),
        letter if letter.is_control() => {}
        letter => to.push(letter),
    }
}

/// Text with tags in angle brackets and entities, as `WebVTT` and SRT have it, in the markup of `WebVTT`.
pub(crate) fn tagged(text: &str) -> String {
    let mut writer = Writer::default();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let taken = match letter {
            '<' => tag(&mut writer, rest),
            '&' => entity(rest).map(|(letter, length)| {
                writer.letter(letter);
                length
            }),
            _ => None,
        };
        let taken = taken.unwrap_or_else(|| {
            writer.letter(letter);
            letter.len_utf8()
        });
        rest = &rest[taken..];
    }
    writer.finish()
}

/// Reads the tag at the start and writes it, if it is one that is known. Gives the length of what was read;
/// `None` if it is no tag but a letter that looks like the start of one.
fn tag(writer: &mut Writer, text: &str) -> Option<usize> {
    let end = text.bytes().take(LONGEST_TAG).position(|b| b == b'>')?;
    let inner = &text[1..end];
    let length = end + 1;
    if let Some(name) = inner.strip_prefix('/') {
        writer.close(&name.trim().to_ascii_lowercase());
        return Some(length);
    }
    let first = inner.chars().next()?;
    if first.is_ascii_digit() {
        // When the next words of a cue are spoken.
        let ms = time::read(inner, &['.'])?;
        writer.text.push('<');
        time::write(&mut writer.text, ms.min(time::MAX_TIME_MS));
        writer.text.push('>');
        return Some(length);
    }
    if !first.is_ascii_alphabetic() || inner.contains('<') {
        return None;
    }
    let (name, annotation) = inner
        .split_once(|c: char| c.is_ascii_whitespace())
        .unwrap_or((inner, ""));
    let (name, classes) = name.split_once('.').unwrap_or((name, ""));
    match name.to_ascii_lowercase().as_str() {
        "i" => writer.open("i", ""),
        "b" => writer.open("b", ""),
        "u" => writer.open("u", ""),
        "ruby" => writer.open("ruby", ""),
        "rt" => writer.open("rt", ""),
        "c" => writer.open("c", &class_names(classes)),
        "v" => writer.open("v", &annotated(annotation)),
        "lang" => writer.open("lang", &annotated(annotation)),
        // Fonts and the like. What is in them is shown.
        _ => {}
    }
    Some(length)
}

fn class_names(classes: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let names = classes.split('.').filter(|name| !name.is_empty());
    names
        .filter(|name| name.chars().all(|c| plain(&c)) && !name.ends_with('-'))
        .flat_map(|name| [".", name])
        .collect()
}

/// The name of a speaker or language behind a tag.
fn annotated(annotation: &str) -> String {
    let mut plain = String::new();
    let mut rest = annotation;
    while let Some(letter) = rest.chars().next() {
        let (letter, length) = entity(rest)
            .filter(|_| letter == '&')
            .unwrap_or((letter, letter.len_utf8()));
        plain.push(if letter.is_whitespace() { ' ' } else { letter });
        rest = &rest[length..];
    }
    let mut written = String::new();
    for word in plain.split(' ').filter(|word| !word.is_empty()) {
        written.push(' ');
        for letter in word.chars() {
            escape(&mut written, letter);
        }
    }
    // With the bracket behind it that would look like the arrow between times.
    written.trim_end_matches(['-', ' ']).to_owned()
}

/// The letter that an entity at the start stands for, and the entity's length.
fn entity(text: &str) -> Option<(char, usize)> {
    const LONGEST: usize = 10;
    let end = text.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let letter = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "nbsp" => '\u{a0}',
        "lrm" => '\u{200e}',
        "rlm" => '\u{200f}',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((letter, end + 1))
}

/// The place of a cue by the number that ASS, and SRT after it, have for it, as on a keypad.
pub(crate) fn settings_of(place: u8) -> &'static str {
    match place {
        4..=6 => "line:50%",
        7..=9 => "line:0",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_markup_stays_and_other_goes() {
        for (text, written) in [
            ("plain", "plain"),
            ("<i>a <b>b</i> c", "<i>a <b>b</b></i> c"),
            ("<font color=\"red\">red</font>", "red"),
            ("<v Fred  &amp; Ann>Hi", "<v Fred &amp; Ann>Hi</v>"),
            ("<c.red.big big.x>a</c>", "<c.red.big>a</c>"),
            ("<00:00:01.500>now", "<00:00:01.500>now"),
            (
                "1 < 2 > 0 & 3 &lt; 4 &bogus; &#228;",
                "1 &lt; 2 &gt; 0 &amp; 3 &lt; 4 &amp;bogus; ä",
            ),
            ("I <3 you", "I &lt;3 you"),
            ("</i>a</b>", "a"),
            ("a\n\n \nb", "a\nb"),
            ("a --> b", "a --&gt; b"),
            ("<v -->a<c.x-->b", "<v>a<c>b</c></v>"),
            ("<script>alert(1)</script>", "alert(1)"),
            ("a\u{0}\u{7}b", "ab"),
            ("<i> </i>", ""),
        ] {
            assert_eq!(tagged(text), written, "{text}");
            assert_eq!(tagged(written), written, "again: {text}");
        }
    }

    #[test]
    fn tags_are_not_nested_without_end() {
        let deep = format!("{}x", "<i>".repeat(10_000));
        assert_eq!(tagged(&deep).matches("<i>").count(), DEEPEST);
    }
}
