//! What Linux knows of this process, under the names that Prometheus clients give it everywhere.

use std::fmt::Write as _;
use std::fs;

/// One figure about the process.
type Line = (&'static str, &'static str, &'static str, f64);

/// Appends the figures to `text`. What cannot be read is left out.
pub(super) fn write(text: &mut String) {
    for (name, kind, help, value) in figures().into_iter().flatten() {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n"
        );
    }
}

fn figures() -> [Option<Line>; 7] {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let boot = fs::read_to_string("/proc/stat").unwrap_or_default();
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let page = rustix::param::page_size() as f64;
    let stat = Stat::parse(&stat);
    let of = |value: fn(&Stat) -> f64| stat.as_ref().map(value);
    let line = |name, kind, help, value: Option<f64>| value.map(|v| (name, kind, help, v));
    let started = boot_time(&boot)
        .zip(of(|stat| stat.start_ticks))
        .map(|(boot, start)| boot + start / ticks);
    [
        line(
            "process_cpu_seconds_total",
            "counter",
            "Processor time of this process without its children.",
            of(|stat| stat.cpu_ticks).map(|cpu| cpu / ticks),
        ),
        line(
            "process_resident_memory_bytes",
            "gauge",
            "Memory in use.",
            of(|stat| stat.resident_pages).map(|pages| pages * page),
        ),
        line(
            "process_virtual_memory_bytes",
            "gauge",
            "Address space in use.",
            of(|stat| stat.virtual_bytes),
        ),
        line(
            "process_threads",
            "gauge",
            "Threads.",
            of(|stat| stat.threads),
        ),
        line(
            "process_start_time_seconds",
            "gauge",
            "When it was started, in seconds since 1970.",
            started,
        ),
        line(
            "process_open_fds",
            "gauge",
            "Open files and connections.",
            fs::read_dir("/proc/self/fd")
                .ok()
                // One of them is the folder that is being read.
                .map(|entries| entries.count().saturating_sub(1) as f64),
        ),
        line(
            "process_max_fds",
            "gauge",
            "Files and connections that may be open.",
            most_files(&limits),
        ),
    ]
}

/// What is used of `/proc/self/stat` (proc(5)).
#[derive(Debug, PartialEq)]
struct Stat {
    cpu_ticks: f64,
    threads: f64,
    start_ticks: f64,
    virtual_bytes: f64,
    resident_pages: f64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The second field is the name in brackets, and may have anything in it.
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // As proc(5) numbers them; the third is the first here.
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

/// When the machine was started, in seconds since 1970.
fn boot_time(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

fn most_files(text: &str) -> Option<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_of_processes_do_no_harm() {
        let text = "42 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 111 222 13 14 15 16 17 18 1900 2000 21 22";
        let stat = Stat::parse(text).unwrap();
        assert!((stat.cpu_ticks - 333.0).abs() < f64::EPSILON, "{stat:?}");
        assert!((stat.threads - 17.0).abs() < f64::EPSILON, "{stat:?}");
        assert!((stat.start_ticks - 1900.0).abs() < f64::EPSILON, "{stat:?}");
        assert_eq!(Stat::parse("42 (a) R 1"), None);
    }

    #[test]
    fn everything_can_be_read_here() {
        for line in figures() {
            let (name, _, _, value) = line.unwrap();
            assert!(value > 0.0 || name == "process_cpu_seconds_total", "{name}");
        }
    }
}
