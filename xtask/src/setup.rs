//! What every command does first.

use crate::project::Project;
use crate::run::say;
use crate::{compile, packages, prerequisites, web};
use anyhow::Result;

/// Checks the prerequisites, installs what is missing, builds the pages and the programs.
pub fn run(project: &Project) -> Result<()> {
    prerequisites::check(project)?;
    packages::install()?;
    web::build(project)?;
    say("Building the programs (cargo build --release); the first time takes a while");
    compile::build(project)
}
