//! `clipsy schema`: the GraphQL schema, as `schema.graphql` at the root of the repository has it.

use super::print;

/// Runs the command.
pub(crate) fn run() -> anyhow::Result<()> {
    print(&clipsy_graph::sdl())?;
    Ok(())
}
