//! The settings file. What it says becomes the default of the flag of that name, so that flags
//! and environment win over it by themselves.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};

use crate::commands::exit::UsageError;

/// What the command line, the environment and the settings file come to.
#[derive(Debug)]
pub(crate) struct Parsed<C> {
    /// The command with all its settings.
    pub(crate) command: C,
    /// The same as clap has it, with where each setting comes from.
    pub(crate) matches: ArgMatches,
    /// Names of the settings that are in the file.
    pub(crate) from_file: BTreeSet<String>,
}

/// Reads the command line, with the settings file if there is one. Ends the program with a usage
/// error, or after `--help`, as clap does.
pub(crate) fn parse<C: CommandFactory + FromArgMatches>() -> Result<Parsed<C>, UsageError> {
    let mut command = C::command();
    let mut from_file = BTreeSet::new();
    if let Some(path) = named(std::env::args_os()) {
        let text = super::read("--config", &path)?;
        (command, from_file) = with_defaults(command, &text)
            .map_err(|problem| UsageError(format!("--config: {}: {problem}", path.display())))?;
    }
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let matches = without(command, &is_empty).get_matches();
    match C::from_arg_matches(&matches) {
        Ok(command) => Ok(Parsed {
            command,
            matches,
            from_file,
        }),
        Err(error) => error.exit(),
    }
}

/// The settings file that is named on the command line or else in the environment. Both are read
/// once more by clap, which explains and checks them.
fn named(args: impl Iterator<Item = OsString>) -> Option<PathBuf> {
    let mut args = args.skip(1);
    while let Some(arg) = args.next() {
        if arg == "--" {
            break;
        }
        if arg == "--config" {
            return args.next().map(PathBuf::from);
        }
        if let Some(path) = arg.to_str().and_then(|arg| arg.strip_prefix("--config=")) {
            return Some(PathBuf::from(path));
        }
    }
    let path = std::env::var_os("CLIPSY_CONFIG")?;
    (!path.is_empty()).then(|| PathBuf::from(path))
}

/// Makes what `text` says the defaults of `command` and its subcommands, and names what it says.
fn with_defaults(mut command: Command, text: &str) -> Result<(Command, BTreeSet<String>), String> {
    let mut names = BTreeSet::new();
    let table: toml::Table = toml::from_str(text).map_err(|e| e.to_string().trim().to_owned())?;
    for (name, value) in table {
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(number) => number.to_string(),
            toml::Value::Boolean(yes) => yes.to_string(),
            _ => return Err(format!("{name} must be a text, a number, true or false")),
        };
        let mut known = false;
        command = set_default(command, &name, &value, &mut known);
        if !known {
            return Err(format!("there is no setting {name:?}"));
        }
        names.insert(name);
    }
    Ok((command, names))
}

fn set_default(mut command: Command, name: &str, value: &str, known: &mut bool) -> Command {
    // What cannot be set by the environment is no setting but part of a command.
    let is_setting = |arg: &clap::Arg| arg.get_id() == name && arg.get_env().is_some();
    if name != "config" && command.get_arguments().any(is_setting) {
        *known = true;
        let value = value.to_owned();
        command = command.mut_arg(name, |arg| arg.default_value(value));
    }
    command.mut_subcommands(|sub| set_default(sub, name, value, known))
}

/// Has `command` and its subcommands not look into the variables that `is_empty`. Compose files and
/// units pass on variables that nobody has set as empty ones, and mean that they are not set.
fn without(command: Command, is_empty: &dyn Fn(&OsStr) -> bool) -> Command {
    command
        .mut_args(|arg| match arg.get_env() {
            Some(name) if is_empty(name) => arg.env(Resettable::Reset),
            _ => arg,
        })
        .mut_subcommands(|sub| without(sub, is_empty))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        let setting = |name: &'static str| clap::Arg::new(name).long(name).env("CLIPSY_TEST_UNSET");
        Command::new("clipsy")
            .subcommand(Command::new("serve").arg(setting("listen")))
            .subcommand(Command::new("probe").arg(clap::Arg::new("input")))
    }

    #[test]
    fn a_file_gives_defaults_that_flags_override() {
        let listen = |args: &[&str]| {
            let (command, _) = with_defaults(command(), "listen = \"from file\"").unwrap();
            let matches = command.get_matches_from(args);
            let (_, serve) = matches.subcommand().unwrap();
            serve.get_one::<String>("listen").cloned()
        };
        assert_eq!(listen(&["clipsy", "serve"]), Some("from file".into()));
        let flag = listen(&["clipsy", "serve", "--listen", "flag"]);
        assert_eq!(flag, Some("flag".into()));
    }

    #[test]
    fn a_variable_that_is_set_to_nothing_is_not_looked_into() {
        let looked_into = |empty: &'static str| {
            let command = without(command(), &move |name| name == empty);
            let serve = command.find_subcommand("serve").unwrap();
            serve.get_arguments().any(|arg| {
                arg.get_env()
                    .is_some_and(|name| name == "CLIPSY_TEST_UNSET")
            })
        };
        assert!(looked_into("CLIPSY_TEST_OTHER"));
        assert!(!looked_into("CLIPSY_TEST_UNSET"));
    }

    #[test]
    fn mistakes_in_a_file_are_named() {
        for (text, problem) in [
            ("lisen = 1", "there is no setting \"lisen\""),
            ("input = \"x\"", "there is no setting \"input\""),
            ("config = \"x\"", "there is no setting \"config\""),
            ("listen = [1]", "listen must be a text"),
            ("listen", "TOML parse error"),
        ] {
            let error = with_defaults(command(), text).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn the_file_is_found_on_the_command_line() {
        let named = |args: &[&str]| named(args.iter().map(OsString::from));
        let found = Some(PathBuf::from("a.toml"));
        assert_eq!(named(&["clipsy", "serve", "--config", "a.toml"]), found);
        assert_eq!(named(&["clipsy", "--config=a.toml", "serve"]), found);
        assert_eq!(named(&["clipsy", "probe", "--", "--config=a.toml"]), None);
    }
}
