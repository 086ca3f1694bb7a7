//! Bytes to text, in whatever encoding they are.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

use crate::error::CaptionsError;

/// The text of a file. What a mark at its start says counts; else it is UTF-8 if it can be, UTF-16 if every other
/// byte says so, and else the code page that it looks most like.
pub(crate) fn text(bytes: &[u8], language: &str) -> Result<String, CaptionsError> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return strict(encoding, &bytes[mark..]);
    }
    if let Ok(text) = str::from_utf8(bytes)
        && !text.contains('\0')
    {
        return Ok(text.to_owned());
    }
    if let Some(encoding) = wide(bytes) {
        return strict(encoding, bytes);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let place = place(language);
    let encoding = detector.guess(place.map(str::as_bytes), Utf8Detection::Deny);
    // Code pages have no mark that could be right or wrong: what cannot be shown is replaced.
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    Ok(text.into_owned())
}

/// A file that says what it is, and has to be that.
fn strict(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, CaptionsError> {
    let (text, broken) = encoding.decode_without_bom_handling(bytes);
    let Some(at) = broken.then(|| text.find('\u{fffd}')).flatten() else {
        return Ok(text.into_owned());
    };
    let line = 1 + text[..at].matches('\n').count();
    Err(CaptionsError::Encoding {
        line,
        encoding: encoding.name(),
    })
}

/// UTF-16 without a mark: captions begin with digits, so one byte of each of the first letters is zero.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = bytes.get(..8)?;
    let zero = |first: usize| start.iter().skip(first).step_by(2).all(|byte| *byte == 0);
    let filled = |first: usize| start.iter().skip(first).step_by(2).all(|byte| *byte != 0);
    if filled(0) && zero(1) {
        Some(UTF_16LE)
    } else if zero(0) && filled(1) {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Where a language is written, as the end of a host name, which is what the detector takes as a hint.
fn place(language: &str) -> Option<&'static str> {
    let primary = language.split('-').next().unwrap_or_default();
    Some(match primary.to_ascii_lowercase().as_str() {
        "ar" => "eg",
        "be" => "by",
        "bg" => "bg",
        "cs" => "cz",
        "el" => "gr",
        "et" => "ee",
        "fa" => "ir",
        "he" | "iw" => "il",
        "hr" => "hr",
        "hu" => "hu",
        "ja" => "jp",
        "ko" => "kr",
        "lt" => "lt",
        "lv" => "lv",
        "mk" => "mk",
        "pl" => "pl",
        "ro" => "ro",
        "ru" => "ru",
        "sk" => "sk",
        "sl" => "si",
        "sr" => "rs",
        "th" => "th",
        "tr" => "tr",
        "uk" => "ua",
        "vi" => "vn",
        "zh" if language.to_ascii_lowercase().contains("hant") => "tw",
        "zh" => "cn",
        "da" => "dk",
        "de" => "de",
        "es" => "es",
        "fi" => "fi",
        "fr" => "fr",
        "is" => "is",
        "it" => "it",
        "nl" => "nl",
        "no" | "nb" | "nn" => "no",
        "pt" => "pt",
        "sv" => "se",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{EUC_KR, GBK, SHIFT_JIS, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252};

    const GERMAN: &str = "1\n00:00:01,000 --> 00:00:02,000\nSchöne Grüße aus Köln\n";

    #[test]
    fn marks_are_believed() {
        let wide = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            let units = std::iter::once(0xfeff).chain(GERMAN.encode_utf16());
            units.flat_map(bytes).collect()
        };
        for bytes in [
            [&b"\xef\xbb\xbf"[..], GERMAN.as_bytes()].concat(),
            wide(u16::to_le_bytes),
            wide(u16::to_be_bytes),
            wide(u16::to_le_bytes)[2..].to_vec(),
            wide(u16::to_be_bytes)[2..].to_vec(),
            GERMAN.as_bytes().to_vec(),
        ] {
            assert_eq!(text(&bytes, "de").unwrap(), GERMAN);
        }
    }

    #[test]
    fn a_mark_that_lies_is_told_with_its_line() {
        let error = text(b"\xef\xbb\xbfa\nb\n\xff\n", "de").unwrap_err();
        let told = CaptionsError::Encoding {
            line: 3,
            encoding: "UTF-8",
        };
        assert_eq!(error, told);
        // Half a letter at the end of UTF-16.
        assert!(text(b"\xff\xfea\0b", "de").is_err());
    }

    #[test]
    fn code_pages_are_told_apart() {
        for (encoding, language, words) in [
            (
                WINDOWS_1252,
                "de",
                "Schöne Grüße aus Köln, Ärger übermorgen",
            ),
            (
                WINDOWS_1252,
                "fr",
                "Où êtes-vous allés cet été, ma chère élève ?",
            ),
            (WINDOWS_1251, "ru", "Привет, как твои дела сегодня?"),
            (WINDOWS_1250, "pl", "Zażółć gęślą jaźń, proszę państwa"),
            (SHIFT_JIS, "ja", "こんにちは、お元気ですか。字幕です"),
            (GBK, "zh", "你好，今天天气怎么样？这是字幕"),
            (EUC_KR, "ko", "안녕하세요, 오늘 날씨가 어때요?"),
        ] {
            let file = format!("1\n00:00:01,000 --> 00:00:02,000\n{words}\n");
            let (bytes, _, lost) = encoding.encode(&file);
            assert!(!lost, "{words}");
            assert_eq!(text(&bytes, language).unwrap(), file);
        }
    }
}
