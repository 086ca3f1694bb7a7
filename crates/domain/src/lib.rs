//! The vocabulary and rules of Clipsy, without I/O.
//!
//! All other crates use these types: what a [`media::MediaInfo`] says about a source, how a
//! [`ladder::Ladder`] turns it into a [`ladder::Plan`], what a job reports while it runs
//! ([`progress::Event`]), how it may fail ([`failure::Failure`]), and the format of HLS playlists
//! ([`playlist`]) and storyboards ([`storyboard`]).

pub mod asset;
pub mod captions;
pub mod clock;
pub mod codecs;
pub mod failure;
pub mod frame_rate;
pub mod job;
pub mod ladder;
pub mod limits;
pub mod media;
pub mod media_key;
pub mod notes;
pub mod photo;
pub mod playlist;
pub mod progress;
pub mod shares;
pub mod speaker;
pub mod storyboard;
pub mod tags;
pub mod text;
pub mod trace;
pub mod tracks;
pub mod upload;
pub mod user;
pub mod username;
pub mod worker;
