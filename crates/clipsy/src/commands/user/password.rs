//! Where a new password comes from.

use std::io::{IsTerminal as _, Read as _, Write as _};

use anyhow::Context as _;
use clipsy_service::accounts::password::objection;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::commands::exit::Refusal;
use crate::commands::print;
use crate::service::first_account::generate;

/// Longest password that is read, with its line break.
const MOST_BYTES: u64 = 4096;

/// How to come by a password.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Make a random password and print it
    #[arg(long)]
    generate: bool,
}

/// A new password.
pub(crate) struct Password {
    pub(crate) text: String,
    generated: bool,
}

impl Password {
    /// Prints it if nobody knows it yet.
    pub(crate) fn show(&self) -> anyhow::Result<()> {
        if self.generated {
            print(&format!("Its password is {}\n", self.text))?;
        }
        Ok(())
    }
}

/// Makes a password for the account with that name and address, asks for one, or reads a line of
/// standard input.
pub(crate) fn read(args: &Args, username: &str, email: &str) -> anyhow::Result<Password> {
    let (text, generated) = match args.generate {
        true => (generate(), true),
        false if std::io::stdin().is_terminal() => (ask_twice()?, false),
        false => (line()?, false),
    };
    if let Some(objection) = objection(&text, username, email) {
        return Err(Refusal::new("password", objection).into());
    }
    Ok(Password { text, generated })
}

fn line() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .take(MOST_BYTES)
        .read_to_string(&mut text)
        .context("the password on standard input")?;
    let first = text.lines().next().unwrap_or_default();
    Ok(first.to_owned())
}

fn ask_twice() -> anyhow::Result<String> {
    let first = ask("Password: ")?;
    if ask("Once more: ")? != first {
        return Err(Refusal::new("password", "these are two different passwords").into());
    }
    Ok(first)
}

/// Asks without showing what is typed.
fn ask(question: &str) -> anyhow::Result<String> {
    let stdin = std::io::stdin();
    let mut stderr = std::io::stderr();
    stderr.write_all(question.as_bytes())?;
    stderr.flush()?;
    let shown = tcgetattr(&stdin)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
    let mut text = String::new();
    let read = stdin.read_line(&mut text);
    tcsetattr(&stdin, OptionalActions::Flush, &shown)?;
    stderr.write_all(b"\n")?;
    read?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
