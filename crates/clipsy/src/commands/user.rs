//! `clipsy user`: accounts, by hand. Passwords are never arguments, since everybody on the machine
//! can read those.

mod password;

use std::fmt::Write as _;

use clipsy_domain::user::{Role, User};
use clipsy_domain::username;
use clipsy_service::accounts::password::hash;
use clipsy_storage::{Db, NewUser};
use serde::Serialize;

use super::exit::Refusal;
use super::{print, print_json};
use crate::config::service::StateArgs;
use crate::service::database;

/// Arguments of `clipsy user`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make an account; its password comes from standard input, or is asked for
    Add(Add),
    /// Set an account's password, which ends all its sessions
    Passwd(Passwd),
    /// List all accounts
    List(List),
}

#[derive(Debug, clap::Args)]
struct Add {
    /// Name to sign in with
    name: String,
    /// Let it manage everything, not only what is its own
    #[arg(long)]
    admin: bool,
    /// Address for mail
    #[arg(long, default_value = "")]
    email: String,
    #[command(flatten)]
    password: password::Args,
    #[command(flatten)]
    state: StateArgs,
}

#[derive(Debug, clap::Args)]
struct Passwd {
    /// Name of the account
    name: String,
    #[command(flatten)]
    password: password::Args,
    #[command(flatten)]
    state: StateArgs,
}

#[derive(Debug, clap::Args)]
struct List {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    state: StateArgs,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Add(args) => add(args),
        Command::Passwd(args) => passwd(args),
        Command::List(args) => list(args),
    }
}

fn add(args: &Add) -> anyhow::Result<()> {
    let name = username::normalise(&args.name)
        .map_err(|error| Refusal::new(error.code(), error.to_string()))?;
    let password = password::read(&args.password, &name, &args.email)?;
    let account = NewUser {
        username: name,
        email: args.email.clone(),
        role: if args.admin { Role::Admin } else { Role::User },
        password_hash: hash(&password.text)?,
        default_password: false,
    };
    let user = with_database(&args.state, async |db| {
        match db.create_user(account).await {
            Err(error @ clipsy_storage::Error::Taken { .. }) => {
                Err(Refusal::new("taken", error.to_string()).into())
            }
            other => Ok(other?),
        }
    })?;
    print(&format!(
        "Made the account {} ({}).\n",
        user.username,
        user.role.as_str()
    ))?;
    password.show()
}

fn passwd(args: &Passwd) -> anyhow::Result<()> {
    let user = with_database(&args.state, async |db| find(&db, &args.name).await)?;
    let password = password::read(&args.password, &user.username, &user.email)?;
    let hash = hash(&password.text)?;
    let changed = with_database(&args.state, async |db| {
        Ok(db.set_password(user.id, &hash).await?)
    })?;
    if !changed {
        return Err(no_account(&args.name).into());
    }
    print(&format!(
        "Changed the password of {}; all its sessions have ended.\n",
        user.username
    ))?;
    password.show()
}

fn list(args: &List) -> anyhow::Result<()> {
    let users = with_database(&args.state, async |db| Ok(db.users().await?))?;
    let lines: Vec<Line> = users.iter().map(Line::of).collect();
    if args.json {
        return Ok(print_json(&lines)?);
    }
    let width = lines.iter().map(|l| l.username.chars().count()).max();
    let mut text = String::new();
    for line in &lines {
        let notes = [
            (!line.active).then_some("may not sign in"),
            line.default_password
                .then_some("has the documented password"),
        ];
        let notes: Vec<&str> = notes.into_iter().flatten().collect();
        let _ = writeln!(
            text,
            "{:>5}  {:width$}  {:<5}  {}",
            line.id,
            line.username,
            line.role,
            notes.join(", "),
            width = width.unwrap_or(0)
        );
    }
    Ok(print(&text)?)
}

/// An account as it is listed.
#[derive(Debug, Serialize)]
struct Line<'a> {
    id: i64,
    username: &'a str,
    email: &'a str,
    role: &'static str,
    active: bool,
    default_password: bool,
}

impl<'a> Line<'a> {
    fn of(user: &'a User) -> Self {
        Self {
            id: user.id,
            username: &user.username,
            email: &user.email,
            role: user.role.as_str(),
            active: user.active,
            default_password: user.default_password,
        }
    }
}

async fn find(db: &Db, name: &str) -> anyhow::Result<User> {
    let found = db.user_by_name(name).await?;
    Ok(found
        .map(|(user, _)| user)
        .ok_or_else(|| no_account(name))?)
}

fn no_account(name: &str) -> Refusal {
    Refusal::new("unknown", format!("there is no account {name:?}"))
}

fn with_database<T>(
    state: &StateArgs,
    work: impl AsyncFnOnce(Db) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    super::block_on(async {
        let db = database::open(state).await?;
        let result = work(db.clone()).await;
        db.close().await;
        result
    })
}
