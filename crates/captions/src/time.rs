//! Times of cues, in milliseconds.

use std::fmt::Write as _;

/// Latest time of a cue in milliseconds. Hours then have two digits, and the clock of MPEG does not run over.
pub(crate) const MAX_TIME_MS: u64 = 99 * 3_600_000;

/// Writes a time as `WebVTT` has it: `00:01:02.345`.
pub(crate) fn write(to: &mut String, ms: u64) {
    // Writing to a string cannot fail.
    let _ = write!(
        to,
        "{:02}:{:02}:{:02}.{:03}",
        ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1_000 % 60,
        ms % 1_000
    );
}

/// Reads `1:02:03.45` or `02:03,456`: hours may be missing, and the part of a second has one to three digits
/// behind one of `marks`. `None` for anything else, and for minutes or seconds from 60 on.
pub(crate) fn read(text: &str, marks: &[char]) -> Option<u64> {
    let (whole, part) = text.split_once(marks)?;
    let part_ms = match part.len() {
        1 => digits(part, 1)? * 100,
        2 => digits(part, 2)? * 10,
        _ => digits(part, 3)?,
    };
    let mut fields = whole.rsplit(':');
    let seconds = digits(fields.next()?, 2)?;
    let minutes = digits(fields.next()?, 2)?;
    // More hours than any video has are told apart from what is no time at all.
    let hours = fields.next().map_or(Some(0), |hours| digits(hours, 5))?;
    let sane = seconds < 60 && minutes < 60 && fields.next().is_none();
    sane.then_some(((hours * 60 + minutes) * 60 + seconds) * 1_000 + part_ms)
}

/// A number of one to `most` digits and nothing else.
fn digits(text: &str, most: usize) -> Option<u64> {
    let plain = (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_meant() {
        let both = ['.', ','];
        for (text, ms) in [
            ("00:00:00.000", 0),
            ("01:02:03,456", 3_723_456),
            ("02:03.4", 123_400),
            ("0:00:01.25", 1_250),
            ("99:59:59.999", 359_999_999),
        ] {
            assert_eq!(read(text, &both), Some(ms), "{text}");
        }
        for odd in [
            "",
            "1",
            "00:00:00",
            "00:60:00.000",
            "00:00:60.000",
            "1:2:3:4.000",
            "00:00:01.0000",
            "-0:00:01.000",
            "00:00:0１.000",
            "00:00:01.",
            "+1:00:00.000",
            "00 :00:01.000",
        ] {
            assert_eq!(read(odd, &both), None, "{odd}");
        }
        assert_eq!(read("00:00:01,000", &['.']), None);
    }

    #[test]
    fn times_are_written_with_two_digits() {
        let mut text = String::new();
        write(&mut text, 3_723_456);
        assert_eq!(text, "01:02:03.456");
    }
}
