//! Every figure: its name, its kind and what it says. Names and labels are stable, since dashboards
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
        "Always 1; the label tells the version.",
    ),
    // HTTP
    counter(
        "clipsy_http_requests_total",
        "Answered requests by template of the route, method and status.",
    ),
    histogram(
        "clipsy_http_request_seconds",
        SHORT,
        "Time until the answer began, by route and method.",
    ),
    gauge(
        "clipsy_http_requests_in_progress",
        "Requests whose answer has not begun.",
    ),
    gauge("clipsy_http_connections", "Open connections."),
    counter(
        "clipsy_http_connections_cut_total",
        "Connections that were ended to make room for others.",
    ),
    counter(
        "clipsy_http_connections_refused_total",
        "Connections of addresses that had their share and were using all of it.",
    ),
    // GraphQL
    counter(
        "clipsy_graphql_operations_total",
        "GraphQL operations by type and outcome (ok, errors, refused).",
    ),
    histogram(
        "clipsy_graphql_operation_seconds",
        SHORT,
        "Time that queries and mutations took.",
    ),
    gauge("clipsy_graphql_subscriptions", "Subscriptions that run."),
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
        "Bytes of uploads that were written.",
    ),
    counter(
        "clipsy_uploads_finished_total",
        "Uploads that became videos, by way (tus, form).",
    ),
    counter(
        "clipsy_upload_interruptions_total",
        "Requests of resumable uploads that were cut short or refused.",
    ),
    // Storage
    histogram(
        "clipsy_store_operation_seconds",
        SHORT,
        "Time that operations of the media store took, by operation and outcome (ok, error).",
    ),
    gauge(
        "clipsy_store_free_bytes",
        "Bytes that the media store has room for, if it can say so.",
    ),
    gauge(
        "clipsy_database_connections",
        "Connections to the database by pool and state (in_use, idle).",
    ),
    gauge(
        "clipsy_database_connections_max",
        "Connections that a pool may open.",
    ),
    gauge(
        "clipsy_database_ping_seconds",
        "Time that the database took to answer lately.",
    ),
    gauge(
        "clipsy_database_up",
        "1 if the database answered lately, else 0.",
    ),
    // The queue, as the database has it: the same in every process.
    gauge(
        "clipsy_queue_jobs",
        "Jobs that are not over, by state (queued, running).",
    ),
    gauge(
        "clipsy_queue_oldest_seconds",
        "How long the job that has waited longest could have run.",
    ),
    gauge(
        "clipsy_queue_paused",
        "1 while no more jobs are started, else 0.",
    ),
    gauge(
        "clipsy_jobs",
        "All jobs by state, counted every ten minutes.",
    ),
    gauge("clipsy_workers", "Workers that gave a sign of life lately."),
    // Work
    gauge(
        "clipsy_worker_slots",
        "Jobs that this process runs side by side.",
    ),
    gauge("clipsy_worker_jobs_running", "Jobs that this process runs."),
    histogram(
        "clipsy_job_wait_seconds",
        LONG,
        "Time from when a job could have been started until it was.",
    ),
    histogram(
        "clipsy_job_playable_seconds",
        LONG,
        "Time from the end of the upload until the video could be played.",
    ),
    counter(
        "clipsy_attempts_total",
        "Attempts by outcome (finished, retried, failed, lost, drained, unsettled) and failure code.",
    ),
    histogram(
        "clipsy_attempt_seconds",
        LONG,
        "Time that attempts took, by outcome.",
    ),
    histogram(
        "clipsy_encode_speed_ratio",
        SPEED,
        "Seconds of video made per second with all renditions, by encoder.",
    ),
    counter(
        "clipsy_encoder_fallbacks_total",
        "Encoders that failed while they ran, and what took over.",
    ),
    gauge(
        "clipsy_encoder_sessions",
        "Sessions of encoders in use, one for each rendition.",
    ),
    // Graphics cards, of which every worker of a machine tells the same.
    gauge(
        "clipsy_card_sessions",
        "Encoding sessions that jobs of this machine hold on a graphics card.",
    ),
    gauge(
        "clipsy_card_session_limit",
        "Encoding sessions that may be open on a graphics card, if that is limited.",
    ),
    gauge(
        "clipsy_card_load_ratio",
        "Load of a graphics card by unit (encoder, decoder, all), 0 to 1, if its driver tells.",
    ),
    gauge(
        "clipsy_card_memory_used_bytes",
        "Memory of a graphics card in use, if its driver tells.",
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
