//! `cargo xtask check`: format, lints, arrows; no test is run.

use crate::compile::cargo;
use crate::project::Project;
use crate::run::{self, say};
use crate::{arrows, packages, prerequisites, web};
use anyhow::{Result, bail};

/// Everything a reviewer would otherwise have to say.
pub fn run(project: &Project) -> Result<()> {
    prerequisites::check(project)?;
    packages::install()?;
    web::build(project)?;
    say("Format, lints and arrows");
    run::run(cargo(project).args(["fmt", "--all", "--check"]))?;
    let wrong = arrows::wrong(project)?;
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    let lints = [
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    run::run(cargo(project).args(lints))?;
    run::run(web::npm(&project.path("ui")).args(["run", "check"]))?;
    run::run(web::npm(&project.path("ui")).args(["run", "lint"]))
}
