//! Captions of a video: of which language and for whom they are.

use serde::{Deserialize, Serialize};

use crate::asset::Asset;
use crate::clock::Timestamp;

/// Most captions of one video.
pub const MOST_TRACKS: usize = 60;
/// Most characters of a label.
pub const LONGEST_LABEL: usize = 100;
/// Longest language tag in characters; RFC 5646 asks for at least 35 (section 4.4.1).
const LONGEST_LANGUAGE: usize = 35;

/// Captions that a video has. There is one of each language and kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptionTrack {
    /// Which language, as a tag of BCP 47; see [`language`].
    pub language: String,
    /// For whom.
    pub kind: CaptionKind,
    /// What people call them; empty if nothing was said.
    pub label: String,
    /// Shown to those who have chosen nothing. At most one of a video's is.
    pub default: bool,
    /// Only what has to be read by everybody, such as signs and words in a foreign language.
    pub forced: bool,
    /// Name of the file; see [`crate::media_key::captions`]. Never reused.
    pub name: String,
    /// Size of the file in bytes.
    pub bytes: i64,
    /// How many cues it has.
    pub cues: i64,
    /// When it came.
    pub updated_at: Timestamp,
}

/// For whom captions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptionKind {
    /// For people who hear and do not understand: what is said.
    Subtitles,
    /// For people who do not hear (SDH): who says it, too, and what else is heard.
    Captions,
}

impl CaptionKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Subtitles, Self::Captions];

    /// The name in the database, in APIs and in HTML: `subtitles` or `captions`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subtitles => "subtitles",
            Self::Captions => "captions",
        }
    }

    /// The kind with that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Asset {
    /// Its captions of that language and kind. The language is as [`language`] writes it.
    pub fn caption(&self, language: &str, kind: CaptionKind) -> Option<&CaptionTrack> {
        let mut tracks = self.captions.iter();
        tracks.find(|track| track.language == language && track.kind == kind)
    }
}

/// A language tag in its usual letters, `de-CH` or `zh-Hant-TW`; `None` if it is not well-formed (RFC 5646
/// section 2.1). Whether a language of that name exists is not looked up: there are new ones every year.
pub fn language(tag: &str) -> Option<String> {
    if tag.len() > LONGEST_LANGUAGE {
        return None;
    }
    let mut parts = tag.split('-').peekable();
    let first = parts.next()?;
    let letters = |part: &str| part.bytes().all(|b| b.is_ascii_alphabetic());
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let either = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric());
    if !(letters(first) && (2..=3).contains(&first.len())) {
        return None;
    }
    let mut written = first.to_ascii_lowercase();
    let mut put = |part: String| {
        written.push('-');
        written.push_str(&part);
    };
    let mut extended = 0;
    while let Some(part) = parts.next_if(|part| part.len() == 3 && letters(part)) {
        extended += 1;
        if extended > 3 {
            return None;
        }
        put(part.to_ascii_lowercase());
    }
    if let Some(script) = parts.next_if(|part| part.len() == 4 && letters(part)) {
        put(script[..1].to_ascii_uppercase() + &script[1..].to_ascii_lowercase());
    }
    let is_region =
        |part: &&str| (part.len() == 2 && letters(part)) || (part.len() == 3 && digits(part));
    if let Some(region) = parts.next_if(is_region) {
        put(region.to_ascii_uppercase());
    }
    let is_variant = |part: &&str| {
        let year = part.len() == 4 && part.starts_with(|c: char| c.is_ascii_digit());
        either(part) && ((5..=8).contains(&part.len()) || year)
    };
    let mut variants = Vec::new();
    while let Some(variant) = parts.next_if(is_variant) {
        let variant = variant.to_ascii_lowercase();
        if variants.contains(&variant) {
            return None;
        }
        put(variant.clone());
        variants.push(variant);
    }
    // Extensions and private use: a letter, and what follows it.
    while let Some(single) = parts.next() {
        if !(single.len() == 1 && either(single)) {
            return None;
        }
        let private = single.eq_ignore_ascii_case("x");
        put(single.to_ascii_lowercase());
        let shortest = if private { 1 } else { 2 };
        let mut followed = false;
        let belongs = |part: &&str| either(part) && (shortest..=8).contains(&part.len());
        while let Some(part) = parts.next_if(belongs) {
            followed = true;
            put(part.to_ascii_lowercase());
        }
        if !followed {
            return None;
        }
    }
    Some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_written_in_one_way() {
        for (tag, written) in [
            ("en", "en"),
            ("DE-ch", "de-CH"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("sl-rozaj-biske-1994", "sl-rozaj-biske-1994"),
            ("zh-yue-hk", "zh-yue-HK"),
            ("de-DE-u-co-phonebk", "de-DE-u-co-phonebk"),
            ("en-x-a", "en-x-a"),
            ("und", "und"),
        ] {
            assert_eq!(language(tag).as_deref(), Some(written), "{tag}");
            assert_eq!(language(written).as_deref(), Some(written), "{tag}");
        }
    }

    #[test]
    fn what_is_no_language_is_refused() {
        for odd in [
            "",
            "e",
            "e1",
            "english-language",
            "en_US",
            "en-",
            "-en",
            "en--us",
            "en-u",
            "en-x",
            "de-1901-1901",
            "toolonglanguage",
            "i-klingon",
            "x-private",
            "en-US-US",
            "en/..",
            "ünd",
            "en us",
            "de-aaaaa-bbbbb-ccccc-ddddd-eeeee-fffff",
            "abcd-abc",
        ] {
            assert_eq!(language(odd), None, "{odd}");
        }
    }

    #[test]
    fn kinds_have_the_names_of_html() {
        for kind in CaptionKind::ALL {
            assert_eq!(CaptionKind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(CaptionKind::parse("chapters"), None);
    }
}
