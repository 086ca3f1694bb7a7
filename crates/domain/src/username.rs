//! Usernames: unique, and visually distinguishable from all others.

use unicode_normalization::UnicodeNormalization as _;
use unicode_security::MixedScript as _;

use crate::text::is_invisible;

/// Most characters of a name.
pub const LONGEST: usize = 150;

/// Why something cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// There is nothing.
    #[error("This field may not be blank.")]
    Blank,
    /// It is longer than [`LONGEST`].
    #[error("Ensure this field has no more than 150 characters.")]
    TooLong,
    /// It has a control character.
    #[error("A username has no control characters.")]
    Control,
    /// It has invisible characters, or ones that change the text direction.
    #[error("A username has no invisible characters.")]
    Invisible,
    /// It mixes scripts, some of whose letters look alike.
    #[error("A username is written in one script.")]
    MixedScripts,
}

impl UsernameError {
    /// Stable name of the error.
    pub fn code(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::TooLong => "max_length",
            Self::Control => "control_characters",
            Self::Invisible => "invisible_characters",
            Self::MixedScripts => "mixed_scripts",
        }
    }
}

/// The name as stored and displayed: NFKC, trimmed. Each word of it is of one script, where
/// Japanese, Korean and Chinese count as what they are written in together (UTS 39 section 5.1).
pub fn normalise(name: &str) -> Result<String, UsernameError> {
    if name.chars().any(char::is_control) {
        return Err(UsernameError::Control);
    }
    if name.chars().any(is_invisible) {
        return Err(UsernameError::Invisible);
    }
    let name: String = name.nfkc().collect();
    let name = name.trim();
    if name.is_empty() {
        return Err(UsernameError::Blank);
    }
    if name.chars().count() > LONGEST {
        return Err(UsernameError::TooLong);
    }
    if !name.is_single_script() {
        return Err(UsernameError::MixedScripts);
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_form_of_what_they_are() {
        for (typed, name) in [
            (" ann ", "ann"),
            ("Ann Ä.", "Ann Ä."),
            ("Jose\u{301}", "José"),
            ("ｊｏｈｎ", "john"),
            ("田中さくら", "田中さくら"),
            ("김민준", "김민준"),
            ("Иван_7", "Иван_7"),
            ("user@example.org", "user@example.org"),
        ] {
            assert_eq!(normalise(typed).as_deref(), Ok(name), "{typed}");
        }
        assert_eq!(
            normalise(&"x".repeat(LONGEST)).map(|n| n.len()),
            Ok(LONGEST)
        );
    }

    #[test]
    fn what_looks_like_another_name_is_refused() {
        use UsernameError::{Blank, Control, Invisible, MixedScripts, TooLong};
        let long = "x".repeat(LONGEST + 1);
        for (name, error) in [
            ("", Blank),
            (" \u{3000} ", Blank),
            (long.as_str(), TooLong),
            ("a\nb", Control),
            ("\u{85}", Control),
            ("ad\u{200b}min", Invisible),
            ("\u{202e}nimda", Invisible),
            ("admin\u{feff}", Invisible),
            ("ad\u{ad}min", Invisible),
            ("admin\u{e0041}", Invisible),
            ("\u{430}dmin", MixedScripts),
            ("αdmin", MixedScripts),
        ] {
            assert_eq!(normalise(name), Err(error), "{name:?}");
        }
    }
}
