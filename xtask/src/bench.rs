//! `cargo xtask bench NAME`.

use crate::compile::cargo;
use crate::performance::{self, Row};
use crate::project::Project;
use crate::{run, setup};
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// What to measure.
#[derive(clap::Args)]
pub struct Bench {
    /// The set of figures.
    #[arg(value_parser = ["first-light", "cards", "gateway"])]
    name: String,
    /// Also writes the figures to this file, as an array of figure, value, unit, target, met.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Also writes the figures of `gateway` into docs/performance.md and its picture.
    #[arg(long)]
    write: bool,
}

impl Bench {
    /// Sets up and measures. Figures are printed, never asserted.
    pub fn run(&self, project: &Project) -> Result<()> {
        setup::run(project)?;
        if self.name == "gateway" {
            return self.gateway(project);
        }
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

    fn gateway(&self, project: &Project) -> Result<()> {
        let mut rows: Vec<Row> = Vec::new();
        for program in ["wardkey-bench", "wardkey-bench-chain"] {
            run::say(&format!("Measuring with {program}; this takes minutes"));
            let mut command = Command::new(project.program(program));
            if program == "wardkey-bench" {
                command.arg("country");
            }
            let printed = run::output(command.current_dir(project.root()))?;
            rows.extend(serde_json::from_str::<Vec<Row>>(&printed).context("the program printed no figures")?);
        }
        measure_gas(project)?;
        rows.extend(gas(project)?);
        performance::print(&rows);
        if let Some(file) = &self.json {
            std::fs::write(file, serde_json::to_vec_pretty(&rows)?)?;
        }
        if self.write {
            performance::write(project, &rows, &machine()?)?;
        }
        Ok(())
    }
}

/// What each action costs against what it must cost at least, as `chain/tests/gas.rs` has it.
fn gas(project: &Project) -> Result<Vec<Row>> {
    let text = std::fs::read_to_string(project.path("chain/gas.json")).context("failed to read chain/gas.json")?;
    let all: Value = serde_json::from_str(&text)?;
    let row = |name: &str| {
        let percent = all[name]["percent"]
            .as_f64()
            .with_context(|| format!("chain/gas.json has no {name}"))?;
        let value = percent / 100.0;
        Ok(Row {
            figure: format!("gas ÷ its floor: {name}"),
            value,
            unit: "×".into(),
            target: Some(1.3),
            met: Some(value <= 1.3),
        })
    };
    ["grant", "revoke", "approveDevice", "revokeDevice", "setCheckpoint"]
        .map(row)
        .into_iter()
        .collect()
}

/// Processor and number of cores.
fn machine() -> Result<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").context("failed to read /proc/cpuinfo")?;
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cores = std::thread::available_parallelism()?;
    Ok(format!("{cores} cores, {}", model.unwrap_or("of an unknown kind")))
}

fn measure_gas(project: &Project) -> Result<()> {
    run::say("Measuring the gas of every action anew (chain/gas.json must be what is measured)");
    run::run(cargo(project).args([
        "test",
        "--release",
        "--quiet",
        "--locked",
        "--workspace",
        "--test",
        "gas",
    ]))
}
