//! What a key looks like. Every store refuses the same ones.

use super::{Error, Result};

/// Longest part of a key in bytes, which is what file systems take.
const LONGEST_PART: usize = 255;

/// Longest key in bytes, which is what object stores take.
const LONGEST_KEY: usize = 1024;

/// Refuses what is no key: see [`super::MediaStore`].
pub(crate) fn check_key(key: &str) -> Result<()> {
    if key.len() <= LONGEST_KEY && key.split('/').all(is_plain) {
        Ok(())
    } else {
        Err(refused(key))
    }
}

/// Refuses what is no prefix, and gives back its folder: the key without the last slash.
pub(crate) fn check_prefix(prefix: &str) -> Result<&str> {
    let folder = prefix.strip_suffix('/').ok_or_else(|| refused(prefix))?;
    check_key(folder)?;
    Ok(folder)
}

/// True for a part of a key: it can mean nothing to a file system but a name.
pub(crate) fn is_plain(part: &str) -> bool {
    !part.is_empty()
        && part != "."
        && part != ".."
        && part.len() <= LONGEST_PART
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

pub(crate) fn refused(key: &str) -> Error {
    Error::Key {
        key: key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_layout_are_keys() {
        for key in ["a", "videos/originals/0af.mp4", "..a/b..", ".hidden/_x-1"] {
            assert!(check_key(key).is_ok(), "{key}");
            assert_eq!(check_prefix(&format!("{key}/")).unwrap(), key);
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        let long = "x".repeat(LONGEST_PART + 1);
        let many = "x/".repeat(LONGEST_KEY);
        for key in [
            "", ".", "..", "/", "/a", "a/", "a//b", "a/../b", "a/.", "a\\b", "a b", "a%2e", "ä",
            "a\0", "a\n", "~tmp/x", &long, &many,
        ] {
            assert!(matches!(check_key(key), Err(Error::Key { .. })), "{key:?}");
        }
        for prefix in ["", "/", "a", "../", "a/../", "a//"] {
            assert!(
                matches!(check_prefix(prefix), Err(Error::Key { .. })),
                "{prefix:?}"
            );
        }
    }
}
