//! Reading rows and writing texts, the same for both databases.

use std::borrow::Cow;
use std::fmt::Write as _;

use clipsy_domain::clock::{Timestamp, from_millis};
use clipsy_domain::failure::Failure;
use clipsy_domain::notes::{Notes, Warning};
use clipsy_domain::text::fold;
use clipsy_domain::trace::TraceParent;
use serde::Deserialize as _;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{Any, Decode, Row, Type};

use crate::error::{Error, Result};

/// A row, read from its first column to its last.
pub(crate) struct Cells<'r> {
    row: &'r AnyRow,
    next: usize,
}

impl<'r> Cells<'r> {
    pub(crate) fn new(row: &'r AnyRow) -> Self {
        Self { row, next: 0 }
    }

    pub(crate) fn int(&mut self) -> Result<i64> {
        self.get()
    }

    pub(crate) fn maybe_int(&mut self) -> Result<Option<i64>> {
        self.get()
    }

    pub(crate) fn maybe_float(&mut self) -> Result<Option<f64>> {
        self.get()
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        self.get()
    }

    pub(crate) fn maybe_text(&mut self) -> Result<Option<String>> {
        self.get()
    }

    /// What cannot be read belongs to no trace.
    pub(crate) fn maybe_trace(&mut self) -> Result<Option<TraceParent>> {
        let text = self.maybe_text()?;
        Ok(text.as_deref().and_then(TraceParent::parse))
    }

    pub(crate) fn flag(&mut self) -> Result<bool> {
        Ok(self.int()? != 0)
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp> {
        Ok(from_millis(self.int()?))
    }

    pub(crate) fn maybe_time(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.maybe_int()?.map(from_millis))
    }

    /// A name that `parse` knows.
    pub(crate) fn name<T>(
        &mut self,
        what: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T> {
        let value = self.text()?;
        parse(&value).ok_or(Error::Unreadable { what, value })
    }

    /// The same where there may be none.
    pub(crate) fn maybe_name<T>(
        &mut self,
        what: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.maybe_text()? else {
            return Ok(None);
        };
        let read = parse(&value);
        read.map(Some).ok_or(Error::Unreadable { what, value })
    }

    pub(crate) fn maybe_failure(&mut self) -> Result<Option<Failure>> {
        let Some(value) = self.maybe_text()? else {
            return Ok(None);
        };
        match serde_json::from_str(&value) {
            Ok(failure) => Ok(Some(failure)),
            Err(_) => Err(Error::Unreadable {
                what: "failure",
                value,
            }),
        }
    }

    /// Of what a later version noted that which can be read: a video is shown without the rest.
    pub(crate) fn notes(&mut self) -> Result<Notes> {
        let text = self.maybe_text()?;
        let noted = text.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        Ok(noted.map(|noted| notes_from(&noted)).unwrap_or_default())
    }

    fn get<T: Decode<'r, Any> + Type<Any>>(&mut self) -> Result<T> {
        let value = self.row.try_get(self.next)?;
        self.next += 1;
        Ok(value)
    }
}

/// A row of two numbers.
pub(crate) fn pair_from(row: &AnyRow) -> Result<(i64, i64)> {
    let mut cells = Cells::new(row);
    Ok((cells.int()?, cells.int()?))
}

fn notes_from(noted: &Value) -> Notes {
    let warnings = noted["warnings"].as_array();
    let warnings = warnings.into_iter().flatten();
    Notes {
        tracks: Option::deserialize(&noted["tracks"]).unwrap_or_default(),
        warnings: warnings
            .filter_map(|one| Warning::deserialize(one).ok())
            .collect(),
    }
}

/// Notes as they are stored.
pub(crate) fn notes_text(notes: &Notes) -> Result<String> {
    serde_json::to_string(notes).map_err(|error| sqlx::Error::Encode(error.into()).into())
}

/// A failure as it is stored.
pub(crate) fn failure_text(failure: &Failure) -> Result<String> {
    serde_json::to_string(failure).map_err(|error| sqlx::Error::Encode(error.into()).into())
}

