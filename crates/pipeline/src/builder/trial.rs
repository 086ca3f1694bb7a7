//! Small pipelines that make encoders and decoders prove that they work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use super::element::{self, make};
use super::package::{self, Encode};
use super::pattern::{self, Picture};
use super::route::{Route, side};
use crate::Error;
use crate::catalog::MemorySpec;

/// Pictures that are encoded or decoded.
pub(crate) const FRAMES: u64 = 8;
/// The picture that must become a keyframe.
const FORCED: u64 = 5;

/// What came out of one encoder.
#[derive(Debug, Default, Clone)]
pub(crate) struct Output {
    pub(crate) keyframes: Vec<u64>,
    /// Access units, in the order in which they came.
    pub(crate) units: Vec<Vec<u8>>,
}

/// What came out of each encoder, by the order of the renditions.
pub(crate) type Outputs = Arc<Mutex<Vec<Output>>>;

/// The pattern, on the way of `route` teed into every given encoder at once, as in the real pipeline.
pub(crate) fn encode(
    pipeline: &gst::Pipeline,
    encodes: &[Encode<'_>],
    route: &Route<'_>,
    size: (u32, u32),
    ends: Ends,
) -> Result<Outputs, Error> {
    let source = pattern_source(size, cells(encodes), ends);
    let mut elements = vec![source.upcast()];
    for (i, spec) in route.upload().iter().enumerate() {
        elements.push(element::make_set(spec, &format!("trial-upload-{i}"))?);
    }
    let caps = gst_video::VideoCapsBuilder::new().build();
    let caps = element::in_memory(caps, route.feature());
    let filter = element::capsfilter("trial-caps", &caps)?;
    let tee = make("tee", "trial-tee")?;
    elements.extend([filter.clone(), tee.clone()]);
    element::chain(pipeline.upcast_ref(), &elements)?;

    let count = AtomicU64::new(0);
    element::pad(&filter, "src")?.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
        if count.fetch_add(1, Ordering::Relaxed) == FORCED {
            pad.push_event(
                gst_video::DownstreamForceKeyUnitEvent::builder()
                    .all_headers(true)
                    .build(),
            );
        }
        gst::PadProbeReturn::Ok
    });

    let outputs: Outputs = Arc::new(Mutex::new(vec![Output::default(); encodes.len()]));
    for (i, chain) in package::add(encodes, pipeline, &tee)?
        .into_iter()
        .enumerate()
    {
        let pad = chain.units;
        let sink = make("fakesink", &format!("trial-sink-{i}"))?;
        sink.set_property("sync", false);
        sink.set_property("async", false);
        pipeline.add(&sink)?;
        pad.link(&element::pad(&sink, "sink")?)?;
        let outputs = Arc::clone(&outputs);
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let (Some(buffer), Ok(mut outputs)) = (info.buffer(), outputs.lock()) {
                note(&mut outputs[i], buffer);
            }
            gst::PadProbeReturn::Ok
        });
    }
    Ok(outputs)
}

/// How many cells in a row the pattern has for these renditions.
pub(crate) fn cells(encodes: &[Encode<'_>]) -> u32 {
    let sides = encodes.iter().map(|e| e.rung.width.min(e.rung.height));
    pattern::cells(sides.min().unwrap_or(0))
}

/// Whether the source of a trial comes to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    Yes,
    /// An encoder at its end may give its session back.
    Never,
}

/// Gives out the pictures of the pattern.
fn pattern_source((width, height): (u32, u32), cells: u32, ends: Ends) -> gst_app::AppSrc {
    let caps = gst_video::VideoCapsBuilder::new()
        .format(gst_video::VideoFormat::I420)
        .width(side(width))
        .height(side(height))
        .framerate(gst::Fraction::new(25, 1))
        .pixel_aspect_ratio(gst::Fraction::new(1, 1))
        .field("interlace-mode", "progressive")
        .field("colorimetry", "bt709")
        .build();
    let mut number = 0;
    let give = move |source: &gst_app::AppSrc, _| {
        if u64::from(number) == FRAMES {
            if ends == Ends::Yes {
                let _ = source.end_of_stream();
            }
            return;
        }
        let Some(mut buffer) = picture(width, height, cells, number) else {
            let _ = source.end_of_stream();
            return;
        };
        if let Some(fields) = buffer.get_mut() {
            let length = gst::ClockTime::from_mseconds(40);
            fields.set_pts(length * u64::from(number));
            fields.set_duration(length);
        }
        number += 1;
        let _ = source.push_buffer(buffer);
    };
    gst_app::AppSrc::builder()
        .name("trial-source")
        .caps(&caps)
        .format(gst::Format::Time)
        .callbacks(gst_app::AppSrcCallbacks::builder().need_data(give).build())
        .build()
}

/// A picture of the pattern as `GStreamer` lays it out.
fn picture(width: u32, height: u32, cells: u32, number: u32) -> Option<gst::Buffer> {
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height)
        .build()
        .ok()?;
    let drawn = pattern::draw(width as usize, height as usize, cells, number);
    let mut buffer = gst::Buffer::with_size(info.size()).ok()?;
    {
        let mut map = buffer.get_mut()?.map_writable().ok()?;
        for (plane, data) in drawn.planes.iter().enumerate() {
            let length = if plane == 0 { width } else { width.div_ceil(2) } as usize;
            let stride = usize::try_from(info.stride()[plane]).ok()?;
            let start = info.offset()[plane];
            for (row, line) in data.chunks(length).enumerate() {
                let at = start + row * stride;
                map.get_mut(at..at + length)?.copy_from_slice(line);
            }
        }
    }
    Some(buffer)
}

