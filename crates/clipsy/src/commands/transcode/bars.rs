//! Progress for people: a bar for each rendition on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::Write as _;

use clipsy_domain::progress::{Event, RenditionProgress, Summary};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Shows events.
pub(super) struct Bars {
    terminal: bool,
    all: MultiProgress,
    each: BTreeMap<String, ProgressBar>,
    /// Tenths of the whole that were reported where there is no terminal.
    tenths: u64,
}

impl Bars {
    pub(super) fn new(terminal: bool) -> Self {
        Self {
            terminal,
            all: MultiProgress::new(),
            each: BTreeMap::new(),
            tenths: 0,
        }
    }

    pub(super) fn show(&mut self, event: &Event) {
        match event {
            Event::Planned {
                renditions,
                frame_rate,
                duration_s,
                ..
            } => {
                let names: Vec<String> = renditions
                    .iter()
                    .map(|r| format!("{} {}x{}", r.name, r.width, r.height))
                    .collect();
                let length =
                    duration_s.map_or("unknown length".to_owned(), |s| format!("{s:.1} s"));
                self.line(&format!(
                    "{} at {frame_rate} fps, {length}",
                    names.join(", ")
                ));
                if self.terminal {
                    for rendition in renditions {
                        let bar = self.all.add(ProgressBar::new(1000));
                        bar.set_style(style());
                        bar.set_prefix(rendition.name.clone());
                        self.each.insert(rendition.name.clone(), bar);
                    }
                }
            }
            Event::EncoderSelected {
                label, passed_over, ..
            } => {
                let over: Vec<String> = passed_over
                    .iter()
                    .map(|p| format!("{}: {}", p.encoder, p.reason))
                    .collect();
                let over = if over.is_empty() {
                    String::new()
                } else {
                    format!(" (not {})", over.join("; not "))
                };
                self.line(&format!("encoding with {label}{over}"));
            }
            Event::EncoderFallback { from, to, reason } => {
                self.line(&format!(
                    "{from} failed, starting again with {to}: {reason}"
                ));
            }
            Event::Progress {
                percent,
                renditions,
                ..
            } => self.progress(*percent, renditions),
            Event::Playable { master } => self.line(&format!("playable: {master}")),
            Event::Warning { message, .. } => self.line(&format!("warning: {message}")),
            Event::Finished { summary } => {
                for bar in self.each.values() {
                    bar.set_position(1000);
                    bar.finish();
                }
                self.summary(summary);
            }
            Event::Failed { .. } => {
                for bar in self.each.values() {
                    bar.abandon();
                }
            }
            _ => {}
        }
    }

    fn progress(&mut self, percent: Option<f64>, renditions: &[RenditionProgress]) {
        for rendition in renditions {
            if let Some(bar) = self.each.get(&rendition.rung) {
                match rendition.percent {
                    Some(percent) => bar.set_position((percent * 10.0) as u64),
                    None => bar.tick(),
                }
                bar.set_message(describe(rendition));
            }
        }
        let tenths = percent.map_or(0, |p| (p / 10.0) as u64);
        if !self.terminal && tenths > self.tenths {
            self.tenths = tenths;
            let slowest = renditions.first().map(describe).unwrap_or_default();
            self.line(&format!("{} % · {slowest}", tenths * 10));
        }
    }

    fn summary(&self, summary: &Summary) {
        for r in &summary.renditions {
            self.line(&format!(
                "{:<8} {:>9}  {:>6} kbit/s  {:>10} bytes  {} segments  {}",
                r.quality, r.resolution, r.bitrate, r.file_size, r.segments, r.codecs
            ));
        }
        self.line(&format!(
            "{:.1} s of video in {:.1} s ({:.2}×), {:.1} s of CPU time, by {}",
            summary.duration_s, summary.wall_s, summary.speed, summary.cpu_s, summary.encoder
        ));
    }

    /// A line above the bars.
    fn line(&self, text: &str) {
        if self.terminal {
            // The terminal may have gone away; the job goes on.
            let _ = self.all.println(text);
        } else {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix:<6} {bar:30} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn describe(r: &RenditionProgress) -> String {
    let percent = r
        .percent
        .map_or_else(|| format!("{} frames", r.frames), |p| format!("{p:>5.1} %"));
    let eta = r.eta_s.map_or_else(
        || "–".to_owned(),
        |s| format!("{}:{:02}", s as u64 / 60, s as u64 % 60),
    );
    format!(
        "{percent} · {:.0} fps · {:.2}× · {eta} left · {}",
        r.fps, r.speed, r.encoder
    )
}
