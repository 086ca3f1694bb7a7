//! `clipsy completions` and `clipsy man`: what packages ship for shells and for `man`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Command, ValueEnum};
use clap_complete::Shell;

/// Arguments of `clipsy completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Arguments of `clipsy man`.
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// Folder for the pages; it is made if it is not there
    #[arg(value_name = "DIR")]
    to: PathBuf,
}

/// Writes a shell's completions to standard output.
pub(crate) fn completions(args: &CompletionsArgs, mut command: Command) -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, "clipsy", &mut text);
    let text = String::from_utf8(text).with_context(|| {
        let shell = args.shell.to_possible_value();
        format!("completions for {shell:?}")
    })?;
    super::print(&text)?;
    Ok(())
}

/// Writes a manual page for the program and one for each of its commands.
pub(crate) fn man(args: &ManArgs, command: Command) -> anyhow::Result<()> {
    let failed = || format!("{}", args.to.display());
    std::fs::create_dir_all(&args.to).with_context(failed)?;
    clap_mangen::generate_to(command, &args.to).with_context(failed)
}
