//! Sources that are drawn, the element around them, and those who judge what comes out.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

/// Size of the pictures that are drawn.
const SIZE: (u32, u32) = (1280, 720);

/// What a source shows.
#[derive(Debug, Clone, Copy)]
enum Scene {
    Moving,
    Cuts,
    Fades,
    Slides,
    Noise,
    Sudden,
}

/// A source with a keyframe every two seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    scene: Scene,
    pub(crate) pictures: u32,
    pub(crate) rate: (u32, u32),
    /// From which picture on it has another size.
    pub(crate) changes: Option<(u32, (u32, u32))>,
}

macro_rules! sources {
    ($($name:ident $scene:ident),*) => {$(
        pub(crate) fn $name(pictures: u32, rate: (u32, u32)) -> Self {
            Self { scene: Scene::$scene, pictures, rate, changes: None }
        }
    )*};
}

impl Source {
    sources!(moving Moving, cuts Cuts, fades Fades, slides Slides, noise Noise, sudden Sudden);

    /// When a picture is shown, in nanoseconds.
    pub(crate) fn time(&self, number: u32) -> u64 {
        u64::from(number) * 1_000_000_000 * u64::from(self.rate.1) / u64::from(self.rate.0)
    }

    /// Pictures that are to be keyframes.
    pub(crate) fn marks(&self) -> Vec<u32> {
        let mut next = 0;
        let mut marks = Vec::new();
        for number in 0..self.pictures {
            if self.time(number) >= next * 2_000_000_000 {
                marks.push(number);
                next += 1;
            }
        }
        marks
    }

    fn size(&self, number: u32) -> (u32, u32) {
        match self.changes {
            Some((from, size)) if number >= from => size,
            _ => SIZE,
        }
    }

    fn draw(&self, number: u32) -> Vec<u8> {
        let (width, height) = self.size(number);
        let n = number.cast_signed();
        let mut state = number.wrapping_mul(2_654_435_761) | 1;
        let mut noise = |amplitude: i32| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 9).cast_signed() % (2 * amplitude + 1) - amplitude
        };
        let mut data = Vec::with_capacity((width * height * 3 / 2) as usize);
        for y in 0..height.cast_signed() {
            for x in 0..width.cast_signed() {
                let ground = |shift: i32| 60 + ((x + shift) / 3 + y / 2) % 120;
                let square = (x - 4 * n).rem_euclid(400) < 60 && (y / 60) % 2 == 0;
                let value = match self.scene {
                    Scene::Moving if square => 220,
                    Scene::Moving => ground(0) + noise(1),
                    Scene::Cuts => ground(n / 17 * 331) ^ ((n / 17 * 29) & 63),
                    Scene::Fades => ground(0) * (n % 50) / 50 + 16,
                    Scene::Slides => ground(n / 40 * 57),
                    Scene::Noise => ground(0) + noise(50),
                    Scene::Sudden if n < 70 => 90,
                    Scene::Sudden => ground(7 * n) + noise(60),
                };
                data.push(value.clamp(16, 235) as u8);
            }
        }
        data.resize((width * height * 3 / 2) as usize, 128);
        data
    }

    fn caps(&self, number: u32) -> gst::Caps {
        let (width, height) = self.size(number);
        gst::Caps::builder("video/x-raw")
            .field("format", "I420")
            .field("width", width.cast_signed())
            .field("height", height.cast_signed())
            .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
            .field(
                "framerate",
                gst::Fraction::new(self.rate.0.cast_signed(), self.rate.1.cast_signed()),
            )
            .field("interlace-mode", "progressive")
            .field("colorimetry", "bt709")
            .build()
    }
}

/// A coded picture as it came out.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub(crate) data: Vec<u8>,
    /// On the pipeline's time line, in nanoseconds; decoding may begin before zero.
    pub(crate) pts: i64,
    pub(crate) dts: i64,
    pub(crate) keyframe: bool,
}

type Outputs = Arc<(Mutex<Vec<Vec<Unit>>>, Condvar)>;

/// What an error message said.
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) source: String,
}

/// The element between a source of pictures and one sink a rendition.
pub(crate) struct Ladder {
    pub(crate) pipeline: gst::Pipeline,
    pub(crate) element: gst::Element,
    pub(crate) pads: Vec<gst::Pad>,
    source: gst_app::AppSrc,
    feeder: Mutex<Option<JoinHandle<()>>>,
    outputs: Outputs,
}

