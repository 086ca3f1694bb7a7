//! Every metric: its name, kind and help text. Names and labels are stable, since dashboards
//! and alerts are built on them.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// How a figure behaves.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Only grows, from zero at each start.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts how many values were at most each of these.
    Histogram(&'static [f64]),
}

/// One figure.
#[derive(Debug)]
pub(super) struct Figure {
    /// Its name, with its unit.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// What it says, with its labels.
    pub(super) help: &'static str,
}

/// Seconds of requests and of the store.
const SHORT: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0,
];
/// Seconds of jobs.
const LONG: &[f64] = &[
    0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 10_800.0, 43_200.0,
];
/// Seconds of video made per second.
const SPEED: &[f64] = &[
    0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 50.0,
];

const fn counter(name: &'static str, help: &'static str) -> Figure {
    Figure {
        name,
        kind: Kind::Counter,
        help,
    }
}

const fn gauge(name: &'static str, help: &'static str) -> Figure {
    Figure {
        name,
        kind: Kind::Gauge,
        help,
    }
}

const fn histogram(name: &'static str, buckets: &'static [f64], help: &'static str) -> Figure {
    Figure {
        name,
        kind: Kind::Histogram(buckets),
        help,
    }
}

/// All of them, but those about the process, which every program has.
pub(super) const FIGURES: &[Figure] = &[
    gauge(
        "clipsy_build_info",
        "Always 1; the version is in the label.",
    ),
    // HTTP
    counter(
        "clipsy_http_requests_total",
        "Completed requests by route template, method and status.",
    ),
    histogram(
        "clipsy_http_request_seconds",
        SHORT,
        "Time until the response started, by route and method.",
    ),
    gauge(
        "clipsy_http_requests_in_progress",
        "Requests whose response has not started.",
    ),
    gauge("clipsy_http_connections", "Open connections."),
    counter(
        "clipsy_http_connections_cut_total",
        "Connections closed to make room for others.",
    ),
    counter(
        "clipsy_http_connections_refused_total",
        "Connections refused to addresses that were using all of their share.",
    ),
    // GraphQL
    counter(
        "clipsy_graphql_operations_total",
        "GraphQL operations by type and outcome (ok, errors, refused).",
    ),
    histogram(
        "clipsy_graphql_operation_seconds",
        SHORT,
        "Duration of queries and mutations.",
    ),
    gauge("clipsy_graphql_subscriptions", "Active subscriptions."),
    gauge(
        "clipsy_graphql_streams",
        "Open web sockets and event streams.",
    ),
    // Uploads
    gauge(
        "clipsy_uploads_in_progress",
        "Uploads whose bytes are being received.",
    ),
    counter(
        "clipsy_upload_received_bytes_total",
        "Bytes of uploads written.",
    ),
    counter(
        "clipsy_uploads_finished_total",
        "Uploads that became videos, by way (tus, form).",
    ),
    counter(
        "clipsy_upload_interruptions_total",
        "Interrupted or refused requests of resumable uploads.",
    ),
    // Storage
    histogram(
        "clipsy_store_operation_seconds",
        SHORT,
        "Duration of media store operations, by operation and outcome (ok, error).",
    ),
    gauge(
        "clipsy_store_free_bytes",
        "Free bytes in the media store, if known.",
    ),
    gauge(
        "clipsy_database_connections",
        "Connections to the database by pool and state (in_use, idle).",
    ),
    gauge(
        "clipsy_database_connections_max",
        "Maximum number of connections of a pool.",
    ),
    gauge(
        "clipsy_database_ping_seconds",
        "Recent response time of the database.",
    ),
    gauge("clipsy_database_up", "1 if the database responds, else 0."),
    // The queue, as the database has it: the same in every process.
    gauge(
        "clipsy_queue_jobs",
        "Unfinished jobs by state (queued, running).",
    ),
    gauge(
        "clipsy_queue_oldest_seconds",
        "Age of the oldest job that is ready to run.",
    ),
    gauge(
        "clipsy_queue_paused",
        "1 while the queue is paused, else 0.",
    ),
    gauge(
        "clipsy_jobs",
        "All jobs by state, counted every ten minutes.",
    ),
    gauge("clipsy_workers", "Workers that reported recently."),
    // Work
    gauge(
        "clipsy_worker_slots",
        "Jobs that this process can run concurrently.",
    ),
    gauge(
        "clipsy_worker_jobs_running",
        "Jobs running in this process.",
    ),
    histogram(
        "clipsy_job_wait_seconds",
        LONG,
        "Time from when a job was ready to run until it started.",
    ),
    histogram(
        "clipsy_job_playable_seconds",
        LONG,
        "Time from the end of the upload until the video was playable.",
    ),
    counter(
        "clipsy_attempts_total",
        "Attempts by outcome (finished, retried, failed, lost, drained, unsettled) and failure code.",
    ),
    histogram(
        "clipsy_attempt_seconds",
        LONG,
        "Duration of attempts by outcome.",
    ),
    histogram(
        "clipsy_encode_speed_ratio",
        SPEED,
        "Seconds of video encoded per second with all renditions, by encoder.",
    ),
    counter(
        "clipsy_encoder_fallbacks_total",
        "Encoders that failed while encoding, and their replacement.",
    ),
    gauge(
        "clipsy_encoder_sessions",
        "Encoder sessions in use, one per rendition.",
    ),
    // Graphics cards, of which every worker of a machine tells the same.
    gauge(
        "clipsy_card_sessions",
        "Encoding sessions of this machine's jobs on a graphics card.",
    ),
    gauge(
        "clipsy_card_session_limit",
        "Maximum encoding sessions on a graphics card, if limited.",
    ),
    gauge(
        "clipsy_card_load_ratio",
        "Load of a graphics card by unit (encoder, decoder, all), 0 to 1, if its driver reports it.",
    ),
    gauge(
        "clipsy_card_memory_used_bytes",
        "Used memory of a graphics card, if its driver reports it.",
    ),
];

