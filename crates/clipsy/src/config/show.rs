//! Settings as they are shown at start: what holds, where it comes from, and no secrets.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use clipsy_graph::{SettingShown, SettingSource};

use super::environment::VARIABLES;

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
    let (value, source) = value_of(matches, id, from_file)?;
    Some(match source {
        SettingSource::Flag => format!("{value} (flag)"),
        SettingSource::Environment => format!("{value} (environment)"),
        SettingSource::File => format!("{value} (file)"),
        SettingSource::Default => value,
    })
}

/// What holds, without secrets, and where it comes from; `None` if nothing is set.
fn value_of(
    matches: &ArgMatches,
    id: &str,
    from_file: &BTreeSet<String>,
) -> Option<(String, SettingSource)> {
    let values: Vec<String> = matches
        .try_get_raw(id)
        .ok()??
        .map(|value| match id {
            "nats_url" => without_sign_in(&value.to_string_lossy()),
            _ => without_password(&value.to_string_lossy()),
        })
        .collect();
    let source = match matches.value_source(id)? {
        ValueSource::CommandLine => SettingSource::Flag,
        ValueSource::EnvVariable => SettingSource::Environment,
        _ if from_file.contains(id) => SettingSource::File,
        _ => SettingSource::Default,
    };
    Some((values.join(","), source))
}

/// All settings of the subcommand that runs, by name, also those that are not set. `command` is the whole
/// program, `variable` says what a variable holds.
pub(crate) fn settings(
    command: &Command,
    matches: &ArgMatches,
    from_file: &BTreeSet<String>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Vec<SettingShown> {
    let Some((name, matches)) = matches.subcommand() else {
        return Vec::new();
    };
    let own = command.find_subcommand(name).into_iter();
    let all = own
        .flat_map(Command::get_arguments)
        .chain(command.get_arguments());
    // What cannot be set by the environment is no setting but part of a command.
    let of_arg = |arg: &Arg| {
        let id = arg.get_id().as_str();
        let (value, source) = value_of(matches, id, from_file).unzip();
        let help = arg.get_help().map(ToString::to_string);
        Some(SettingShown {
            name: id.to_owned(),
            flag: arg.get_long().map(|long| format!("--{long}")),
            variable: arg.get_env()?.to_string_lossy().into_owned(),
            about: help.unwrap_or_default().replace('`', ""),
            value,
            secret: arg.is_hide_env_values_set(),
            source: source.unwrap_or(SettingSource::Default),
        })
    };
    let of_variable = |&(name, about, secret): &(&str, &str, bool)| {
        let value = variable(name);
        SettingShown {
            name: name.trim_start_matches("CLIPSY_").to_ascii_lowercase(),
            flag: None,
            variable: name.to_owned(),
            about: about.to_owned(),
            source: match value {
                Some(_) => SettingSource::Environment,
                None => SettingSource::Default,
            },
            value: value.filter(|_| !secret),
            secret,
        }
    };
    let mut shown: Vec<SettingShown> = all
        .filter_map(of_arg)
        .chain(VARIABLES.iter().map(of_variable))
        .collect();
    shown.sort_by(|one, other| one.name.cmp(&other.name));
    shown.dedup_by(|one, other| one.name == other.name);
    shown
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
    use std::collections::BTreeMap;

    use clap::CommandFactory as _;

    use super::*;
    use crate::Cli;

    #[test]
    fn every_setting_is_told_with_where_it_comes_from() {
        let setting = |name: &'static str, variable: &'static str| {
            Arg::new(name).long(name).env(variable).help("What it does")
        };
        let command = Command::new("clipsy")
            .arg(setting("log", "CLIPSY_TEST_LOG").global(true))
            .subcommand(
                Command::new("serve")
                    .arg(setting("listen", "CLIPSY_TEST_LISTEN").default_value("here"))
                    .arg(setting("database_url", "CLIPSY_TEST_DATABASE").hide_env_values(true))
                    .arg(setting("quota", "CLIPSY_TEST_QUOTA"))
                    .arg(setting("size", "CLIPSY_TEST_SIZE").default_value("5"))
                    .arg(Arg::new("input")),
            );
        let arguments = [
            "clipsy",
            "--log",
            "info",
            "serve",
            "--database_url",
            "postgres://u:p@h/db",
        ];
        let matches = command.clone().get_matches_from(arguments);
        let from_file = BTreeSet::from(["size".to_owned()]);
        let variable = |name: &str| (name == "CLIPSY_METRICS_TOKEN").then(|| "secret".to_owned());
        let shown = settings(&command, &matches, &from_file, &variable);
        let told: Vec<_> = shown
            .iter()
            .map(|one| {
                (
                    one.name.as_str(),
                    one.value.as_deref(),
                    one.source,
                    one.secret,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("admin_password", None, SettingSource::Default, true),
                (
                    "database_url",
                    Some("postgres://u:…@h/db"),
                    SettingSource::Flag,
                    true
                ),
                ("listen", Some("here"), SettingSource::Default, false),
                ("log", Some("info"), SettingSource::Flag, false),
                ("metrics_token", None, SettingSource::Environment, true),
                ("quota", None, SettingSource::Default, false),
                ("s3_secret_key", None, SettingSource::Default, true),
                ("size", Some("5"), SettingSource::File, false),
                ("x264_ladder", None, SettingSource::Default, false),
            ]
        );
        assert_eq!(shown[2].variable, "CLIPSY_TEST_LISTEN");
        assert_eq!(shown[2].flag.as_deref(), Some("--listen"));
        assert_eq!(shown[2].about, "What it does");
        assert_eq!(shown[0].flag, None);
    }

    /// Other languages translate these; a new setting is written into the file in English.
    #[test]
    fn the_front_end_has_the_words_of_every_setting() {
        let matches = Cli::command().get_matches_from(["clipsy", "serve"]);
        let shown = settings(&Cli::command(), &matches, &BTreeSet::new(), &|_| None);
        let words: BTreeMap<_, _> = shown.iter().map(|one| (&one.name, &one.about)).collect();
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../web/src/i18n/en.settings.json"
        );
        let texts = std::fs::read_to_string(file).unwrap();
        let texts: serde_json::Value = serde_json::from_str(&texts).unwrap();
        assert_eq!(texts, serde_json::json!({ "settingAbout": words }));
    }

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
