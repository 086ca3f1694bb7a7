//! Settings as they are shown at start: what holds, where it comes from, and no secrets.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clap::ArgMatches;
use clap::parser::ValueSource;

/// One line for each setting of the subcommand that runs. `from_file` names those that the
/// settings file has.
pub(crate) fn describe(matches: &ArgMatches, from_file: &BTreeSet<String>) -> String {
    let Some((_, matches)) = matches.subcommand() else {
        return String::new();
    };
    let mut lines: Vec<(String, String)> = matches
        .ids()
        .map(clap::Id::as_str)
        // Groups of arguments have names like types.
        .filter(|id| id.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|id| Some((id.to_owned(), describe_one(matches, id, from_file)?)))
        .collect();
    lines.sort();
    let width = lines.iter().map(|(id, _)| id.len()).max().unwrap_or(0);
    lines.iter().fold(String::new(), |mut text, (id, value)| {
        let _ = writeln!(text, "  {id:width$}  {value}");
        text
    })
}

fn describe_one(matches: &ArgMatches, id: &str, from_file: &BTreeSet<String>) -> Option<String> {
    let values: Vec<String> = matches
        .try_get_raw(id)
        .ok()??
        .map(|value| match id {
            "nats_url" => without_sign_in(&value.to_string_lossy()),
            _ => without_password(&value.to_string_lossy()),
        })
        .collect();
    let source = match matches.value_source(id)? {
        ValueSource::CommandLine => "flag",
        ValueSource::EnvVariable => "environment",
        _ if from_file.contains(id) => "file",
        _ => return Some(values.join(",")),
    };
    Some(format!("{} ({source})", values.join(",")))
}

/// An address without the password in it: `postgres://user:…@host/name`.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    // Passwords may stand among the parameters, too.
    let (address, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let shown = match address.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) => format!("{name}:…@{host}"),
            None => address.to_owned(),
        },
        None => address.to_owned(),
    };
    let more = if parameters.is_empty() { "" } else { "?…" };
    format!("{scheme}://{shown}{more}")
}

/// Addresses of NATS, where all that stands in front of the host may be a secret.
fn without_sign_in(text: &str) -> String {
    let one = |address: &str| match address.rsplit_once('@') {
        Some((user, host)) => match user.split_once("://") {
            Some((scheme, _)) => format!("{scheme}://…@{host}"),
            None => format!("…@{host}"),
        },
        None => address.to_owned(),
    };
    text.split(',').map(one).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (text, shown) in [
            ("postgres://u:p@ss@h/db", "postgres://u:…@h/db"),
            ("postgres://u@h/db", "postgres://u@h/db"),
            ("postgres://h/db?password=secret", "postgres://h/db?…"),
            ("127.0.0.1:8000", "127.0.0.1:8000"),
            ("sqlite:///a/b.db", "sqlite:///a/b.db"),
        ] {
            assert_eq!(without_password(text), shown);
        }
    }

    #[test]
    fn how_to_sign_in_to_nats_is_not_shown() {
        for (text, shown) in [
            (
                "nats://u:p@a:4222,tls://token@b",
                "nats://…@a:4222,tls://…@b",
            ),
            ("token@host:4222", "…@host:4222"),
            ("nats://host", "nats://host"),
        ] {
            assert_eq!(without_sign_in(text), shown);
        }
    }
}
