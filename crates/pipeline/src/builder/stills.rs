//! Poster and storyboard from the same decode: a branch of the tee that lets only the wanted
//! pictures through.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use clipsy_domain::storyboard::{COLUMNS, ROWS, Spacing, StoryboardPlan};
use clipsy_picture::{Area, Plane, PlaneMut, Scaler};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use super::element::{self, make};
use super::keyframes::running_time;
use crate::Error;
use crate::catalog::ElementSpec;

/// What to take from the video, in microseconds of its own time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StillsPlan {
    pub(crate) thumbnail_at_us: u64,
    pub(crate) thumbnail_size: (u32, u32),
    pub(crate) storyboard: StoryboardPlan,
}

/// Longest side of the poster.
const THUMBNAIL_SIDE: u32 = 1280;

impl StillsPlan {
    /// The poster is the picture at one second, or in the middle of a video that is shorter than
    /// that; it is 1280 wide or high at most. `width` and `height` are those of the upright,
    /// square-pixel picture.
    pub(crate) fn new(duration_us: Option<u64>, width: u32, height: u32) -> Self {
        Self {
            thumbnail_at_us: duration_us
                .filter(|d| *d <= 1_000_000)
                .map_or(1_000_000, |d| d / 2),
            thumbnail_size: thumbnail_size(width, height),
            storyboard: StoryboardPlan::new(duration_us, width, height),
        }
    }
}

/// Size of the poster of a picture with square pixels.
fn thumbnail_size(width: u32, height: u32) -> (u32, u32) {
    let scale = (f64::from(THUMBNAIL_SIDE) / f64::from(width.max(height).max(1))).min(1.0);
    let side = |n: u32| ((f64::from(n) * scale / 2.0).round() as u32 * 2).max(2);
    (side(width), side(height))
}

/// A poster of an I420 picture, as JPEG. `caps` describe the picture.
pub(crate) fn poster(buffer: &gst::Buffer, caps: &gst::Caps) -> Result<Vec<u8>, Error> {
    let info = gst_video::VideoInfo::from_caps(caps)?;
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info)?;
    fitted(&frame, thumbnail_size(info.width(), info.height()))
}

/// JPEG of `frame` scaled to `size`.
fn fitted(
    frame: &gst_video::VideoFrameRef<&gst::BufferRef>,
    (width, height): (u32, u32),
) -> Result<Vec<u8>, Error> {
    let mut picture = blank(width, height, frame.info())?;
    let whole = Area {
        left: 0,
        top: 0,
        width,
        height,
    };
    place(frame, &mut picture, whole)?;
    jpeg(&picture.picture, &picture.info)
}

/// A picture that was asked for.
pub(crate) enum Still {
    /// The poster, as JPEG.
    Thumbnail(Vec<u8>),
    /// A sheet of the storyboard, as JPEG.
    Sheet { index: usize, jpeg: Vec<u8> },
    /// The storyboard is over; it has this many tiles, so many microseconds apart.
    End { tiles: u64, interval_us: u64 },
}

