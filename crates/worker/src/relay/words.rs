//! Limits the output of a child: a compromised one may send anything, in any amount.

use clipsy_domain::progress::Event;
use serde_json::Value;

/// Characters of each text that are kept.
const MOST_WORDS: usize = 1000;
/// Entries of each list that are kept: tracks, renditions, encoders.
const MOST_ENTRIES: usize = 1024;

/// The event that `line` is, with every text and list in it cut to a length.
pub(super) fn event(line: &str) -> serde_json::Result<Event> {
    let mut value = serde_json::from_str(line)?;
    cut(&mut value);
    serde_json::from_value(value)
}

fn cut(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(MOST_WORDS) {
                text.truncate(end);
            }
        }
        Value::Array(entries) => {
            entries.truncate(MOST_ENTRIES);
            entries.iter_mut().for_each(cut);
        }
        Value::Object(fields) => fields.values_mut().for_each(cut),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_lists_are_cut() {
        let long = "ä".repeat(MOST_WORDS * 2);
        let line =
            format!(r#"{{"event":"encoder_fallback","from":"a","to":"{long}","reason":"x"}}"#);
        let Ok(Event::EncoderFallback { from, to, reason }) = event(&line) else {
            panic!("{line}");
        };
        assert_eq!((&*from, &*reason), ("a", "x"));
        assert_eq!(to.chars().count(), MOST_WORDS);

        let entry = r#"{"encoder":"x","reason":"y"}"#;
        let many = vec![entry; MOST_ENTRIES * 2].join(",");
        let line = format!(
            r#"{{"event":"encoder_selected","encoder":"x","label":"x","passed_over":[{many}]}}"#
        );
        let Ok(Event::EncoderSelected { passed_over, .. }) = event(&line) else {
            panic!("no event");
        };
        assert_eq!(passed_over.len(), MOST_ENTRIES);
    }
}
