//! `cargo xtask check`: format, lints, arrows; no test is run.

use crate::compile::cargo;
use crate::project::Project;
use crate::run::{self, say};
use crate::{arrows, packages, prerequisites, web};
use anyhow::{Result, bail};
use std::process::Command;

/// Everything a reviewer would otherwise have to say.
pub fn run(project: &Project) -> Result<()> {
    prerequisites::check(project)?;
    packages::install()?;
    web::build(project)?;
    say("Format, lints and arrows");
    run::run(&mut format(project))?;
    let wrong = arrows::wrong(project)?;
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    run::run(&mut lints(project))?;
    run::run(web::npm(&project.path("ui")).args(["run", "check"]))?;
    run::run(web::npm(&project.path("ui")).args(["run", "lint"]))
}

/// rustfmt, without changing a file.
pub fn format(project: &Project) -> Command {
    let mut command = cargo(project);
    command.args(["fmt", "--all", "--check"]);
    command
}

/// Clippy over everything; a warning is an error.
pub fn lints(project: &Project) -> Command {
    let mut command = cargo(project);
    command.args(["clippy", "--release", "--workspace", "--all-targets", "--locked"]);
    command.args(["--", "-D", "warnings"]);
    command
}
