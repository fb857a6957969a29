//! The story of Wardkey, played on real parts: `wardkey-acceptance story | demo | bench`.

mod display;
mod gateway;
mod page;
mod phone;
mod pinpad;
mod place;
mod process;
mod report;
mod workstation;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Plays the whole story without a person.
    Story,
}

fn main() -> Result<()> {
    let _ = Arguments::parse();
    Ok(())
}
