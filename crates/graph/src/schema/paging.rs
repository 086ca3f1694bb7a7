//! Parts of lists: `first` and `after`, or `last` and `before`, as the Relay specification of cursor
//! connections has them.

use async_graphql::SimpleObject;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clipsy_storage::{AssetOrder, Cursor, Key, Window};

use super::errors::{Fail, Result};

/// Things on a page unless the asker says otherwise.
pub(crate) const PAGE: i32 = 20;
/// Most things on a page.
pub(crate) const MAX_PAGE: i32 = 100;

/// What a client asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    pub(crate) first: Option<i32>,
    pub(crate) after: Option<String>,
    pub(crate) last: Option<i32>,
    pub(crate) before: Option<String>,
}

/// Position of a page in its list.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(serial)]
pub(crate) struct PageInfo {
    /// True if there are items after this page.
    pub(crate) has_next_page: bool,
    /// True if there are items before this page.
    pub(crate) has_previous_page: bool,
    /// Cursor of the first item on the page, for `before`; null if the page is empty.
    pub(crate) start_cursor: Option<String>,
    /// Cursor of the last item on the page, for `after`; null if the page is empty.
    pub(crate) end_cursor: Option<String>,
}

impl Page {
    /// The part of the list that is meant. `read` takes a cursor of this list apart.
    pub(crate) fn window(&self, read: impl Fn(&str) -> Option<Cursor>) -> Result<Window> {
        if self.first.is_some() && self.last.is_some() {
            let message = "Give either first or last, not both.";
            return Err(Fail::input("last", message));
        }
        let size = |name: &str, size: Option<i32>| match size {
            Some(size) if !(0..=MAX_PAGE).contains(&size) => {
                let message = format!("Must be 0 to {MAX_PAGE}.");
                Err(Fail::input(name, message))
            }
            size => Ok(size),
        };
        let (first, last) = (size("first", self.first)?, size("last", self.last)?);
        let cursor = |name: &str, text: &Option<String>| match text {
            Some(text) => read(text)
                .map(Some)
                .ok_or_else(|| Fail::input(name, "This is no cursor of this list.")),
            None => Ok(None),
        };
        Ok(Window {
            after: cursor("after", &self.after)?,
            before: cursor("before", &self.before)?,
            limit: i64::from(last.or(first).unwrap_or(PAGE)),
            backward: last.is_some(),
        })
    }
}

/// How many things such a page has at most, for the limit on what a request may cost.
pub(crate) fn cost(first: Option<i32>, last: Option<i32>) -> usize {
    let size = first.or(last).unwrap_or(PAGE);
    usize::try_from(size.clamp(1, MAX_PAGE)).unwrap_or(1)
}

/// A cursor of a list of videos in text. It belongs to lists of that order only.
pub(crate) fn video_cursor(order: AssetOrder, descending: bool, cursor: &Cursor) -> String {
    write(mark(order, descending), cursor)
}

/// Reads what [`video_cursor`] writes.
pub(crate) fn read_video_cursor(order: AssetOrder, descending: bool, text: &str) -> Option<Cursor> {
    read(mark(order, descending), text).filter(|cursor| order.fits(cursor))
}

/// A cursor of a list of accounts in text.
pub(crate) fn user_cursor(cursor: &Cursor) -> String {
    write("n", cursor)
}

/// Reads what [`user_cursor`] writes.
pub(crate) fn read_user_cursor(text: &str) -> Option<Cursor> {
    read("n", text).filter(|cursor| matches!(cursor.key, Key::Text(_)))
}

fn mark(order: AssetOrder, descending: bool) -> &'static str {
    match (order, descending) {
        (AssetOrder::Created, false) => "c",
        (AssetOrder::Created, true) => "C",
        (AssetOrder::Relevance, false) => "r",
        (AssetOrder::Relevance, true) => "R",
        (AssetOrder::Updated, false) => "u",
        (AssetOrder::Updated, true) => "U",
        (AssetOrder::Title, false) => "t",
        (AssetOrder::Title, true) => "T",
        (AssetOrder::Views, false) => "v",
        (AssetOrder::Views, true) => "V",
        (AssetOrder::Duration, false) => "d",
        (AssetOrder::Duration, true) => "D",
    }
}

fn write(mark: &str, cursor: &Cursor) -> String {
    let id = cursor.id;
    let text = match &cursor.key {
        Key::Int(number) => format!("{mark}:{id}:i{number}"),
        // Bit by bit, so that it is the same number again.
        Key::Float(number) => format!("{mark}:{id}:f{:x}", number.to_bits()),
        Key::Text(text) => format!("{mark}:{id}:t{text}"),
    };
    URL_SAFE_NO_PAD.encode(text)
}

fn read(mark: &str, text: &str) -> Option<Cursor> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let rest = text.strip_prefix(mark)?.strip_prefix(':')?;
    let (id, key) = rest.split_once(':')?;
    let mut letters = key.chars();
    let kind = letters.next()?;
    let value = letters.as_str();
    Some(Cursor {
        id: id.parse().ok()?,
        key: match kind {
            'i' => Key::Int(value.parse().ok()?),
            'f' => Key::Float(f64::from_bits(u64::from_str_radix(value, 16).ok()?)),
            // PostgreSQL takes no NUL, and no title has one.
            't' if !value.contains('\0') => Key::Text(value.to_owned()),
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::refusal::code;

    #[test]
    fn cursors_lead_back_to_their_place() {
        for (order, key) in [
            (AssetOrder::Created, Key::Int(1_705_314_600_123)),
            (AssetOrder::Views, Key::Int(0)),
            (AssetOrder::Title, Key::Text("a:b ä".into())),
            (AssetOrder::Title, Key::Text(String::new())),
            (AssetOrder::Duration, Key::Float(0.1 + 0.2)),
            (AssetOrder::Duration, Key::Float(-1.0)),
        ] {
            let cursor = Cursor { key, id: 7 };
            let text = video_cursor(order, true, &cursor);
            assert_eq!(read_video_cursor(order, true, &text), Some(cursor));
            assert_eq!(read_video_cursor(order, false, &text), None);
            assert_eq!(read_video_cursor(AssetOrder::Updated, true, &text), None);
            assert_eq!(read_user_cursor(&text), None);
        }
    }

    #[test]
    fn forged_cursors_are_refused() {
        for odd in [
            "C:1:tabc",
            "C:x:i1",
            "C:1:",
            "C:1",
            "D:1:f7ff8000000000001",
            "",
        ] {
            let text = URL_SAFE_NO_PAD.encode(odd);
            for order in [AssetOrder::Created, AssetOrder::Duration] {
                assert_eq!(read_video_cursor(order, true, &text), None, "{odd}");
            }
        }
    }

    #[test]
    fn a_page_is_asked_for_in_one_way() {
        let window = |page: Page| page.window(read_user_cursor);
        let page = |first, last| Page {
            first,
            last,
            ..Page::default()
        };
        assert_eq!(window(page(None, None)).unwrap().limit, 20);
        assert_eq!(window(page(Some(0), None)).unwrap().limit, 0);
        let last = window(page(None, Some(100))).unwrap();
        assert!(last.backward);
        for odd in [
            page(Some(1), Some(1)),
            page(Some(-1), None),
            page(None, Some(101)),
        ] {
            let code = code::of(window(odd).unwrap_err().0.kind());
            assert_eq!(code, "BAD_USER_INPUT");
        }
        assert_eq!(cost(None, None), 20);
        assert_eq!(cost(Some(i32::MAX), None), 100);
    }
}
