//! `cargo xtask demo`.

use crate::project::Project;
use crate::setup;
use anyhow::{Context, Result};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// How to show it.
#[derive(clap::Args)]
pub struct Demo {
    /// Plays the whole story without a person and leaves report, pictures and poster in target/demo.
    #[arg(long)]
    auto: bool,
    /// Keeps the data (chain, records, cards) in target/demo-data for a further run.
    #[arg(long)]
    keep: bool,
    /// Which cards: virtual ones, or the real reader of this machine.
    #[arg(long, default_value = "virtual", value_parser = ["virtual", "real"], conflicts_with = "auto")]
    cards: String,
}

impl Demo {
    /// Sets up, then becomes the program that starts everything, so that Ctrl-C reaches it directly.
    pub fn run(&self, project: &Project) -> Result<()> {
        setup::run(project)?;
        let mut command = Command::new(project.program("wardkey-acceptance"));
        command.current_dir(project.root());
        if self.auto {
            command.arg("story");
        } else {
            command.args(["demo", "--cards", &self.cards]);
        }
        if self.keep {
            command.arg("--keep");
        }
        Err(command.exec()).context("failed to start wardkey-acceptance")
    }
}