/// Says what each figure is, and makes those known that have one value.
pub(super) fn describe() {
    for figure in FIGURES {
        match figure.kind {
            Kind::Counter => describe_counter!(figure.name, figure.help),
            Kind::Gauge => describe_gauge!(figure.name, figure.help),
            Kind::Histogram(_) if figure.name.ends_with("_seconds") => {
                describe_histogram!(figure.name, Unit::Seconds, figure.help);
            }
            Kind::Histogram(_) => describe_histogram!(figure.name, figure.help),
        }
    }
    metrics::gauge!("clipsy_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    for name in [
        "clipsy_http_connections",
        "clipsy_http_requests_in_progress",
        "clipsy_graphql_subscriptions",
        "clipsy_graphql_streams",
    ] {
        metrics::gauge!(name).set(0.0);
    }
    for name in [
        "clipsy_http_connections_cut_total",
        "clipsy_http_connections_refused_total",
        "clipsy_upload_received_bytes_total",
        "clipsy_upload_interruptions_total",
    ] {
        metrics::counter!(name).absolute(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions() {
        for figure in FIGURES {
            let name = figure.name;
            assert!(name.starts_with("clipsy_"), "{name}");
            let counts = matches!(figure.kind, Kind::Counter);
            assert_eq!(name.ends_with("_total"), counts, "{name}");
            assert!(figure.help.ends_with('.'), "{name}");
            let twice = FIGURES.iter().filter(|other| other.name == name).count();
            assert_eq!(twice, 1, "{name}");
            if let Kind::Histogram(buckets) = figure.kind {
                assert!(buckets.is_sorted(), "{name}");
            }
        }
    }

    #[test]
    fn the_manual_lists_them_all() {
        let manual = include_str!("../../../../docs/OPERATIONS.md");
        for figure in FIGURES {
            let cell = format!("| `{}", figure.name);
            assert!(manual.contains(&cell), "{} is not explained", figure.name);
        }
    }
}
