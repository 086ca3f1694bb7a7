//! Text normalised for comparison: without differences in case and Unicode form, and without
//! invisible characters.

use caseless::Caseless as _;
use unicode_normalization::UnicodeNormalization as _;

/// Maximum letters of a piece of a word in the search index.
const LONGEST_GRAM: usize = 3;
/// Maximum pieces looked up per search; the rest is compared.
const MOST_GRAMS: usize = 32;

/// The normal form of a text: NFKC, case-folded, without invisible characters, and with the dotted I
/// of Turkish like any other.
pub fn fold(text: &str) -> String {
    let visible = text.nfkc().filter(|c| !is_invisible(*c));
    let mut folded = String::with_capacity(text.len());
    for c in visible.default_case_fold().nfkc() {
        if !(c == '\u{307}' && folded.ends_with('i')) {
            folded.push(c);
        }
    }
    folded
}

/// True for invisible characters: zero-width ones, directional marks, fillers and selectors
/// (`Default_Ignorable_Code_Point` of Unicode).
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The words of a folded text.
pub fn words(folded: &str) -> impl Iterator<Item = &str> {
    folded.split_whitespace()
}

/// Every piece of up to three letters in the words of a folded text, each once, as `code` writes
/// them.
pub fn grams(folded: &str) -> impl Iterator<Item = String> {
    let mut all = std::collections::BTreeSet::new();
    for word in words(folded) {
        let letters: Vec<char> = word.chars().collect();
        for length in 1..=LONGEST_GRAM {
            all.extend(letters.windows(length).map(code));
        }
    }
    all.into_iter()
}

/// The longest pieces of a folded word, which every text with that word contains.
pub fn grams_of_search(word: &str) -> impl Iterator<Item = String> {
    let letters: Vec<char> = word.chars().take(MOST_GRAMS + LONGEST_GRAM - 1).collect();
    let length = letters.len().clamp(1, LONGEST_GRAM);
    let all: std::collections::BTreeSet<String> = letters.windows(length).map(code).collect();
    all.into_iter()
}

/// Letters as a name of small letters and digits of ASCII, which every index takes as one word: those
/// but `z` stand for themselves, all else is its number between two of it.
fn code(letters: &[char]) -> String {
    use std::fmt::Write as _;

    let mut name = String::with_capacity(letters.len());
    for c in letters {
        if matches!(c, 'a'..='y' | '0'..='9') {
            name.push(*c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(name, "z{:x}z", u32::from(*c));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_mean_the_same_are_the_same() {
        for (one, other) in [
            ("ÄRGER", "ärger"),
            ("A\u{308}rger", "ärger"),
            ("Jose\u{301}", "JOSÉ"),
            ("İstanbul", "istanbul"),
            ("I\u{307}STANBUL", "istanbul"),
            ("STRASSE", "straße"),
            ("ΟΔΟΣ", "οδος"),
            ("οδοσ", "οδος"),
            ("ОТПУСК", "отпуск"),
            ("ﬁlm Ⅳ", "FILM iv"),
            ("ＡＢＣ１", "abc1"),
            ("ﾊﾟ", "パ"),
            ("가", "\u{1100}\u{1161}"),
            ("zero\u{200b}width\u{ad}", "zerowidth"),
            ("\u{202e}abc", "abc"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
            assert_eq!(fold(&fold(one)), fold(one), "{one}");
        }
        assert_ne!(fold("jose"), fold("josé"));
        assert_ne!(fold("a b"), fold("ab"));
    }

    #[test]
    fn every_part_of_a_word_is_found_by_its_pieces() {
        let text = fold("Größe der 動画 zz");
        let all: Vec<String> = grams(&text).collect();
        for part in [
            "g", "röß", "össe", "SE", "動", "画", "動画", "z", "zz", "der",
        ] {
            let part = fold(part);
            let mut pieces = grams_of_search(&part);
            assert!(pieces.all(|piece| all.contains(&piece)), "{part}");
        }
        for other in ["gd", "画z", "rd"] {
            let mut pieces = grams_of_search(other);
            assert!(!pieces.all(|piece| all.contains(&piece)), "{other}");
        }
        assert_eq!(grams_of_search(&"ab".repeat(1000)).count(), 2);
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        assert!(all.iter().all(|piece| piece.chars().all(plain)), "{all:?}");
    }
}