/// Adds the branch; pictures arrive at the receiver, ending with [`Still::End`].
pub(crate) fn add(
    pipeline: &gst::Pipeline,
    tee: &gst::Element,
    download: &[ElementSpec],
    plan: StillsPlan,
) -> Result<Receiver<Still>, Error> {
    let queue = element::frame_queue("stills.queue", 2)?;
    let mut elements = vec![queue.clone()];
    for (i, spec) in download.iter().enumerate() {
        elements.push(element::make_set(spec, &format!("stills.download-{i}"))?);
    }
    let i420 = gst_video::VideoCapsBuilder::new()
        .format(gst_video::VideoFormat::I420)
        .build();
    let ready = element::capsfilter("stills.ready", &i420)?;
    let sink = make("fakesink", "stills.sink")?;
    sink.set_property("sync", false);
    sink.set_property("async", false);
    elements.extend([make("videoconvert", "stills.convert")?, ready.clone(), sink]);
    element::chain(pipeline.upcast_ref(), &elements)?;
    let branch = element::branch(tee, &queue)?;

    // Filtering in front of the queue keeps the queue free for wanted pictures only.
    let wants = Arc::new(Mutex::new(Wants::new(plan)));
    let chooser = Arc::clone(&wants);
    branch.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let time = info
            .buffer()
            .and_then(|b| b.pts())
            .and_then(|pts| running_time(pad, pts));
        let mut wants = chooser.lock().unwrap_or_else(PoisonError::into_inner);
        match time {
            Some(time) if wants.choose(time.useconds()) => gst::PadProbeReturn::Ok,
            _ => gst::PadProbeReturn::Drop,
        }
    });

    // Pictures are taken in front of the sink and never reach it: a sink holds its first picture
    // until all others have one, which an encoder with a long memory may delay to the very end.
    let (send, receive) = channel();
    let maker = Mutex::new(Maker::new(plan, send));
    let mask = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM;
    element::pad(&ready, "src")?.add_probe(mask, move |pad, info| {
        let mut maker = maker.lock().unwrap_or_else(PoisonError::into_inner);
        let result = match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => {
                let want = wants
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .chosen
                    .pop_front();
                match (want, pad.current_caps()) {
                    (Some(want), Some(caps)) => maker.take(buffer, &caps, want),
                    _ => Ok(()),
                }
            }
            Some(gst::PadProbeData::Event(event)) if event.type_() == gst::EventType::Eos => {
                let mut wants = wants.lock().unwrap_or_else(PoisonError::into_inner);
                maker.finish(&mut wants.spacing)
            }
            _ => return gst::PadProbeReturn::Ok,
        };
        if let Err(error) = result {
            // A video without a picture beside it is better than no video.
            tracing::warn!(%error, "a still could not be made");
        }
        match &info.data {
            Some(gst::PadProbeData::Buffer(_)) => gst::PadProbeReturn::Drop,
            _ => gst::PadProbeReturn::Ok,
        }
    });
    Ok(receive)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Want {
    thumbnail: bool,
    /// A tile, before which so often every second of the others is dropped.
    tile: Option<u32>,
    /// No tile is dropped after this one.
    is_settled: bool,
}

/// Decides which pictures are wanted.
struct Wants {
    plan: StillsPlan,
    first: bool,
    thumbnail_done: bool,
    spacing: Spacing,
    chosen: std::collections::VecDeque<Want>,
}

impl Wants {
    fn new(plan: StillsPlan) -> Self {
        Self {
            plan,
            first: true,
            thumbnail_done: false,
            spacing: Spacing::new(&plan.storyboard),
            chosen: std::collections::VecDeque::new(),
        }
    }

    fn choose(&mut self, time_us: u64) -> bool {
        let due = time_us >= self.plan.thumbnail_at_us && !self.thumbnail_done;
        self.thumbnail_done |= due;
        let tile = self.spacing.take(time_us);
        // The first picture stands in until the right one comes, in case the video ends before.
        let want = Want {
            thumbnail: due || self.first,
            tile,
            is_settled: self.spacing.is_final(),
        };
        self.first = false;
        let wanted = want.thumbnail || want.tile.is_some();
        if wanted {
            self.chosen.push_back(want);
        }
        wanted
    }
}

/// Makes JPEGs of the pictures.
struct Maker {
    plan: StillsPlan,
    send: Sender<Still>,
    /// Tiles of which some may still be dropped, so that they are on no sheet yet.
    early: Vec<Sheet>,
    sheet: Option<Sheet>,
    sheets: usize,
    tiles: u64,
}

struct Sheet {
    picture: gst::Buffer,
    info: gst_video::VideoInfo,
    tiles: u32,
}

impl Maker {
    fn new(plan: StillsPlan, send: Sender<Still>) -> Self {
        Self {
            plan,
            send,
            early: Vec::new(),
            sheet: None,
            sheets: 0,
            tiles: 0,
        }
    }