impl Ladder {
    /// For these widths, heights and rates in kbit/s.
    pub(crate) fn new(rungs: &[(u32, u32, u32)], threads: u32) -> Self {
        gst::init().unwrap();
        if gst::ElementFactory::find(gstclipsyx264ladder::NAME).is_none() {
            // Two tests may come here at once; one of them is told that it is there already.
            let _ = gstclipsyx264ladder::plugin_register_static();
        }
        let pipeline = gst::Pipeline::new();
        let source = gst_app::AppSrc::builder()
            .format(gst::Format::Time)
            .max_buffers(4)
            .block(true)
            .build();
        let element = gst::ElementFactory::make(gstclipsyx264ladder::NAME)
            .build()
            .unwrap();
        pipeline.add(source.upcast_ref::<gst::Element>()).unwrap();
        pipeline.add(&element).unwrap();
        source.link(&element).unwrap();
        let outputs = Outputs::default();
        outputs.0.lock().unwrap().resize(rungs.len(), Vec::new());
        let mut pads = Vec::new();
        for (i, &(width, height, kbps)) in rungs.iter().enumerate() {
            let pad = element.request_pad_simple("src_%u").unwrap();
            pad.set_property("width", width);
            pad.set_property("height", height);
            pad.set_property("bitrate", kbps);
            pad.set_property("threads", threads);
            let pyramid = if height >= 700 {
                ":b-pyramid=none:partitions=i4x4,i8x8"
            } else {
                ""
            };
            pad.set_property(
                "option-string",
                format!("me=dia:scenecut=0:open-gop=0{pyramid}"),
            );
            let sink = gst_app::AppSink::builder()
                .sync(false)
                .async_(false)
                .build();
            let to = Arc::clone(&outputs);
            let take = move |sink: &gst_app::AppSink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                let (buffer, segment) = (sample.buffer_owned().unwrap(), sample.segment().unwrap());
                let segment = segment.downcast_ref::<gst::ClockTime>().unwrap();
                let start = segment.start().unwrap().nseconds();
                let after = |time: Option<gst::ClockTime>| {
                    time.unwrap().nseconds().cast_signed() - start.cast_signed()
                };
                let unit = Unit {
                    data: buffer.map_readable().unwrap().to_vec(),
                    pts: after(buffer.pts()),
                    dts: after(buffer.dts()),
                    keyframe: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
                };
                to.0.lock().unwrap()[i].push(unit);
                to.1.notify_all();
                Ok(gst::FlowSuccess::Ok)
            };
            sink.set_callbacks(
                gst_app::AppSinkCallbacks::builder()
                    .new_sample(take)
                    .build(),
            );
            pipeline.add(sink.upcast_ref::<gst::Element>()).unwrap();
            pad.link(&sink.static_pad("sink").unwrap()).unwrap();
            pads.push(pad);
        }
        Self {
            pipeline,
            element,
            pads,
            source,
            feeder: Mutex::default(),
            outputs,
        }
    }

    /// Starts, and gives pictures out in a thread of their own.
    pub(crate) fn start(&self, source: &Source) {
        self.pipeline.set_state(gst::State::Playing).unwrap();
        let (to, source) = (self.source.clone(), *source);
        let feeder = std::thread::spawn(move || {
            let marks = source.marks();
            let pad = to.static_pad("src").unwrap();
            let count = std::sync::atomic::AtomicU32::new(0);
            // The request goes right before its picture, on the thread that gives pictures out.
            let probe = pad.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
                let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                if marks.contains(&number) {
                    let event = gstreamer_video::DownstreamForceKeyUnitEvent::builder();
                    pad.push_event(event.all_headers(true).build());
                }
                gst::PadProbeReturn::Ok
            });
            for number in 0..source.pictures {
                let mut buffer = gst::Buffer::from_mut_slice(source.draw(number));
                {
                    let buffer = buffer.get_mut().unwrap();
                    buffer.set_pts(gst::ClockTime::from_nseconds(source.time(number)));
                    let length = source.time(number + 1) - source.time(number);
                    buffer.set_duration(gst::ClockTime::from_nseconds(length));
                }
                let sample = gst::Sample::builder()
                    .buffer(&buffer)
                    .caps(&source.caps(number))
                    .build();
                if to.push_sample(&sample).is_err() {
                    break;
                }
            }
            let _ = to.end_of_stream();
            // Only of this run.
            while pad.sticky_event::<gst::event::Eos>(0).is_none()
                && to.current_state() >= gst::State::Paused
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            if let Some(probe) = probe {
                pad.remove_probe(probe);
            }
        });
        *self.feeder.lock().unwrap() = Some(feeder);
    }

    /// Waits until the first rendition has so many units.
    pub(crate) fn wait_for(&self, units: usize) {
        let outputs = self.outputs.0.lock().unwrap();
        let enough = self
            .outputs
            .1
            .wait_timeout_while(outputs, Duration::from_mins(2), |o| o[0].len() < units);
        assert!(!enough.unwrap().1.timed_out(), "nothing comes out");
    }

    /// Stops, and forgets what came out so far.
    pub(crate) fn stop(&self) {
        self.pipeline.set_state(gst::State::Ready).unwrap();
        // A feeder that still had pictures would give them to the next run.
        if let Some(feeder) = self.feeder.lock().unwrap().take() {
            feeder.join().unwrap();
        }
        self.outputs
            .0
            .lock()
            .unwrap()
            .iter_mut()
            .for_each(Vec::clear);
    }

    /// What comes out of a source.
    #[track_caller]
    pub(crate) fn run(&self, source: &Source) -> Vec<Vec<Unit>> {
        self.start(source);
        if let Err(said) = self.finish() {
            panic!("{}: {}", said.source, said.text);
        }
        self.outputs.0.lock().unwrap().clone()
    }

    /// The error in which a source ends.
    #[track_caller]
    pub(crate) fn fails(&self, source: &Source) -> Said {
        self.start(source);
        self.finish().expect_err("it does not fail")
    }

    fn finish(&self) -> Result<(), Said> {
        let bus = self.pipeline.bus().unwrap();
        let wanted = [gst::MessageType::Eos, gst::MessageType::Error];
        let message = bus.timed_pop_filtered(gst::ClockTime::from_seconds(300), &wanted);
        let result = match message.expect("it comes to an end").view() {
            gst::MessageView::Error(error) => Err(Said {
                text: error.error().message().to_owned(),
                source: error
                    .src()
                    .map(|s| s.name().to_string())
                    .unwrap_or_default(),
            }),
            _ => Ok(()),
        };
        self.pipeline.set_state(gst::State::Null).unwrap();
        result
    }
}

