//! What is written about the segments: playlists that grow, and final ones.

use clipsy_domain::codecs;
use clipsy_domain::failure::FailureCode;
use clipsy_domain::media_key;
use clipsy_domain::playlist::{self, PlaylistState, Segment, Variant};
use clipsy_domain::progress::Event;
use clipsy_domain::storyboard::{self, StoryboardPlan};
use gstreamer as gst;
use gstreamer::prelude::*;

use super::faults::failure;
use super::{Context, Made, Run, Stopped};
use crate::Error;
use crate::builder::package;
use crate::output::Durability;

/// Writes what makes the result complete: durable segments first, the media playlists then, the
/// multivariant playlist last.
pub(crate) fn publish(made: &Made, context: &Context<'_>) -> Result<(), Error> {
    let target = playlist::target_duration_s(context.plan.segment_s, context.plan.frame_rate);
    for (rung, segments) in context.plan.rungs.iter().zip(&made.segments) {
        context
            .output
            .sync_segments(&rung.name, segments.len() as u64)?;
    }
    for (rung, segments) in context.plan.rungs.iter().zip(&made.segments) {
        context
            .output
            .write_playlist(&rung.name, segments, target, PlaylistState::Complete)?;
        context.output.sync_folder(&rung.name)?;
    }
    if made.tiles > 0 {
        let board = StoryboardPlan {
            interval_us: made.tile_interval_us,
            ..context.storyboard
        };
        let vtt = storyboard::vtt(&board, made.tiles, made.duration_us);
        context
            .output
            .write(media_key::STORYBOARD, vtt.as_bytes(), Durability::Durable)?;
    }
    context.output.write_master(
        &made.variants,
        context.plan.frame_rate,
        PlaylistState::Complete,
    )?;
    context.output.sync_folder("")
}

impl Run<'_> {
    /// Lists segments that were finished since the last time.
    pub(super) fn note_segment(&mut self, message: &gst::message::Element) -> Result<(), Error> {
        let is_end = message
            .structure()
            .is_some_and(|s| s.name() == "splitmuxsink-fragment-closed");
        let rung = message
            .src()
            .filter(|_| is_end)
            .and_then(package::rung_of_sink);
        let Some(at) =
            rung.and_then(|rung| self.graph.renditions.iter().position(|r| r.rung == rung))
        else {
            return Ok(());
        };
        self.closed[at] += 1;
        let rendition = &self.graph.renditions[at];
        let counted = rendition
            .segment_frames
            .lock()
            .map(|c| c.clone())
            .unwrap_or_default();
        let rate = self.context.plan.frame_rate;
        let mut finished = Vec::new();
        // On a busy machine the next segment has been counted already, but not written to its end.
        let counted = counted.into_iter().take(self.closed[at]);
        for frames in counted.skip(self.segments[at].len()) {
            let index = self.segments[at].len() as u64;
            let bytes = self.context.output.segment_size(&rendition.rung, index)?;
            let start_us = (rate.frame_start_ns(self.listed_frames[at]) + 500) / 1000;
            self.listed_frames[at] += frames;
            let end_us = (rate.frame_start_ns(self.listed_frames[at]) + 500) / 1000;
            let segment = Segment {
                start_us,
                end_us,
                bytes,
            };
            self.segments[at].push(segment);
            finished.push(Event::Segment {
                rung: rendition.rung.clone(),
                index,
                duration_s: segment.duration_us() as f64 / 1e6,
                bytes,
            });
        }
        let listed = &self.segments[at];
        self.context.output.write_playlist(
            &rendition.rung,
            listed,
            self.target_duration_s,
            PlaylistState::Growing,
        )?;
        // Told only when it is true for readers of the playlist.
        finished.into_iter().for_each(&mut *self.emit);
        if !self.playable && self.segments.iter().all(|s| !s.is_empty()) {
            self.playable = true;
            let variants = self.variants(PlaylistState::Growing);
            self.context
                .output
                .write_master(&variants, rate, PlaylistState::Growing)?;
            (self.emit)(Event::Playable {
                master: media_key::MASTER.into(),
            });
        }
        Ok(())
    }

    fn variants(&self, state: PlaylistState) -> Vec<Variant> {
        let audio = self.graph.encoded_audio.as_ref().map(|pad| {
            let caps = pad.current_caps();
            let config = caps
                .as_ref()
                .and_then(|c| c.structure(0)?.get::<gst::Buffer>("codec_data").ok());
            let config = config.and_then(|b| b.map_readable().ok().map(|m| m.to_vec()));
            config
                .and_then(|c| codecs::mp4a_from_audio_specific_config(&c))
                .unwrap_or_else(|| "mp4a.40.2".into())
        });
        let plan = self.context.plan;
        let each = plan
            .rungs
            .iter()
            .zip(&self.graph.renditions)
            .zip(&self.segments);
        each.map(|((rung, rendition), segments)| {
            let measured = playlist::peak_bandwidth(segments, self.target_duration_s);
            // Until all is measured the caps are the best guess, with a tenth for the container.
            let cap = u64::from(rung.max_kbps + self.context.audio_kbps) * 1100;
            Variant {
                rung: rung.name.clone(),
                width: rung.width,
                height: rung.height,
                bandwidth: if state == PlaylistState::Complete {
                    measured
                } else {
                    measured.max(cap)
                },
                average_bandwidth: (state == PlaylistState::Complete)
                    .then(|| playlist::average_bandwidth(segments)),
                codecs: rendition
                    .meter
                    .codec()
                    .into_iter()
                    .chain(audio.clone())
                    .collect(),
            }
        })
        .collect()
    }

    /// What was made, if the renditions match and nothing is missing.
    pub(super) fn made(self) -> Result<Made, Stopped> {
        let counts: Vec<u64> = self
            .graph
            .renditions
            .iter()
            .map(|r| r.meter.frames())
            .collect();
        let frames = counts.first().copied().unwrap_or(0);
        if frames == 0 {
            return Err(failure(FailureCode::CorruptInput, "no picture could be decoded").into());
        }
        let lists: Vec<Vec<u64>> = self
            .segments
            .iter()
            .map(|list| list.iter().map(Segment::duration_us).collect())
            .collect();
        let aligned = counts.iter().all(|c| *c == frames) && lists.iter().all(|l| *l == lists[0]);
        if !aligned || self.listed_frames.iter().any(|n| *n != frames) {
            let reason = format!(
                "the renditions do not match: frames {counts:?}, in segments {:?}",
                self.listed_frames
            );
            return Err(Error::encoder(self.context.encoder, reason).into());
        }
        let variants = self.variants(PlaylistState::Complete);
        if let Some(variant) = variants
            .iter()
            .find(|v| v.codecs.first().is_none_or(|c| !c.starts_with("avc1.")))
        {
            let reason = format!("the {} stream has no parameter sets", variant.rung);
            return Err(Error::encoder(self.context.encoder, reason).into());
        }
        Ok(Made {
            variants,
            frames,
            duration_us: (self.context.plan.frame_rate.frame_start_ns(frames) + 500) / 1000,
            segments: self.segments,
            has_thumbnail: self.has_thumbnail,
            tiles: self.tiles,
            tile_interval_us: self.tile_interval_us,
            decoder: self.decoder,
            warnings: self.warnings,
            flaw: self.flaw,
        })
    }
}
