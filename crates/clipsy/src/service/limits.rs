//! What the system allows this process.

use clipsy_graph::ApiSettings;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Connections and databases need more open files than the usual limit; children lower it again.
pub(crate) fn raise_open_files() {
    const ENOUGH: u64 = 65_536;
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(ENOUGH, |maximum| maximum.min(ENOUGH));
    if limit.current.is_some_and(|current| current < most) {
        let raised = Rlimit {
            current: Some(most),
            ..limit
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the number of open files could not be raised");
        }
    }
}

/// Open files for all that is no connection: databases, the store, uploads, jobs.
const RESERVE: u64 = 256;
/// Most open files of a connection: itself, and what it is sent.
const OF_A_CONNECTION: u64 = 2;

/// Lets in as many connections and streams as the limit on open files has room for beside what the
/// service needs itself, so that it never runs out of them.
pub(crate) fn fitted(mut settings: ApiSettings) -> ApiSettings {
    if let Some(files) = getrlimit(Resource::Nofile).current
        && fit_into(&mut settings, files)
    {
        tracing::warn!(
            open_files = files,
            connections = settings.max_connections,
            streams = settings.graphql.max_sockets,
            "the limit on open files is low, so fewer connections and streams are let in than is set"
        );
    }
    settings
}

/// True if it had to take something away.
fn fit_into(settings: &mut ApiSettings, files: u64) -> bool {
    let room = files.saturating_sub(RESERVE);
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).max(1);
    let needed = (settings.max_connections as u64)
        .saturating_mul(OF_A_CONNECTION)
        .saturating_add(settings.graphql.max_sockets as u64);
    if needed <= room {
        return false;
    }
    // A third is for streams at most, and for connections what they leave.
    let streams = (settings.graphql.max_sockets as u64).min(room / 3);
    let connections = (room - streams) / OF_A_CONNECTION;
    settings.graphql.max_sockets = number(streams);
    settings.max_connections = settings.max_connections.min(number(connections));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_the_rest() {
        let fitted = |files| {
            let mut settings = ApiSettings::default();
            let less = fit_into(&mut settings, files);
            (less, settings.max_connections, settings.graphql.max_sockets)
        };
        assert_eq!(fitted(65_536), (false, 4096, 10_000));
        assert_eq!(fitted(1_024), (true, 256, 256));
        assert_eq!(fitted(16_384), (true, 4096, 5_376));
        assert_eq!(fitted(100), (true, 1, 1));
    }
}
