//! Tags: the words under which the owner of a video puts it.

use unicode_normalization::UnicodeNormalization as _;

use crate::text::{fold, is_invisible, words};

/// Most tags of one video.
pub const MOST_TAGS: usize = 30;
/// Most characters of a tag.
pub const LONGEST_TAG: usize = 50;

/// Why tags cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// There are more than [`MOST_TAGS`].
    #[error("A video has at most {MOST_TAGS} tags.")]
    TooMany,
    /// One has more than [`LONGEST_TAG`] characters.
    #[error("A tag has at most {LONGEST_TAG} characters: \"{0}\" has more.")]
    TooLong(String),
    /// One has a comma, which stands between tags, or a control character.
    #[error("A tag has no commas and no control characters: \"{0}\" has.")]
    Character(String),
}

impl TagError {
    /// Stable machine-readable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooMany => "too_many_tags",
            Self::TooLong(_) => "tag_too_long",
            Self::Character(_) => "tag_character",
        }
    }
}

/// Tags as they are kept: NFKC, without `#` in front, without what cannot be seen, with single spaces;
/// of those that mean the same ([`tag_key`]) the first, and none that says nothing. They keep their order.
pub fn tidy_tags<T: AsRef<str>>(tags: &[T]) -> Result<Vec<String>, TagError> {
    let mut kept: Vec<String> = Vec::new();
    let mut keys = Vec::new();
    for tag in tags {
        let tag = tag.as_ref();
        let plain: String = tag.nfkc().filter(|c| !is_invisible(*c)).collect();
        let bad = |c: char| (c.is_control() && !c.is_whitespace()) || c == ',';
        if plain.contains(bad) {
            return Err(TagError::Character(shown(tag)));
        }
        let plain = words(plain.trim().trim_start_matches('#'))
            .collect::<Vec<_>>()
            .join(" ");
        if plain.chars().count() > LONGEST_TAG {
            return Err(TagError::TooLong(shown(&plain)));
        }
        let key = fold(&plain);
        if key.is_empty() || keys.contains(&key) {
            continue;
        }
        if kept.len() == MOST_TAGS {
            return Err(TagError::TooMany);
        }
        keys.push(key);
        kept.push(plain);
    }
    Ok(kept)
}

/// What tags that mean the same have in common; `None` of a text that is no tag.
pub fn tag_key(tag: &str) -> Option<String> {
    let tidy = tidy_tags(&[tag]).ok()?;
    tidy.first().map(|tag| fold(tag))
}

/// Enough of a tag to know which one is meant.
fn shown(tag: &str) -> String {
    let plain = tag.chars().filter(|c| !c.is_control());
    plain.take(LONGEST_TAG).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_mean_the_same_are_one() {
        let given = [
            "  #Summer   Holiday ",
            "summer holiday",
            "ＳＵＭＭＥＲ holiday",
            "",
            "#",
            "\u{200b}",
            "Straße",
            "STRASSE",
            "Käse",
            "Ka\u{308}se",
        ];
        let tidy = tidy_tags(&given).unwrap();
        assert_eq!(tidy, ["Summer Holiday", "Straße", "Käse"]);
        assert_eq!(tidy_tags(&tidy).unwrap(), tidy);
        assert_eq!(tag_key("#STRASSE"), tag_key(" straße"));
        assert_eq!(tag_key(" # "), None);
        assert_eq!(tag_key("a,b"), None);
    }

    #[test]
    fn there_are_limits() {
        let many: Vec<String> = (0..=MOST_TAGS).map(|n| n.to_string()).collect();
        assert_eq!(tidy_tags(&many), Err(TagError::TooMany));
        assert_eq!(tidy_tags(&many[1..]).unwrap(), many[1..]);
        // The same one again is not one more.
        let again = [&many[1..], &many[1..]].concat();
        assert_eq!(tidy_tags(&again).unwrap(), many[1..]);

        let longest = "ä".repeat(LONGEST_TAG);
        assert_eq!(
            tidy_tags(&[&longest]).unwrap(),
            std::slice::from_ref(&longest)
        );
        let longer = tidy_tags(&[format!("{longest}x")]).unwrap_err();
        assert_eq!(longer, TagError::TooLong(longest));
        for bad in ["a,b", "a\u{7}b", "a\0", "、,"] {
            let error = tidy_tags(&[bad]).unwrap_err();
            assert_eq!(error.code(), "tag_character", "{bad:?}");
        }
    }
}