impl Drop for Ladder {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// What ffprobe sees in a stream.
pub(crate) struct Seen {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) profile: String,
    pub(crate) types: Vec<String>,
    pub(crate) keys: Vec<bool>,
}

/// Asks ffprobe.
pub(crate) fn probe(units: &[Unit]) -> Seen {
    let entries = "stream=width,height,profile:frame=pict_type,key_frame";
    let said = feed(
        Command::new("ffprobe")
            .args(["-v", "error", "-of", "json", "-show_entries", entries])
            .args(["-f", "h264", "-"]),
        units,
    );
    let found: serde_json::Value = serde_json::from_slice(&said).unwrap();
    let stream = &found["streams"][0];
    let length = |name: &str| stream[name].as_u64().unwrap() as u32;
    let frames = found["frames"].as_array().unwrap();
    Seen {
        width: length("width"),
        height: length("height"),
        profile: stream["profile"].as_str().unwrap().to_owned(),
        types: frames
            .iter()
            .map(|f| f["pict_type"].as_str().unwrap().to_owned())
            .collect(),
        keys: frames.iter().map(|f| f["key_frame"] == 1).collect(),
    }
}

/// How many columns of each picture are black, by ffmpeg's decoder.
pub(crate) fn black_columns(units: &[Unit]) -> Vec<u32> {
    let seen = probe(units);
    let (width, height) = (seen.width as usize, seen.height as usize);
    let pictures = feed(
        Command::new("ffmpeg").args([
            "-v", "error", "-f", "h264", "-i", "-", "-f", "rawvideo", "-pix_fmt", "gray", "-",
        ]),
        units,
    );
    let columns = |picture: &[u8]| {
        let is_black = |x: &usize| (0..height).all(|y| picture[y * width + x] < 30);
        (0..width).filter(is_black).count() as u32
    };
    pictures.chunks_exact(width * height).map(columns).collect()
}

fn feed(command: &mut Command, units: &[Unit]) -> Vec<u8> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg is installed by `make test`");
    let mut stdin = child.stdin.take().unwrap();
    let stream: Vec<u8> = units.iter().flat_map(|unit| unit.data.clone()).collect();
    let writer = std::thread::spawn(move || stdin.write_all(&stream));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// The least that a decoder's buffer of two seconds holds, over its size. It is filled at the highest rate
/// and starts nine tenths full, as x264 has it; pictures leave it in the order in which they are decoded.
pub(crate) fn lowest_fill(units: &[Unit], kbps: u32, rate: (u32, u32)) -> f64 {
    let size = f64::from(kbps) * 2000.0;
    let per_picture = f64::from(kbps) * 1000.0 * f64::from(rate.1) / f64::from(rate.0);
    let (mut fill, mut lowest) = (0.9 * size, size);
    for unit in units {
        fill -= unit.data.len() as f64 * 8.0;
        lowest = lowest.min(fill);
        fill = (fill + per_picture).min(size);
    }
    lowest / size
}
