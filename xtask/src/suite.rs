//! Running a test runner: its output is shown as it comes, and counted.

use crate::run;
use crate::tally::Tally;
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// Runs a test runner. If it fails without naming a failed test (it did not build, it crashed), that is one failure.
pub fn counted(command: &mut Command) -> Result<Tally> {
    let shown = run::shown(command);
    run::say(&shown);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start `{shown}`"))?;
    let mut tally = Tally::default();
    if let Some(stdout) = child.stdout.take() {
        let mut out = std::io::stdout();
        for line in BufReader::new(stdout).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            writeln!(out, "{line}")?;
            tally = tally.and(Tally::of_line(&line));
        }
    }
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        eprintln!("`{shown}` failed ({status})");
        tally = tally.and(Tally::one(false));
    }
    Ok(tally)
}

/// Runs a command that is one test: it passes when the command succeeds.
pub fn single(command: &mut Command) -> Tally {
    let shown = run::shown(command);
    run::say(&shown);
    match run::run(command) {
        Ok(()) => Tally::one(true),
        Err(error) => {
            eprintln!("{error:#}");
            Tally::one(false)
        }
    }
}