/// Text as it can be stored: `PostgreSQL` takes no NUL.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Text without the difference between upper and lower case, letter by letter: how names were
/// compared before [`clipsy_domain::text::fold`].
pub(crate) fn lowered(text: &str) -> String {
    let small = storable(text);
    let small = small.chars().flat_map(char::to_lowercase);
    // Greek has a second small sigma for the ends of words.
    small.map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

/// [`fold`] of what can be stored.
pub(crate) fn folded(text: &str) -> String {
    fold(&storable(text))
}

/// A length, a rate or a percentage as it is handed to the database, where `NULLIF($1, -1.0)` makes
/// it what it means. An absent float cannot be handed over as such: sqlx 0.9 declares it to be of
/// four bytes (it confuses the two kinds in `AnyArguments::convert_into`), and `PostgreSQL` then
/// refuses the eight of the next one that is there.
pub(crate) fn measure(number: Option<f64>) -> f64 {
    number
        .filter(|number| number.is_finite() && *number >= 0.0)
        .unwrap_or(-1.0)
}

/// `count` places for values from number `first` on: `$3, $4`.
pub(crate) fn places(first: usize, count: usize) -> String {
    let mut places = String::new();
    for number in first..first + count {
        let comma = if number == first { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(places, "{comma}${number}");
    }
    places
}

/// Numbers or names in groups that a statement can name, each filled up to a power of two by
/// repeating the last, so that few different statements come about.
pub(crate) fn groups<T: Clone>(items: &[T]) -> impl Iterator<Item = Vec<T>> + '_ {
    const LARGEST: usize = 1024;

    items.chunks(LARGEST).map(|chunk| {
        let mut group = chunk.to_vec();
        let last = chunk[chunk.len() - 1].clone();
        group.resize(chunk.len().next_power_of_two(), last);
        group
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_numbered() {
        assert_eq!(places(1, 1), "$1");
        assert_eq!(places(3, 3), "$3, $4, $5");
        assert_eq!(places(1, 0), "");
    }

    #[test]
    fn groups_hold_all_numbers_and_no_others() {
        let sizes = |count: i64| -> Vec<usize> {
            let numbers: Vec<i64> = (1..=count).collect();
            let groups: Vec<_> = groups(&numbers).collect();
            let mut all = groups.concat();
            all.dedup();
            assert_eq!(all, numbers);
            groups.iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(0), [0; 0]);
        assert_eq!(sizes(1), [1]);
        assert_eq!(sizes(5), [8]);
        assert_eq!(sizes(1024), [1024]);
        assert_eq!(sizes(1030), [1024, 8]);
    }

    #[test]
    fn nul_does_not_reach_the_database() {
        assert_eq!(storable("a\0b"), "a\u{fffd}b");
        assert!(matches!(storable("ab"), Cow::Borrowed(_)));
    }

    #[test]
    fn notes_of_a_later_version_are_read_as_far_as_possible() {
        let noted = serde_json::json!({"tracks": {"video": null, "audio": null, "left": [],
            "subtitles": 1}, "warnings": [{"code": "not_yet", "message": "x"},
            {"code": "truncated", "message": "y"}]});
        let notes = notes_from(&noted);
        assert!(notes.tracks.is_some());
        assert_eq!(notes.warnings.len(), 1);
        assert_eq!(notes.warnings[0].message, "y");
        assert_eq!(
            notes_from(&serde_json::json!({"tracks": 7})),
            Notes::default()
        );
    }

    #[test]
    fn what_cannot_be_measured_is_not_known() {
        assert_eq!(measure(Some(1.5)).to_bits(), 1.5_f64.to_bits());
        for odd in [None, Some(f64::NAN), Some(f64::INFINITY), Some(-3.0)] {
            assert_eq!(measure(odd).to_bits(), (-1.0_f64).to_bits(), "{odd:?}");
        }
    }
}
