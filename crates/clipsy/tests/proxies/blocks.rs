//! The blocks of OPERATIONS.md.

use crate::support::repository;

/// The block in that language, the `nth` below that heading.
pub(crate) fn block(heading: &str, language: &str, nth: usize) -> String {
    let text = std::fs::read_to_string(repository("docs/OPERATIONS.md")).unwrap();
    let start = format!("\n{heading}\n");
    let (_, after) = text
        .split_once(&start)
        .unwrap_or_else(|| panic!("OPERATIONS.md has no {heading:?}"));
    // Up to the next heading of the same kind or a higher one; one mark is a comment in a block.
    let level = heading.bytes().take_while(|b| *b == b'#').count();
    let ends = (2..=level).filter_map(|n| after.find(&format!("\n{} ", "#".repeat(n))));
    let section = &after[..ends.min().unwrap_or(after.len())];
    let fence = format!("```{language}\n");
    let rest = section
        .split(&fence)
        .nth(nth + 1)
        .unwrap_or_else(|| panic!("{heading:?} has no block {nth} of {language}"));
    rest.split_once("```").unwrap().0.to_owned()
}

/// Puts what is this machine's own in place of what is an example.
pub(crate) fn adapt(block: &str, changes: &[(&str, &str)]) -> String {
    let mut text = block.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "there is no {from:?} in:\n{block}");
        text = text.replace(from, to);
    }
    text
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
