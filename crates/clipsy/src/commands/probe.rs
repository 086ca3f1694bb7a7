//! `clipsy probe`: what is in a file and which renditions would be made of it.

use std::fmt::Write as _;
use std::path::PathBuf;

use clipsy_domain::ladder::Plan;
use clipsy_domain::limits::Limits;
use clipsy_domain::media::{AudioStream, Decoding, HdrKind, MediaInfo, VideoStream};
use clipsy_domain::tracks::{LeftReason, Track, TrackKind, Tracks};
use clipsy_pipeline::{CancelToken, Error, probe};
use serde::Serialize;

use super::{print, print_json};
use crate::config::{LimitArgs, Settings};

/// Arguments of `clipsy probe`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file to look into
    input: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(Serialize)]
struct Report<'a> {
    media: &'a MediaInfo,
    plan: &'a Plan,
    tracks: &'a Tracks,
}

/// Runs the command.
pub(crate) fn run(settings: &Settings, args: &Args) -> anyhow::Result<()> {
    let ladder = settings.ladder()?;
    let limits: Limits = args.limits.limits();
    settings.allow_decoders()?;
    clipsy_pipeline::init()?;
    let media = probe::probe(&args.input, &limits, &CancelToken::new())?;
    let tracks = Tracks::choose(&media);
    let video = match probe::check(&media, &limits) {
        Ok(video) => video,
        Err(failure) => {
            // What was found is worth seeing even if it cannot be used.
            if !args.json {
                print(&describe(&media, &tracks, None))?;
            }
            return Err(Error::from(failure).into());
        }
    };
    let plan = ladder.plan(video);
    if args.json {
        print_json(&Report {
            media: &media,
            plan: &plan,
            tracks: &tracks,
        })?;
    } else {
        print(&describe(&media, &tracks, Some(&plan)))?;
    }
    Ok(())
}

fn describe(media: &MediaInfo, tracks: &Tracks, plan: Option<&Plan>) -> String {
    let mut text = String::new();
    let length = media.duration_s.map_or("unknown length".into(), |s| {
        format!(
            "{s:.3} s{}",
            if media.duration_measured {
                " (measured)"
            } else {
                ""
            }
        )
    });
    let _ = writeln!(
        text,
        "container  {}, {length}, {} bytes",
        media.container, media.size_bytes
    );
    for video in &media.video {
        let _ = writeln!(text, "video {}    {}", video.index, describe_video(video));
    }
    for audio in &media.audio {
        let _ = writeln!(text, "audio {}    {}", audio.index, describe_audio(audio));
    }
    for other in &media.other {
        let _ = writeln!(text, "other      {other}");
    }
    if let Some(plan) = plan {
        describe_tracks(&mut text, tracks);
        let _ = writeln!(
            text,
            "ladder     {} fps, segments of {} s",
            plan.frame_rate, plan.segment_s
        );
        for rung in &plan.rungs {
            let _ = writeln!(
                text,
                "  {:<8} {}x{}, at most {} kbit/s",
                rung.name, rung.width, rung.height, rung.max_kbps
            );
        }
    }
    text
}

/// Says what is used and what is not, where there is a choice.
fn describe_tracks(text: &mut String, tracks: &Tracks) {
    let name = |track: &Track| match track.kind {
        TrackKind::Video => format!("video {}", track.index),
        TrackKind::Audio => format!("audio {}", track.index),
    };
    let used: Vec<String> = [&tracks.video, &tracks.audio]
        .into_iter()
        .flatten()
        .map(name)
        .collect();
    let _ = writeln!(text, "used       {}", used.join(", "));
    for left in &tracks.left {
        let _ = writeln!(
            text,
            "left aside {}: {}",
            name(&left.track),
            why(left.reason)
        );
    }
}

fn why(reason: LeftReason) -> &'static str {
    match reason {
        LeftReason::NoDecoder => "there is no decoder for it",
        LeftReason::NoOutput => "nothing in it could be decoded",
        LeftReason::BeyondLimits => "it is beyond the limits",
        LeftReason::Disabled => "the file switches it off",
        LeftReason::SinglePicture => "it is a single picture",
        LeftReason::Commentary => "it is a commentary",
        LeftReason::NotDefault => "the file marks another one as the default",
        LeftReason::Smaller => "another one has a larger picture",
        LeftReason::Later => "another one comes first",
    }
}

fn describe_video(video: &VideoStream) -> String {
    let mut parts = vec![
        video.codec.clone(),
        format!("{}x{}", video.width, video.height),
    ];
    if let Some(rate) = video.frame_rate {
        parts.push(format!(
            "{rate} fps{}",
            if video.variable_frame_rate {
                " (variable)"
            } else {
                ""
            }
        ));
    }
    let aspect = video.sample_aspect;
    if aspect.num != aspect.den {
        parts.push(format!("sample aspect {}:{}", aspect.num, aspect.den));
    }
    if !video.orientation.is_upright() {
        let mirrored = if video.orientation.mirrored {
            "mirrored and "
        } else {
            ""
        };
        parts.push(format!(
            "{mirrored}turned by {}°",
            video.orientation.degrees
        ));
    }
    if video.interlaced {
        parts.push("interlaced".into());
    }
    parts.push(format!("{} {} bit", video.chroma, video.bit_depth));
    parts.extend(video.colorimetry.clone());
    parts.extend(video.hdr.map(|hdr| match hdr {
        HdrKind::Pq => "HDR (PQ)".into(),
        HdrKind::Hlg => "HDR (HLG)".into(),
    }));
    parts.extend(video.language.clone());
    parts.extend(fault(video.decoding));
    parts.join(", ")
}

fn describe_audio(audio: &AudioStream) -> String {
    let mut parts = vec![
        audio.codec.clone(),
        format!("{} channels", audio.channels),
        format!("{} Hz", audio.sample_rate),
    ];
    parts.extend(audio.language.clone());
    if audio.default {
        parts.push("default".into());
    }
    parts.extend(fault(audio.decoding));
    parts.join(", ")
}

fn fault(decoding: Decoding) -> Option<String> {
    let text = match decoding {
        Decoding::Works => return None,
        Decoding::NoDecoder => "no decoder",
        Decoding::NoOutput => "nothing could be decoded",
        Decoding::Skipped => "beyond the limits",
    };
    Some(text.into())
}
