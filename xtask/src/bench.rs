//! `cargo xtask bench NAME`.

use crate::compile::cargo;
use crate::project::Project;
use crate::{run, setup};
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

/// What to measure.
#[derive(clap::Args)]
pub struct Bench {
    /// The set of figures.
    #[arg(value_parser = ["first-light", "cards"])]
    name: String,
    /// Also writes the figures to this file, as an array of figure, value, unit, target, met.
    #[arg(long)]
    json: Option<PathBuf>,
}

impl Bench {
    /// Sets up and measures. Figures are printed, never asserted.
    pub fn run(&self, project: &Project) -> Result<()> {
        setup::run(project)?;
        if self.name == "first-light" {
            measure_gas(project)?;
        }
        let mut command = Command::new(project.program("wardkey-acceptance"));
        command.args(["bench", &self.name]);
        if let Some(file) = &self.json {
            command.arg("--json").arg(std::path::absolute(file)?);
        }
        run::run(command.current_dir(project.root()))
    }
}

fn measure_gas(project: &Project) -> Result<()> {
    run::say("Measuring the gas of every action anew (chain/gas.json must be what is measured)");
    run::run(cargo(project).args([
        "test",
        "--release",
        "--quiet",
        "--locked",
        "-p",
        "wardkey-chain",
        "--test",
        "gas",
    ]))
}
