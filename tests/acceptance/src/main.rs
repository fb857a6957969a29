//! The story of Wardkey, played on real parts: `wardkey-acceptance story | demo | bench`.

mod bench;
mod cast;
mod demo;
mod display;
mod gateway;
mod memory;
mod page;
mod patient;
mod phone;
mod pinpad;
mod place;
mod process;
mod report;
mod stage;
mod story;
mod workstation;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use std::path::PathBuf;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The checkout.
    #[arg(long, global = true, default_value = ".")]
    root: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Plays the whole story without a person.
    Story {
        /// Keeps the data of the run before.
        #[arg(long)]
        keep: bool,
    },
    /// Starts everything for a person.
    Demo {
        /// Goes on with the data of the run before, and keeps it.
        #[arg(long)]
        keep: bool,
        /// virtual or real.
        #[arg(long, default_value = "virtual")]
        cards: String,
    },
    /// Measures figures.
    Bench {
        /// The set.
        #[arg(value_parser = ["first-light", "cards"])]
        name: String,
        /// Also writes them here.
        #[arg(long)]
        json: Option<PathBuf>,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    // Fails only if a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    process::adopt_orphans()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let root = std::path::absolute(&arguments.root)?;
    // On the main thread: children die with the thread that started them.
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = run(arguments.command, root) => outcome,
            () = interrupted() => bail!("interrupted"),
        }
    });
    drop(process::sweep());
    outcome
}

async fn run(command: Command, root: PathBuf) -> Result<()> {
    match command {
        Command::Story { keep } => story::play(&root, keep).await,
        Command::Demo { keep, cards } => {
            let cards = if cards == "real" {
                workstation::Cards::Real
            } else {
                workstation::Cards::Virtual
            };
            demo::run(&root, keep, cards).await
        }
        // On a thread of its own, so that an interruption is heard.
        Command::Bench { name, json } if name == "cards" => {
            tokio::task::spawn_blocking(move || bench::cards::run(json.as_deref())).await?
        }
        Command::Bench { name: _, json } => bench::first_light(&root, json.as_deref()).await,
    }
}

/// Ctrl-C, or a polite request to end.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}
