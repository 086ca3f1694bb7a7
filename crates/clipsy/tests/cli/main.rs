//! Tests of the command: the real binary on real files, judged by ffprobe, ffmpeg and hls-parser.
//!
//! All of them are one program, so that they share helpers and take turns at the processor.
//! `cargo test -p clipsy --test cli refuse::` runs those of one file.
#![cfg(test)]

mod clips;
mod disk_full;
mod doctor;
mod early;
mod gpu;
mod judge;
mod ladder;
mod lies;
mod probe;
mod refuse;
mod stop;
mod support;
