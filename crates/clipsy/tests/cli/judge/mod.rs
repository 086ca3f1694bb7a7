//! Judges what a transcode left in its output folder.

mod chart;
mod heard;
pub(crate) mod picture;
mod playlists;
pub(crate) mod sound;
pub(crate) mod source;
mod stills;
pub(crate) mod tree;
mod video;

use std::path::Path;

use crate::support::clipsy::Done;
use crate::support::inputs::Facts;
use crate::support::report::Report;
use tree::Tree;

/// Checks all that holds for every output, and reads it for further checks. `segment_s` is the
/// segment length that was asked for.
pub(crate) fn output(
    folder: &Path,
    done: &Done,
    facts: &Facts,
    segment_s: u64,
    report: &mut Report,
) -> Option<Tree> {
    let summary = done.summary();
    report.equal("stderr", done.complaints(), Vec::new());
    let tree = match Tree::read(folder, summary, segment_s) {
        Ok(tree) => tree,
        Err(problem) => {
            report.check(false, || problem);
            return None;
        }
    };
    playlists::check(&tree, report);
    video::check(&tree, facts, report);
    sound::check(&tree, facts, report);
    stills::check(&tree, facts, report);
    let clock = chart::check(&tree, facts, report);
    heard::check(&tree, facts, clock, report);
    check_warnings(done, facts, report);
    Some(tree)
}

/// What was warned of is what there is to warn of.
fn check_warnings(done: &Done, facts: &Facts, report: &mut Report) {
    let mut found = done.warnings();
    found.retain(|code| !facts.may_warn.contains(code));
    found.sort();
    let mut expected = facts.warnings.clone();
    expected.sort();
    report.equal("warnings", found, expected);
}
