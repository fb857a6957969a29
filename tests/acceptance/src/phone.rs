//! The patient's phone: Debian's Chromium with a small screen and a camera that sees a picture.

use crate::page::{Page, free_port};
use crate::place::Place;
use crate::process::{Process, guarded};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A phone with its browser profile.
#[derive(Debug)]
pub struct Phone {
    place: Place,
    profile: PathBuf,
    open: Option<(Process, Page)>,
}

impl Phone {
    /// A phone that is switched off. Its profile keeps the patient's keys.
    pub fn new(place: &Place, person: &str) -> Self {
        Self {
            place: place.clone(),
            profile: place.data(&format!("phone-{person}")),
            open: None,
        }
    }

    /// Starts the browser; the camera sees the picture, or nothing.
    pub async fn start(&mut self, camera: Option<&Path>) -> Result<()> {
        self.stop().await;
        let port = free_port()?;
        let mut command = guarded("chromedriver");
        command.arg(format!("--port={port}"));
        let driver = Process::start("chromedriver", &mut command, &self.place.logs())?;
        let page = Page::open(port, self.capabilities(camera)).await?;
        self.open = Some((driver, page));
        Ok(())
    }

    /// Closes the browser; the profile stays.
    pub async fn stop(&mut self) {
        if let Some((driver, page)) = self.open.take() {
            // A graceful end writes the profile to the disk.
            let _ = page.close().await;
            drop(driver);
        }
    }

    /// The page.
    pub fn page(&self) -> Result<&Page> {
        let (_, page) = self.open.as_ref().context("the phone's browser is not running")?;
        Ok(page)
    }

    fn capabilities(&self, camera: Option<&Path>) -> serde_json::Value {
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--force-color-profile=srgb".to_owned(),
            "--lang=en-GB".to_owned(),
            format!("--user-data-dir={}", self.profile.display()),
        ];
        if let Some(picture) = camera {
            arguments.push("--use-fake-ui-for-media-stream".to_owned());
            arguments.push("--use-fake-device-for-media-stream".to_owned());
            arguments.push(format!("--use-file-for-fake-video-capture={}", picture.display()));
        }
        json!({
            "browserName": "chrome",
            "goog:chromeOptions": {
                "binary": "/usr/bin/chromium",
                "args": arguments,
                "mobileEmulation": { "deviceMetrics": { "width": 390, "height": 844, "pixelRatio": 2.0, "touch": true } },
            },
            "goog:loggingPrefs": { "browser": "ALL" },
        })
    }
}

/// Makes of a poster's picture what a camera would see of it: a short film.
pub fn film(picture: &Path, film: &Path) -> Result<()> {
    let filter = "scale=-2:900,pad=1280:960:(ow-iw)/2:(oh-ih)/2:color=0x808080,setsar=1";
    let output = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-loop", "1", "-i"])
        .arg(picture)
        .args(["-t", "1", "-r", "5", "-vf", filter, "-pix_fmt", "yuv420p"])
        .arg(film)
        .output()
        .context("failed to start ffmpeg")?;
    if !output.status.success() {
        bail!("ffmpeg failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
