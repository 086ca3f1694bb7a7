//! Looks over a document before it is parsed. The parser recurses into brackets and keeps what it
//! reads, so a hostile text has to be refused before it gets there.

use super::settings::Limits;

/// What a text has too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    Bytes,
    Tokens,
    Nesting,
    NameBytes,
}

/// Counts tokens (GraphQL specification of October 2021, section 2.1) and brackets in one pass
/// without memory. A text that is not a document passes; the parser rejects it.
pub(crate) fn check(text: &str, limits: &Limits) -> Result<(), Excess> {
    if text.len() > limits.query_bytes {
        return Err(Excess::Bytes);
    }
    let mut rest = text.as_bytes();
    let (mut tokens, mut nesting) = (0_usize, 0_usize);
    let mut strings = true;
    while let Some(&first) = rest.first() {
        let length = match first {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                rest = &rest[1..];
                continue;
            }
            // A byte order mark.
            0xef if rest.starts_with("\u{feff}".as_bytes()) => {
                rest = &rest[3..];
                continue;
            }
            b'#' => {
                rest = &rest[end_of_line(rest)..];
                continue;
            }
            b'"' if strings => string(rest).unwrap_or_else(|| {
                // The parser may read the quotes in another way than meant; then nothing that
                // follows may hide between some of them.
                strings = false;
                1
            }),
            b'.' if rest.starts_with(b"...") => 3,
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                let length = run(rest, |b| b == b'_' || b.is_ascii_alphanumeric());
                if length > limits.name_bytes {
                    return Err(Excess::NameBytes);
                }
                length
            }
            b'-' | b'0'..=b'9' => {
                1 + run(&rest[1..], |b| {
                    b.is_ascii_alphanumeric() || b"+-.".contains(&b)
                })
            }
            b'{' | b'(' | b'[' => {
                nesting += 1;
                if nesting > limits.nesting {
                    return Err(Excess::Nesting);
                }
                1
            }
            b'}' | b')' | b']' => {
                nesting = nesting.saturating_sub(1);
                1
            }
            _ => 1,
        };
        tokens += 1;
        if tokens > limits.tokens {
            return Err(Excess::Tokens);
        }
        rest = &rest[length.min(rest.len())..];
    }
    Ok(())
}

fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    let end = bytes.iter().position(|b| !belongs(*b));
    end.unwrap_or(bytes.len())
}

fn end_of_line(bytes: &[u8]) -> usize {
    run(bytes, |b| b != b'\n' && b != b'\r')
}

/// Length of a string with its quotes; `None` if it does not end.
fn string(bytes: &[u8]) -> Option<usize> {
    let block = bytes.starts_with(b"\"\"\"");
    let mut at = if block { 3 } else { 1 };
    while at < bytes.len() {
        let rest = &bytes[at..];
        at += match rest[0] {
            b'"' if !block => return Some(at + 1),
            b'"' if rest.starts_with(b"\"\"\"") => return Some(at + 3),
            b'\n' | b'\r' if !block => return None,
            b'\\' if !block => 2,
            b'\\' if rest.starts_with(b"\\\"\"\"") => 4,
            _ => 1,
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(tokens: usize, nesting: usize) -> Limits {
        Limits {
            tokens,
            nesting,
            name_bytes: 10,
            query_bytes: 1_000,
            ..Limits::default()
        }
    }

    fn tokens(text: &str) -> usize {
        (0..100)
            .find(|most| check(text, &limits(*most, 100)).is_ok())
            .unwrap()
    }

    #[test]
    fn tokens_are_counted_as_the_specification_does() {
        for (text, count) in [
            ("", 0),
            (" \u{feff},\n", 0),
            ("{a}", 3),
            ("{ a ...b }", 5),
            ("query($x:[Int!]=[-1.5e+3]){a(b:$x)}", 23),
            ("# {{{{\n{a}", 3),
            (r#"{a(b:"x { \" } # \\")}"#, 8),
            ("{a(b:\"\"\"x \\\"\"\" \" { # \"\"\")}", 8),
            ("\"never ends {", 4),
            ("\"\"\"never ends {", 6),
            ("\"\\", 2),
        ] {
            assert_eq!(tokens(text), count, "{text}");
        }
    }

    #[test]
    fn brackets_of_all_kinds_nest() {
        let text = "{a(b:[{c:[1]}])}";
        assert_eq!(check(text, &limits(100, 5)), Ok(()));
        assert_eq!(check(text, &limits(100, 4)), Err(Excess::Nesting));
        assert_eq!(check("}}}}{{{{{", &limits(100, 5)), Ok(()));
        assert_eq!(check("{}{}{}{}{}{}", &limits(100, 1)), Ok(()));
        assert_eq!(check("\"{{{{{{\"", &limits(100, 1)), Ok(()));
        // The parser takes this for an empty string, a string with a space in it, and brackets.
        let hidden = "{a(b:[\"\"\" \" [[[[[[]]]]]]])}";
        assert_eq!(check(hidden, &limits(100, 5)), Err(Excess::Nesting));
    }

    #[test]
    fn long_names_and_texts_are_refused() {
        let limits = limits(100, 10);
        assert_eq!(check("{abcdefghij}", &limits), Ok(()));
        assert_eq!(check("{abcdefghijk}", &limits), Err(Excess::NameBytes));
        assert_eq!(check(&" ".repeat(1_000), &limits), Ok(()));
        assert_eq!(check(&" ".repeat(1_001), &limits), Err(Excess::Bytes));
    }
}