    fn take(&mut self, buffer: &gst::Buffer, caps: &gst::Caps, want: Want) -> Result<(), Error> {
        let info = gst_video::VideoInfo::from_caps(caps)?;
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info)?;
        if want.thumbnail {
            let jpeg = fitted(&frame, self.plan.thumbnail_size)?;
            self.send(Still::Thumbnail(jpeg));
        }
        if let Some(drops) = want.tile {
            self.drop_tiles(drops);
            let StoryboardPlan {
                tile_width,
                tile_height,
                ..
            } = self.plan.storyboard;
            let mut tile = blank(tile_width, tile_height, &info)?;
            place(&frame, &mut tile, self.area(0, 0))?;
            self.early.push(tile);
        }
        if want.is_settled {
            self.settle()?;
        }
        Ok(())
    }

    fn drop_tiles(&mut self, times: u32) {
        for _ in 0..times {
            let mut index = 0;
            self.early.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
    }

    /// Puts the tiles of which none will be dropped on their sheets.
    fn settle(&mut self) -> Result<(), Error> {
        for tile in std::mem::take(&mut self.early) {
            let StoryboardPlan {
                tile_width: width,
                tile_height: height,
                ..
            } = self.plan.storyboard;
            let mut sheet = match self.sheet.take() {
                Some(sheet) => sheet,
                None => blank(width * COLUMNS, height * ROWS, &tile.info)?,
            };
            let area = self.area(sheet.tiles % COLUMNS, sheet.tiles / COLUMNS);
            let frame =
                gst_video::VideoFrameRef::from_buffer_ref_readable(&tile.picture, &tile.info)?;
            place(&frame, &mut sheet, area)?;
            sheet.tiles += 1;
            self.tiles += 1;
            let full = sheet.tiles == COLUMNS * ROWS;
            self.sheet = Some(sheet);
            if full {
                self.finish_sheet()?;
            }
        }
        Ok(())
    }

    /// The place of a tile on a sheet.
    fn area(&self, column: u32, row: u32) -> Area {
        let board = &self.plan.storyboard;
        Area {
            left: column * board.tile_width,
            top: row * board.tile_height,
            width: board.tile_width,
            height: board.tile_height,
        }
    }

    fn finish_sheet(&mut self) -> Result<(), Error> {
        if let Some(sheet) = self.sheet.take() {
            let used = sheet.tiles.div_ceil(COLUMNS) * self.plan.storyboard.tile_height;
            let sheet = if used < sheet.info.height() {
                cut(&sheet, used)?
            } else {
                sheet
            };
            let jpeg = jpeg(&sheet.picture, &sheet.info)?;
            self.send(Still::Sheet {
                index: self.sheets,
                jpeg,
            });
            self.sheets += 1;
        }
        Ok(())
    }

    fn finish(&mut self, spacing: &mut Spacing) -> Result<(), Error> {
        self.drop_tiles(spacing.finish());
        let result = self.settle().and_then(|()| self.finish_sheet());
        self.send(Still::End {
            tiles: self.tiles,
            interval_us: spacing.interval_us(),
        });
        result
    }

    fn send(&self, still: Still) {
        // Nobody listens any more only when the run is being torn down.
        let _ = self.send.send(still);
    }
}

/// A black picture with the colour description of `like`.
fn blank(width: u32, height: u32, like: &gst_video::VideoInfo) -> Result<Sheet, Error> {
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height)
        .colorimetry(&like.colorimetry())
        .fps(gst::Fraction::new(1, 1))
        .build()?;
    let mut picture = gst::Buffer::with_size(info.size())?;
    {
        let picture = picture
            .get_mut()
            .ok_or_else(|| Error::Internal("a new buffer is shared".into()))?;
        let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(picture, &info)?;
        for (plane, black) in [(0, 16u8), (1, 128), (2, 128)] {
            frame.plane_data_mut(plane)?.fill(black);
        }
    }
    Ok(Sheet {
        picture,
        info,
        tiles: 0,
    })
}

