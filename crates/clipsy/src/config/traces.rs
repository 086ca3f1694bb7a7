//! Where traces go.

use clap::Args;

use super::environment::{self, OTLP, OTLP_TRACES};
use crate::commands::exit::UsageError;

/// Where the service tells what each request and each video went through. Without an address it
/// tells nobody.
#[derive(Debug, Default, Args)]
pub(crate) struct TracesArgs {
    /// OpenTelemetry collector that takes OTLP over HTTP, e.g. <http://127.0.0.1:4318> [default:
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`; none]. The other OTEL_ variables hold as well, e.g.
    /// `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_TRACES_SAMPLER`
    #[arg(long, env = "CLIPSY_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,
}

impl TracesArgs {
    /// The address that spans are sent to, if there is one.
    pub(crate) fn address(&self) -> Result<Option<String>, UsageError> {
        let flag = self.otlp_endpoint.as_deref().filter(|url| !url.is_empty());
        let address = flag
            .map(|base| ("--otlp-endpoint", below(base)))
            .or_else(|| environment::trimmed(OTLP_TRACES).map(|url| (OTLP_TRACES, url)))
            .or_else(|| environment::trimmed(OTLP).map(|base| (OTLP, below(&base))));
        match address {
            Some((name, url)) if !is_http(&url) => Err(UsageError(format!(
                "{name} has to begin with http:// or https:// and a host: {url:?}"
            ))),
            address => Ok(address.map(|(_, url)| url)),
        }
    }
}

/// Where a collector takes spans
/// ([OTLP exporter, "Endpoint URLs for OTLP/HTTP"](https://opentelemetry.io/docs/specs/otel/protocol/exporter/)).
fn below(base: &str) -> String {
    format!("{}/v1/traces", base.trim_end_matches('/'))
}

fn is_http(url: &str) -> bool {
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', ':', '?']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_go_below_the_address() {
        let address = |url: &str| {
            let otlp_endpoint = Some(url.to_owned());
            TracesArgs { otlp_endpoint }.address()
        };
        for (url, spans) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            (
                "https://c.example/otlp/",
                "https://c.example/otlp/v1/traces",
            ),
        ] {
            assert_eq!(address(url).unwrap().as_deref(), Some(spans));
        }
        for url in ["127.0.0.1:4318", "grpc://c:4317", "http://", "https:///x"] {
            assert!(address(url).is_err(), "{url}");
        }
    }
}
