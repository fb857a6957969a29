//! A ward terminal: the release build of the workstation on a display of its own, driven through WebKitWebDriver.

use crate::display::Display;
use crate::page::{Page, free_port};
use crate::pinpad;
use crate::place::Place;
use crate::process::{Process, guarded};
use anyhow::{Context, Result};
use serde_json::json;
use std::path::PathBuf;

/// What a terminal is set to.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// Short name, used for folders and files.
    pub name: &'static str,
    /// The institution that it stands in.
    pub institution: &'static str,
    /// ISO 3166 code of the institution's country.
    pub country: &'static str,
    /// The card reader that it listens to.
    pub reader: &'static str,
    /// Which of the virtual readers that is.
    pub slot: usize,
}

/// Which cards a terminal takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cards {
    /// Those of the rig; their test root is trusted and every screen says "trial".
    Virtual,
    /// Whatever is put into the machine's reader.
    Real,
}

/// One workstation.
#[derive(Debug)]
pub struct Workstation {
    terminal: Terminal,
    place: Place,
    display: Display,
    config: PathBuf,
    open: Option<(Process, Page)>,
}

impl Workstation {
    /// A terminal that is switched off, with its settings written.
    pub fn new(place: &Place, terminal: Terminal, gateway: &str) -> Result<Self> {
        let display = Display::own(terminal.name, &place.logs())?;
        let config = write_settings(place, &terminal, gateway, Cards::Virtual)?;
        Ok(Self {
            terminal,
            place: place.clone(),
            display,
            config,
            open: None,
        })
    }

    /// Opens the window and waits until the page in it is drawn.
    pub async fn start(&mut self) -> Result<()> {
        self.stop().await;
        let port = free_port()?;
        let mut command = guarded("dbus-run-session");
        command.args(["--", "WebKitWebDriver", &format!("--port={port}")]);
        self.display.dress(&mut command);
        command.envs([
            ("TAURI_AUTOMATION", "true"),
            ("TAURI_WEBVIEW_AUTOMATION", "true"),
            ("LC_ALL", "C.UTF-8"),
        ]);
        command.envs([("LIBGL_ALWAYS_SOFTWARE", "1"), ("NO_AT_BRIDGE", "1")]);
        let name = format!("workstation-{}", self.terminal.name);
        let driver = Process::start(&name, &mut command, &self.place.logs())?;
        let options = json!({
            "binary": self.place.program("wardkey-workstation"),
            "args": ["--config", self.config],
        });
        let page = Page::open(port, json!({ "webkitgtk:browserOptions": options })).await?;
        self.open = Some((driver, page));
        Ok(())
    }

    /// Opens the window as a person does, without a driver. It closes when the answer is dropped.
    pub fn start_undriven(&self) -> Result<Process> {
        let mut command = guarded("dbus-run-session");
        command
            .arg("--")
            .arg(self.place.program("wardkey-workstation"))
            .arg("--config")
            .arg(&self.config);
        self.display.dress(&mut command);
        command.envs([
            ("LC_ALL", "C.UTF-8"),
            ("LIBGL_ALWAYS_SOFTWARE", "1"),
            ("NO_AT_BRIDGE", "1"),
        ]);
        Process::start(
            &format!("workstation-{}", self.terminal.name),
            &mut command,
            &self.place.logs(),
        )
    }

    /// Closes the window.
    pub async fn stop(&mut self) {
        if let Some((driver, page)) = self.open.take() {
            let _ = page.close().await;
            drop(driver);
        }
    }

    /// The page in the window.
    pub fn page(&self) -> Result<&Page> {
        let (_, page) = self.open.as_ref().context("the workstation's window is not open")?;
        Ok(page)
    }

    /// The process that the window hangs below.
    pub fn process(&self) -> Option<u32> {
        self.open.as_ref().map(|(driver, _)| driver.id())
    }

    /// Its display.
    pub fn display(&self) -> &Display {
        &self.display
    }

    /// Types a PIN into its PIN window.
    pub async fn pin(&self, entries: &[&str]) -> Result<()> {
        pinpad::enter(&self.display, entries, None).await
    }

    /// The same, leaving a picture of the whole screen.
    pub async fn pin_pictured(&self, entries: &[&str], picture: &str) -> Result<()> {
        pinpad::enter(&self.display, entries, Some(&self.place.out(&format!("{picture}.png")))).await
    }

    /// A picture of the window.
    pub async fn shot(&self, name: &str) -> Result<()> {
        self.page()?.shot(&self.place.out(&format!("{name}.png"))).await
    }
}

/// Writes the terminal's settings file.
pub fn write_settings(place: &Place, terminal: &Terminal, gateway: &str, cards: Cards) -> Result<PathBuf> {
    let folder = place.data(terminal.name);
    std::fs::create_dir_all(&folder)?;
    let mut lines = vec![
        format!("gateway = {gateway:?}"),
        format!("institution_name = {:?}", terminal.institution),
        "terminal = \"Ward 3\"".to_owned(),
        "emergency = \"112\"".to_owned(),
        "data = \"data\"".to_owned(),
        "posters = \"posters\"".to_owned(),
        format!(
            "attestation_roots = [{:?}]",
            place.source("config/attestation").display().to_string()
        ),
    ];
    if cards == Cards::Virtual {
        lines.push(format!("reader = {:?}", terminal.reader));
        lines.push(format!(
            "test_roots = [{:?}]",
            place.data("test-roots").display().to_string()
        ));
        lines.push("trust_test_root = true".to_owned());
    }
    let file = folder.join("workstation.toml");
    std::fs::write(&file, lines.join("\n") + "\n")?;
    Ok(file)
}