/// The upper `height` rows of a sheet.
fn cut(sheet: &Sheet, height: u32) -> Result<Sheet, Error> {
    let mut upper = blank(sheet.info.width(), height, &sheet.info)?;
    let from = gst_video::VideoFrameRef::from_buffer_ref_readable(&sheet.picture, &sheet.info)?;
    let picture = upper.picture.make_mut();
    let mut to = gst_video::VideoFrameRef::from_buffer_ref_writable(picture, &upper.info)?;
    for plane in 0..3 {
        // Both have the same width, so their rows lie equally far apart.
        let rows = to.plane_data_mut(plane)?;
        let length = rows.len();
        rows.copy_from_slice(&from.plane_data(plane)?[..length]);
    }
    drop(to);
    Ok(upper)
}

/// Scales `frame` into `area` of `sheet`; all of `area`'s numbers are even.
fn place(
    frame: &gst_video::VideoFrameRef<&gst::BufferRef>,
    sheet: &mut Sheet,
    area: Area,
) -> Result<(), Error> {
    let picture = sheet.picture.make_mut();
    let mut target = gst_video::VideoFrameRef::from_buffer_ref_writable(picture, &sheet.info)?;
    for component in 0..3u32 {
        let shift = u32::from(component > 0);
        let length = |strides: &[i32]| {
            strides
                .get(component as usize)
                .and_then(|s| usize::try_from(*s).ok())
                .unwrap_or(0)
        };
        let from = Plane {
            data: frame.plane_data(component)?,
            stride: length(frame.plane_stride()),
            width: frame.comp_width(component),
            height: frame.comp_height(component),
        };
        let stride = length(target.plane_stride());
        let to = &mut PlaneMut {
            data: target.plane_data_mut(component)?,
            stride,
        };
        let area = Area {
            left: area.left >> shift,
            top: area.top >> shift,
            width: area.width >> shift,
            height: area.height >> shift,
        };
        Scaler::default().scale(&from, to, area)?;
    }
    Ok(())
}

/// Full range and the matrix of BT.601, as JPEG has them.
const FULL_RANGE: &str = "1:4:0:0";

/// The picture in full range, if that is all that it lacks to be a JPEG: `videoconvert` of
/// `GStreamer` 1.22 looks at the matrix only, and leaves the range as it is when that is right.
fn stretched(
    picture: &gst::Buffer,
    info: &gst_video::VideoInfo,
) -> Result<Option<(gst::Buffer, gst_video::VideoInfo)>, Error> {
    let colours = info.colorimetry();
    if colours.range() != gst_video::VideoColorRange::Range16_235
        || colours.matrix() != gst_video::VideoColorMatrix::Bt601
    {
        return Ok(None);
    }
    let full = gst_video::VideoInfo::builder(info.format(), info.width(), info.height())
        .colorimetry(&FULL_RANGE.parse()?)
        .fps(info.fps())
        .build()?;
    let mut wide = picture.copy_deep()?;
    {
        let wide = wide
            .get_mut()
            .ok_or_else(|| Error::Internal("a new buffer is shared".into()))?;
        let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(wide, info)?;
        for plane in 0..3u32 {
            let table: [u8; 256] = std::array::from_fn(|n| stretch(n, plane > 0));
            for sample in frame.plane_data_mut(plane)? {
                *sample = table[usize::from(*sample)];
            }
        }
    }
    Ok(Some((wide, full)))
}

/// A sample in full range: black is 16 and white 235, chroma goes from 16 to 240 around 128.
fn stretch(sample: usize, chroma: bool) -> u8 {
    let (zero, middle, range) = if chroma {
        (128.0, 128.0, 224.0)
    } else {
        (16.0, 0.0, 219.0)
    };
    ((sample as f64 - zero) * 255.0 / range + middle)
        .round()
        .clamp(0.0, 255.0) as u8
}

/// JPEG of a picture. JPEG has full range and the BT.601 matrix, so the colours are converted.
fn jpeg(picture: &gst::Buffer, info: &gst_video::VideoInfo) -> Result<Vec<u8>, Error> {
    match stretched(picture, info)? {
        Some((wide, full)) => encoded(&wide, &full),
        None => encoded(picture, info),
    }
}

