//! An output folder as ffprobe, ffmpeg and hls-parser see it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::rate::Rate;
use crate::support::tools::{ffmpeg, ffprobe, hls, text, whole};

/// The whole output.
pub(crate) struct Tree {
    pub(crate) folder: PathBuf,
    /// The `summary` of the run.
    pub(crate) summary: Value,
    /// The multivariant playlist.
    pub(crate) master: Value,
    pub(crate) rate: Rate,
    /// Segment length that was asked for, in seconds.
    pub(crate) segment_s: u64,
    /// In the order of the summary.
    pub(crate) rungs: Vec<Rung>,
}

/// One rendition.
pub(crate) struct Rung {
    pub(crate) name: String,
    /// Its entry in the summary.
    pub(crate) summary: Value,
    /// Its entry in the multivariant playlist.
    pub(crate) variant: Value,
    /// Its media playlist.
    pub(crate) playlist: Value,
    pub(crate) segments: Vec<Segment>,
    /// Its video as an elementary stream.
    pub(crate) video: ElementaryStream,
}

/// One segment, decoded by itself.
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    /// As its playlist says, in seconds.
    pub(crate) duration: f64,
    pub(crate) bytes: u64,
    pub(crate) streams: Vec<Value>,
    pub(crate) video: Vec<Frame>,
    pub(crate) audio: Vec<Frame>,
}

/// A decoded picture or block of sound.
pub(crate) struct Frame {
    /// Presentation time in ticks of 1/90000 s.
    pub(crate) pts: i64,
    pub(crate) is_key: bool,
    pub(crate) is_interlaced: bool,
    /// Samples of each channel; 0 for pictures.
    pub(crate) samples: u64,
}

/// An H.264 byte stream.
pub(crate) struct ElementaryStream {
    pub(crate) pictures: u64,
    /// Positions of the pictures that are instantaneous decoder refreshes.
    pub(crate) idr: Vec<u64>,
    /// Profile, constraint flags and level of every sequence parameter set.
    pub(crate) profiles: Vec<[u8; 3]>,
}

impl Tree {
    pub(crate) fn read(folder: &Path, summary: Value, segment_s: u64) -> Result<Self, String> {
        let mut lists = hls(&folder.join(text(&summary["master"])))?;
        let rate =
            Rate::parse(text(&summary["frame_rate"])).ok_or("the summary has no frame rate")?;
        let variants = lists["master"]["variants"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let mut variants: HashMap<String, Value> = variants
            .into_iter()
            .map(|variant| (text(&variant["uri"]).to_owned(), variant))
            .collect();
        let mut rungs = Vec::new();
        for rendition in summary["renditions"].as_array().into_iter().flatten() {
            let uri = text(&rendition["playlist_path"]);
            let variant = variants
                .remove(uri)
                .ok_or_else(|| format!("{uri} is not in the multivariant playlist"))?;
            rungs.push(Rung::read(
                folder,
                rendition,
                variant,
                lists["media"][uri].take(),
            )?);
        }
        if rungs.is_empty() || !variants.is_empty() {
            return Err(format!(
                "{} renditions, and {:?} only in the master",
                rungs.len(),
                variants.keys()
            ));
        }
        let master = lists["master"].take();
        Ok(Self {
            folder: folder.to_owned(),
            summary,
            master,
            rate,
            segment_s,
            rungs,
        })
    }

    /// Pictures in the first rendition.
    pub(crate) fn frames(&self) -> u64 {
        self.rungs[0].frames()
    }

    /// Length of the video in seconds.
    pub(crate) fn duration(&self) -> f64 {
        self.rate.seconds(self.frames())
    }
}

impl Rung {
    fn read(
        folder: &Path,
        summary: &Value,
        variant: Value,
        playlist: Value,
    ) -> Result<Self, String> {
        let list = folder.join(text(&summary["playlist_path"]));
        let segments = playlist["segments"].as_array().into_iter().flatten();
        let segments: Vec<Segment> = segments
            .map(|entry| Segment::read(&list, entry))
            .collect::<Result<_, _>>()?;
        if segments.is_empty() {
            return Err(format!("{} lists no segments", list.display()));
        }
        let video = ElementaryStream::read(&joined(&segments))?;
        let name = text(&summary["quality"]).to_owned();
        Ok(Self {
            name,
            summary: summary.clone(),
            variant,
            playlist,
            segments,
            video,
        })
    }

