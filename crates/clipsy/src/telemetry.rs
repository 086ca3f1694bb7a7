//! Logging and traces.

use std::io::IsTerminal as _;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use crate::commands::exit::UsageError;
use crate::config::environment;
use crate::config::{LogFormat, Settings};

/// What is to be ended when the command has.
#[derive(Debug)]
#[must_use]
pub(crate) struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// Sends what was not sent yet. It does not take long, whoever does not answer.
    pub(crate) fn end(self) {
        if let Some(provider) = self.0
            && let Err(error) = provider.shutdown()
        {
            tracing::debug!(%error, "the last spans are lost");
        }
    }
}

/// Starts logging to standard error, which keeps standard output for results. `level` is what is
/// logged if the settings do not say. With an address spans go there, too, as those of `command`.
pub(crate) fn start(
    settings: &Settings,
    level: &str,
    command: &'static str,
    collector: Option<&str>,
) -> Result<Telemetry, UsageError> {
    let filter = settings.log.as_deref().unwrap_or(level);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(level));
    let Some(collector) = collector else {
        // A filter for all of it is faster than one for each part.
        registry().with(filter).with(log(settings)).init();
        return Ok(Telemetry(None));
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(collector)
        .build()
        .map_err(|error| UsageError(format!("--otlp-endpoint: {error}")))?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource(command))
        .build();
    // Libraries ask whether they would be heard and then say nothing, and what a filter answered them
    // would be taken for its answer to the next span. So every span is to ask again: a filter that is
    // dynamic is never remembered, and nor are those beside it.
    let traced = dynamic_filter_fn(|metadata, _| is_traced(metadata));
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("clipsy"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(traced);
    registry()
        .with(spans)
        .with(log(settings).with_filter(filter))
        .init();
    Ok(Telemetry(Some(provider)))
}

/// Only what this project says: the exporter must not trace itself.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    *metadata.level() <= Level::INFO
        && target.starts_with("clipsy")
        && target != clipsy_service::trace::QUIET
}

/// Who it is that tells ([semantic conventions](https://opentelemetry.io/docs/specs/semconv/resource/)).
fn resource(command: &'static str) -> Resource {
    let resource = Resource::builder().with_attributes([
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("host.name", clipsy_worker::host()),
        KeyValue::new("process.pid", i64::from(std::process::id())),
        KeyValue::new("clipsy.command", command),
    ]);
    if environment::names_otel_service() {
        return resource.build();
    }
    resource.with_service_name("clipsy").build()
}

fn log<S>(settings: &Settings) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    let layer = fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Text => layer.with_target(false).boxed(),
        LogFormat::Json => layer.json().boxed(),
    }
}