fn note(output: &mut Output, buffer: &gst::Buffer) {
    if !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) {
        output.keyframes.push(output.units.len() as u64);
    }
    if let Ok(map) = buffer.map_readable() {
        output.units.push(map.to_vec());
    }
}

impl Output {
    /// What is wrong with the output, in words; `None` if nothing is.
    pub(crate) fn fault(&self) -> Option<String> {
        let count = self.units.len() as u64;
        if count == 0 {
            Some("it took pictures and gave nothing back".into())
        } else if count != FRAMES {
            Some(format!("it gave {count} of {FRAMES} pictures back"))
        } else if clipsy_domain::codecs::avc1_from_access_unit(&self.units[0]).is_none() {
            Some("its first picture has no parameter sets".into())
        } else if !self.keyframes.contains(&FORCED) {
            Some("it does not make keyframes where they are asked for".into())
        } else {
            None
        }
    }
}

/// The decoded pictures, in the order of their showing.
pub(crate) type Pictures = Arc<Mutex<Vec<Picture>>>;

/// Decodes a file in Matroska with `parser` and `decoder`; a card's pictures are made half as large in
/// its memory first, as in the real pipeline.
pub(crate) fn decode(
    pipeline: &gst::Pipeline,
    file: &'static [u8],
    parser: Option<&str>,
    decoder: &str,
    memory: Option<&MemorySpec>,
) -> Result<Pictures, Error> {
    let demuxer = make("matroskademux", "trial-demuxer")?;
    let source = given(vec![file.to_vec()], None);
    element::chain(pipeline.upcast_ref(), &[source.upcast(), demuxer.clone()])?;
    let mut elements = Vec::new();
    if let Some(parser) = parser {
        elements.push(make(parser, "trial-parser")?);
    }
    elements.push(make(decoder, "trial-decoder")?);
    if let Some(memory) = memory {
        for (i, spec) in memory.scale.iter().enumerate() {
            elements.push(element::make_set(spec, &format!("trial-scale-{i}"))?);
        }
        let half = gst_video::VideoCapsBuilder::new().width(160).height(120);
        let half = element::in_memory(half.build(), Some(&memory.feature));
        elements.push(element::capsfilter("trial-half", &half)?);
        for (i, spec) in memory.download.iter().enumerate() {
            elements.push(element::make_set(spec, &format!("trial-download-{i}"))?);
        }
    }
    let pictures = collect(pipeline, &mut elements)?;
    let first = element::pad(&elements[0], "sink")?;
    demuxer.connect_pad_added(move |_, pad| {
        if !first.is_linked() && pad.link(&first).is_err() {
            tracing::debug!(pad = %pad.name(), "the sample does not link");
        }
    });
    Ok(pictures)
}

/// Decodes H.264 access units on the CPU.
pub(crate) fn decode_units(
    pipeline: &gst::Pipeline,
    units: Vec<Vec<u8>>,
    decoder: &str,
) -> Result<Pictures, Error> {
    let caps = gst::Caps::builder("video/x-h264")
        .field("stream-format", "byte-stream")
        .field("alignment", "au")
        .build();
    let mut elements = vec![
        given(units, Some(&caps)).upcast(),
        make("h264parse", "trial-parser")?,
        make(decoder, "trial-decoder")?,
    ];
    collect(pipeline, &mut elements)
}

/// A source of `buffers`.
fn given(buffers: Vec<Vec<u8>>, caps: Option<&gst::Caps>) -> gst_app::AppSrc {
    let mut buffers = buffers.into_iter();
    let give = move |source: &gst_app::AppSrc, _| {
        let _ = match buffers.next() {
            Some(bytes) => source.push_buffer(gst::Buffer::from_mut_slice(bytes)),
            None => source.end_of_stream(),
        };
    };
    let callbacks = gst_app::AppSrcCallbacks::builder().need_data(give).build();
    let source = gst_app::AppSrc::builder()
        .name("trial-given")
        .callbacks(callbacks)
        .build();
    source.set_caps(caps);
    source
}

/// Adds what takes decoded pictures in I420 to the end of `elements`, and links all of them.
fn collect(pipeline: &gst::Pipeline, elements: &mut Vec<gst::Element>) -> Result<Pictures, Error> {
    let pictures = Pictures::default();
    let caps = gst_video::VideoCapsBuilder::new().format(gst_video::VideoFormat::I420);
    let sink = gst_app::AppSink::builder()
        .name("trial-sink")
        .sync(false)
        .caps(&caps.build())
        .build();
    let collected = Arc::clone(&pictures);
    let take = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        if let (Some(picture), Ok(mut pictures)) = (read(&sample), collected.lock()) {
            pictures.push(picture);
        }
        Ok(gst::FlowSuccess::Ok)
    };
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(take)
            .build(),
    );
    elements.extend([make("videoconvert", "trial-convert")?, sink.upcast()]);
    element::chain(pipeline.upcast_ref(), elements)?;
    Ok(pictures)
}

fn read(sample: &gst::Sample) -> Option<Picture> {
    let info = gst_video::VideoInfo::from_caps(sample.caps()?).ok()?;
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer()?, &info).ok()?;
    let mut planes: [Vec<u8>; 3] = Default::default();
    for (component, plane) in (0u32..).zip(&mut planes) {
        let stride = usize::try_from(frame.plane_stride()[component as usize]).ok()?;
        let width = frame.comp_width(component) as usize;
        let data = frame.plane_data(component).ok()?;
        for row in data
            .chunks(stride)
            .take(frame.comp_height(component) as usize)
        {
            plane.extend_from_slice(row.get(..width)?);
        }
    }
    Some(Picture {
        planes,
        width: info.width() as usize,
        height: info.height() as usize,
    })
}
