//! Typing into the PIN window, as a person does.

use crate::display::Display;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The class that the window declares.
const CLASS: &str = "wardkey-pinpad";

/// Waits for the window, types each entry followed by Return, and takes a picture if a file is given.
pub async fn enter(display: &Display, entries: &[&str], picture: Option<&Path>) -> Result<()> {
    let window = appear(display, Duration::from_secs(15)).await?;
    if let Some(file) = picture {
        tokio::time::sleep(Duration::from_millis(350)).await;
        display.shot(file)?;
    }
    for entry in entries {
        type_into(display, &window, entry)?;
        confirm(display, &window)?;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(())
}

/// Types into a window that is already there, for instance after a wrong PIN.
pub async fn appear(display: &Display, patience: Duration) -> Result<String> {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        if let Some(window) = find(display)? {
            return Ok(window);
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    bail!(
        "the PIN window did not appear on {} within {patience:?}",
        display.name()
    )
}

/// Waits until no PIN window is left.
pub async fn vanish(display: &Display, patience: Duration) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        if find(display)?.is_none() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    bail!("the PIN window was still open after {patience:?}")
}

/// Types without confirming.
pub fn type_into(display: &Display, window: &str, text: &str) -> Result<()> {
    focus(display, window)?;
    xdotool(display, &["type", "--delay", "25", text]).map(drop)
}

/// Presses Return.
pub fn confirm(display: &Display, window: &str) -> Result<()> {
    focus(display, window)?;
    xdotool(display, &["key", "Return"]).map(drop)
}

fn find(display: &Display) -> Result<Option<String>> {
    let output = Command::new("xdotool")
        .env("DISPLAY", display.name())
        .args(["search", "--onlyvisible", "--class", CLASS])
        .output()
        .context("failed to start xdotool")?;
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .last()
        .map(str::to_owned))
}

fn focus(display: &Display, window: &str) -> Result<()> {
    xdotool(display, &["windowfocus", "--sync", window]).map(drop)
}

fn xdotool(display: &Display, arguments: &[&str]) -> Result<String> {
    let output = Command::new("xdotool")
        .env("DISPLAY", display.name())
        .args(arguments)
        .output()?;
    if !output.status.success() {
        // The arguments may hold a PIN: they are not shown.
        bail!(
            "xdotool {} failed on {}",
            arguments.first().unwrap_or(&""),
            display.name()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