fn encoded(picture: &gst::Buffer, info: &gst_video::VideoInfo) -> Result<Vec<u8>, Error> {
    let pipeline = gst::Pipeline::with_name("jpeg");
    let source = gst_app::AppSrc::builder()
        .caps(&info.to_caps()?)
        .format(gst::Format::Time)
        .build();
    let full_range = gst_video::VideoCapsBuilder::new()
        .format(gst_video::VideoFormat::I420)
        .field("colorimetry", FULL_RANGE)
        .build();
    let encoder = make("jpegenc", "jpeg-encoder")?;
    encoder.set_property("quality", 82i32);
    let sink = gst_app::AppSink::builder().sync(false).build();
    element::chain(
        pipeline.upcast_ref(),
        &[
            source.clone().upcast(),
            make("videoconvert", "jpeg-convert")?,
            element::capsfilter("jpeg-range", &full_range)?,
            encoder,
            sink.clone().upcast(),
        ],
    )?;
    let encode = || -> Result<Vec<u8>, Error> {
        pipeline.set_state(gst::State::Playing)?;
        let failed = || Error::Internal("a still could not be encoded as JPEG".into());
        let mut buffer = picture.copy();
        buffer.make_mut().set_pts(gst::ClockTime::ZERO);
        source.push_buffer(buffer).map_err(|_| failed())?;
        source.end_of_stream().map_err(|_| failed())?;
        let sample = sink
            .try_pull_sample(gst::ClockTime::from_seconds(20))
            .ok_or_else(failed)?;
        let map = sample.buffer().ok_or_else(failed)?.map_readable()?;
        Ok(map.to_vec())
    };
    let result = encode();
    crate::run::stop(&pipeline);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(duration_us: u64, fps: u64) -> (Vec<u64>, Vec<u64>) {
        let mut wants = Wants::new(StillsPlan::new(Some(duration_us), 1920, 1080));
        let (mut thumbnails, mut tiles) = (vec![], vec![]);
        for frame in 0..duration_us * fps / 1_000_000 {
            let time = frame * 1_000_000 / fps;
            if wants.choose(time) {
                let want = wants.chosen.pop_back().unwrap();
                thumbnails.extend(want.thumbnail.then_some(time));
                let drops = want.tile.unwrap_or(0);
                (0..drops).for_each(|_| tiles = tiles.iter().copied().step_by(2).collect());
                tiles.extend(want.tile.map(|_| time));
            }
        }
        let drops = wants.spacing.finish();
        (0..drops).for_each(|_| tiles = tiles.iter().copied().step_by(2).collect());
        (thumbnails, tiles)
    }

    #[test]
    fn the_poster_is_taken_at_one_second_and_the_first_picture_stands_in() {
        let (thumbnails, tiles) = chosen(60_000_000, 25);
        assert_eq!(thumbnails, [0, 1_000_000]);
        assert_eq!(tiles, (0..10).map(|i| i * 6_000_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_short_video_is_pictured_in_its_middle() {
        let (thumbnails, tiles) = chosen(800_000, 25);
        assert_eq!(thumbnails, [0, 400_000]);
        assert_eq!(tiles.len(), 10);
    }

    #[test]
    fn black_and_white_are_stretched_to_the_ends() {
        assert_eq!(
            [0, 16, 126, 235, 255].map(|n| stretch(n, false)),
            [0, 0, 128, 255, 255]
        );
        assert_eq!(
            [0, 16, 128, 240, 255].map(|n| stretch(n, true)),
            [0, 1, 128, 255, 255]
        );
    }

    #[test]
    fn the_poster_fits_into_1280() {
        assert_eq!(
            StillsPlan::new(None, 3840, 2160).thumbnail_size,
            (1280, 720)
        );
        assert_eq!(
            StillsPlan::new(None, 1080, 1920).thumbnail_size,
            (720, 1280)
        );
        assert_eq!(StillsPlan::new(None, 640, 360).thumbnail_size, (640, 360));
    }
}
