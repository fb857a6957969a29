//! `cargo xtask test`: what CI runs.

use crate::compile::cargo;
use crate::project::Project;
use crate::suite::{counted, single};
use crate::tally::Tally;
use crate::{arrows, check, contracts, python, run, setup, web};
use anyhow::{Result, bail};
use serde_json::Value;
use std::process::Command;

/// What to leave out.
#[derive(clap::Args)]
pub struct Test {
    /// Runs only the story.
    #[arg(long, conflicts_with = "no_story")]
    story: bool,
    /// Leaves the story out.
    #[arg(long)]
    no_story: bool,
}

impl Test {
    /// Runs every test; the last line counts them. An error when one failed.
    pub fn run(&self, project: &Project) -> Result<()> {
        setup::run(project)?;
        let mut tally = Tally::default();
        if !self.story {
            python::install(project)?;
            tally = tally
                .and(crates(project)?)
                .and(contracts::test(project)?)
                .and(pages(project)?)
                .and(shape(project)?);
        }
        if !self.no_story {
            tally = tally.and(story(project)?);
        }
        println!("{} passed, {} failed", tally.passed, tally.failed);
        if tally.failed > 0 || tally.passed == 0 {
            bail!("tests failed");
        }
        Ok(())
    }
}

fn crates(project: &Project) -> Result<Tally> {
    counted(cargo(project).args(["test", "--release", "--workspace", "--no-fail-fast", "--locked"]))
}

fn pages(project: &Project) -> Result<Tally> {
    let ui = project.path("ui");
    let types = single(web::npm(&ui).args(["run", "check"]));
    let lints = single(web::npm(&ui).args(["run", "lint"]));
    let units = counted(web::npm(&ui).args(["run", "test"]))?;
    let browser = counted(web::npm(&ui).args(["run", "test:browser"]))?;
    Ok(units.and(browser).and(types).and(lints))
}

fn shape(project: &Project) -> Result<Tally> {
    let format = single(&mut check::format(project)).and(single(&mut check::lints(project)));
    run::say("The direction of dependencies");
    let wrong = arrows::wrong(project)?;
    for sentence in &wrong {
        eprintln!("{sentence}");
    }
    run::say("Files that a clone would lack");
    let lacking = project.not_in_git()?;
    for file in &lacking {
        eprintln!("{file} is not in git: add it, or name it in .gitignore");
    }
    Ok(format
        .and(Tally::one(wrong.is_empty()))
        .and(Tally::one(lacking.is_empty())))
}

/// Plays the story; each of its steps is a test.
fn story(project: &Project) -> Result<Tally> {
    let report = project.target().join("demo").join("report.json");
    let _ = std::fs::remove_file(&report);
    let mut command = Command::new(project.program("wardkey-acceptance"));
    let played = single(command.arg("story").current_dir(project.root()));
    let steps: Vec<Value> = match std::fs::read(&report) {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(_) => return Ok(Tally::one(false)),
    };
    let tally = steps.iter().fold(Tally::default(), |sum, step| {
        sum.and(Tally::one(step.get("ok").and_then(Value::as_bool) == Some(true)))
    });
    let crashed = played.failed > 0 && tally.failed == 0;
    Ok(if crashed { tally.and(Tally::one(false)) } else { tally })
}
