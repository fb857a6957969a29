//! `cargo xtask demo | test | bench | check`: what a newcomer runs, and what CI runs.

mod arrows;
mod bench;
mod check;
mod compile;
mod contracts;
mod demo;
mod packages;
mod performance;
mod prerequisites;
mod project;
mod python;
mod run;
mod setup;
mod suite;
mod tally;
mod test;
mod web;

use anyhow::Result;
use clap::{Parser, Subcommand};
use project::Project;

/// Runs the whole of Wardkey from a checkout.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Installs what is missing, builds, and starts everything for a person (or plays the story with --auto).
    Demo(demo::Demo),
    /// The same set-up, then every test and the story.
    Test(test::Test),
    /// Measures and prints figures: `bench first-light | cards | gateway`.
    Bench(bench::Bench),
    /// Format, lints and the direction of dependencies, without running a test.
    Check,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let project = Project::here()?;
    match arguments.command {
        Command::Demo(demo) => demo.run(&project),
        Command::Test(test) => test.run(&project),
        Command::Bench(bench) => bench.run(&project),
        Command::Check => check::run(&project),
    }
}
