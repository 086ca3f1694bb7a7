//! Judges what a transcode left in its output folder.

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
    Some(tree)
}
