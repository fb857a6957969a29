//! A display: one of our own (Xvfb), or the user's.

use crate::process::{Process, guarded};
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Where windows appear.
#[derive(Debug)]
pub struct Display {
    name: String,
    _server: Option<Process>,
}

impl Display {
    /// A display of our own, 1280×800.
    pub fn own(person: &str, logs: &Path) -> Result<Self> {
        let mut command = guarded("Xvfb");
        command.args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "1280x800x24",
            "-nolisten",
            "tcp",
            "-noreset",
        ]);
        let mut server = Process::start(&format!("display-{person}"), &mut command, logs)?;
        let number = server
            .line(Duration::from_secs(15))
            .context("Xvfb did not name its display")?;
        Ok(Self {
            name: format!(":{}", number.trim()),
            _server: Some(server),
        })
    }

    /// The display that this program was started on, if any.
    pub fn of_user() -> Option<Self> {
        let name = std::env::var("DISPLAY").ok().filter(|name| !name.is_empty())?;
        Some(Self { name, _server: None })
    }

    /// As in `DISPLAY`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Lets the command draw here. Wayland is left out: the PIN window and WebKit must meet on the same server.
    pub fn dress(&self, command: &mut Command) {
        command
            .env("DISPLAY", &self.name)
            .env("GDK_BACKEND", "x11")
            .env_remove("WAYLAND_DISPLAY");
    }

    /// The pixels of a part of it (as in `220x50+550+385`).
    pub fn pixels(&self, part: &str) -> Result<Vec<u8>> {
        let output = Command::new("import")
            .args([
                "-display", &self.name, "-window", "root", "-crop", part, "-depth", "8", "rgb:-",
            ])
            .output()
            .context("failed to start import (imagemagick)")?;
        anyhow::ensure!(output.status.success(), "import could not look at {}", self.name);
        Ok(output.stdout)
    }

    /// A picture of everything on it.
    pub fn shot(&self, file: &Path) -> Result<()> {
        let status = Command::new("import")
            .args(["-display", &self.name, "-window", "root"])
            .arg(file)
            .status()
            .context("failed to start import (imagemagick)")?;
        anyhow::ensure!(status.success(), "import could not take a picture of {}", self.name);
        Ok(())
    }
}
