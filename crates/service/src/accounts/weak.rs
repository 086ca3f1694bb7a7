//! Which passwords are too easy to guess, by Django's rules and a few more: well-known ones, also with
//! something small put before or after; the account's own name and address; numbers alone; repetition
//! and sequences.

use std::iter;

/// Passwords that everybody tries first, in lower case and in the order of their bytes: Royce Williams'
/// list as Django 4.2 has it (`django/contrib/auth/common-passwords.txt.gz`, BSD 3-Clause), those of
/// eight characters or more, and words of four or more for the middle of passwords.
const COMMON: &str = include_str!("common-passwords.txt");
/// So many characters around a well-known password make none of it.
const SMALL_CHANGE: usize = 4;
/// So many characters must be left beside the account's own name.
const BESIDE_NAME: usize = 6;
/// Names shorter than that are in every other word.
const SHORT_NAME: usize = 3;
/// So many characters must not follow from those before.
const FRESH: usize = 5;
/// Neighbours on keyboards.
const ROWS: [&str; 5] = [
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
];

const TOO_COMMON: &str = "This password is too common.";
const TOO_SIMPLE: &str = "This password is too simple. It must not be repetition or a sequence.";
const NUMERIC: &str = "This password is entirely numeric.";
const LIKE_NAME: &str = "The password is too similar to the username.";
const LIKE_EMAIL: &str = "The password is too similar to the email address.";

/// What is easy to guess about a password of the account with that name and address, in Django's words
/// where it has any.
pub(crate) fn weakness(password: &str, username: &str, email: &str) -> Option<&'static str> {
    let folded = password.to_lowercase();
    if is_common(&folded) {
        return Some(TOO_COMMON);
    }
    if is_like(&folded, username) {
        return Some(LIKE_NAME);
    }
    let local = email.split('@').next().unwrap_or_default();
    if is_like(&folded, email) || is_like(&folded, local) {
        return Some(LIKE_EMAIL);
    }
    if folded.chars().all(char::is_numeric) {
        return Some(NUMERIC);
    }
    (fresh(&folded) < FRESH).then_some(TOO_SIMPLE)
}

fn is_common(folded: &str) -> bool {
    let core = folded.trim_matches(|c: char| !c.is_alphabetic());
    let around = folded.chars().count() - core.chars().count();
    is_listed(folded) || (around <= SMALL_CHANGE && is_listed(core))
}

/// Looks for a line without reading all of them.
fn is_listed(word: &str) -> bool {
    let (mut from, mut to) = (0, COMMON.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let start = COMMON.as_bytes()[..middle]
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |at| at + 1);
        let line = COMMON.as_bytes()[start..]
            .split(|&b| b == b'\n')
            .next()
            .unwrap_or_default();
        match line.cmp(word.as_bytes()) {
            std::cmp::Ordering::Equal => return !word.is_empty(),
            std::cmp::Ordering::Less => from = start + line.len() + 1,
            std::cmp::Ordering::Greater => to = start,
        }
    }
    false
}

/// True if a password is little more than that name, forwards or backwards.
fn is_like(folded: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    if name.chars().count() < SHORT_NAME {
        return false;
    }
    let backwards: String = name.chars().rev().collect();
    [name, backwards].iter().any(|name| {
        let rest = folded.replace(name.as_str(), "");
        rest.len() < folded.len() && rest.chars().count() < BESIDE_NAME
    })
}

/// How many characters do not follow from those before: the next one of a sequence, the same again, or
/// what came as a whole before.
fn fresh(folded: &str) -> usize {
    let all: Vec<char> = folded.chars().collect();
    let period = (1..=all.len())
        .find(|&period| (period..all.len()).all(|at| all[at] == all[at - period]))
        .unwrap_or(all.len());
    let once = &all[..period];
    let steps: Vec<Option<i32>> = iter::once(None)
        .chain(once.windows(2).map(|pair| step(pair[0], pair[1])))
        .collect();
    (0..once.len())
        .filter(|&at| {
            let goes_on = at > 1 && steps[at].is_some() && steps[at] == steps[at - 1];
            steps[at] != Some(0) && !goes_on
        })
        .count()
}

/// How one gets from a character to the next, if that is a small step.
fn step(a: char, b: char) -> Option<i32> {
    let near = |a: usize, b: usize| match a.abs_diff(b) {
        0 => Some(0),
        1 => Some(if b > a { 1 } else { -1 }),
        _ => None,
    };
    let on_keyboard = |row: &&str| near(row.find(a)?, row.find(b)?);
    near(a as usize, b as usize).or_else(|| ROWS.iter().find_map(on_keyboard))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_searched() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.len() > 10_000);
        assert!(lines.is_sorted());
        for line in lines.iter().step_by(97).chain(lines.last()) {
            assert!(is_listed(line), "{line}");
        }
        for other in ["", "\n", "correct horse", "zzzzzzzzzzzzzzzzz"] {
            assert!(!is_listed(other), "{other}");
        }
    }

    #[test]
    fn what_is_easy_to_guess_is_refused() {
        for (password, why) in [
            ("password", TOO_COMMON),
            ("PassWord", TOO_COMMON),
            ("Password1!", TOO_COMMON),
            ("12345678", TOO_COMMON),
            ("admin123", TOO_COMMON),
            ("dragon2024", TOO_COMMON),
            ("пароль12", TOO_COMMON),
            ("margarete", LIKE_NAME),
            ("Margarete99", LIKE_NAME),
            ("eteragram!", LIKE_NAME),
            ("m.jones12", LIKE_EMAIL),
            ("m.jones@example.org", LIKE_EMAIL),
            ("1953028867", NUMERIC),
            ("aaaaaaaaaaaa", TOO_SIMPLE),
            ("xyxyxyxyxyxy", TOO_SIMPLE),
            ("abcdefghijkl", TOO_SIMPLE),
            ("87654321abc", TOO_SIMPLE),
            ("ghjklghjkl", TOO_SIMPLE),
        ] {
            let said = weakness(password, "Margarete", "m.jones@example.org");
            assert_eq!(said, Some(why), "{password}");
        }
    }

    #[test]
    fn what_is_not_passes() {
        for password in [
            "correct horse battery",
            "синий карандаш",
            "password of margarete",
            "a good password",
            "better than that",
            "4f9c0d1be7",
            "margarete likes plums",
        ] {
            let said = weakness(password, "margarete", "m@example.org");
            assert_eq!(said, None, "{password}");
        }
        assert_eq!(weakness("an example of it", "an", ""), None);
    }
}