    /// The input by which ffmpeg reads all segments as one stream.
    pub(crate) fn joined(&self) -> String {
        joined(&self.segments)
    }

    pub(crate) fn frames(&self) -> u64 {
        self.segments
            .iter()
            .map(|segment| segment.video.len() as u64)
            .sum()
    }

    pub(crate) fn video(&self) -> impl Iterator<Item = &Frame> {
        self.segments.iter().flat_map(|segment| &segment.video)
    }

    pub(crate) fn audio(&self) -> impl Iterator<Item = &Frame> {
        self.segments.iter().flat_map(|segment| &segment.audio)
    }

    /// Width and height of the pictures.
    pub(crate) fn size(&self) -> (u64, u64) {
        let video = self.segments[0]
            .streams
            .iter()
            .find(|stream| stream["codec_type"] == "video");
        video.map_or((0, 0), |v| {
            (
                whole(&v["width"]).unwrap_or(0),
                whole(&v["height"]).unwrap_or(0),
            )
        })
    }
}

impl Segment {
    fn read(list: &Path, entry: &Value) -> Result<Self, String> {
        const WANTED: &str = "stream=codec_type,codec_name,profile,level,pix_fmt,width,height,sample_aspect_ratio,\
                              field_order,sample_rate,channels,color_space,color_range,color_transfer,color_primaries:\
                              frame=media_type,pts,key_frame,interlaced_frame,nb_samples";
        let path = list.with_file_name(text(&entry["uri"]));
        let about = |problem: String| format!("{}: {problem}", path.display());
        let bytes = std::fs::metadata(&path)
            .map_err(|e| about(e.to_string()))?
            .len();
        let mut found = ffprobe(&path, &["-show_entries", WANTED]).map_err(about)?;
        let (mut video, mut audio) = (Vec::new(), Vec::new());
        for frame in found["frames"].as_array().into_iter().flatten() {
            let kind = if frame["media_type"] == "video" {
                &mut video
            } else {
                &mut audio
            };
            kind.push(Frame {
                pts: frame["pts"]
                    .as_i64()
                    .ok_or_else(|| about("a frame without a time".into()))?,
                is_key: frame["key_frame"] == 1,
                is_interlaced: frame["interlaced_frame"] == 1,
                samples: whole(&frame["nb_samples"]).unwrap_or(0),
            });
        }
        let streams = found["streams"]
            .as_array_mut()
            .map(std::mem::take)
            .unwrap_or_default();
        let duration = entry["duration"].as_f64().unwrap_or(0.0);
        Ok(Self {
            path,
            duration,
            bytes,
            streams,
            video,
            audio,
        })
    }
}

impl ElementaryStream {
    fn read(input: &str) -> Result<Self, String> {
        // Delimiters between the pictures make them easy to count.
        let filter = "filter_units=remove_types=9,h264_metadata=aud=insert";
        let bytes = ffmpeg([
            "-i", input, "-map", "0:v", "-c", "copy", "-bsf:v", filter, "-f", "h264",
        ])?;
        let mut found = Self {
            pictures: 0,
            idr: Vec::new(),
            profiles: Vec::new(),
        };
        for at in units(&bytes) {
            match bytes[at] & 0x1f {
                // A slice of an IDR picture; there may be several of one picture.
                5 if found.idr.last() != found.pictures.checked_sub(1).as_ref() => {
                    found.idr.push(found.pictures - 1);
                }
                7 => found.profiles.extend(
                    bytes
                        .get(at + 1..at + 4)
                        .and_then(|sps| <[u8; 3]>::try_from(sps).ok()),
                ),
                9 => found.pictures += 1,
                _ => {}
            }
        }
        Ok(found)
    }
}

fn joined(segments: &[Segment]) -> String {
    let paths: Vec<String> = segments
        .iter()
        .map(|segment| segment.path.display().to_string())
        .collect();
    format!("concat:{}", paths.join("|"))
}

/// Where the units of a byte stream begin: after each 00 00 01.
fn units(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let ends = bytes
        .windows(3)
        .enumerate()
        .filter(|(_, window)| *window == [0, 0, 1]);
    ends.map(|(at, _)| at + 3).filter(|at| *at < bytes.len())
}
