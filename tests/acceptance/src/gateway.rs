//! The gateway as a child process, and what anybody may ask it.

use crate::place::Place;
use crate::process::{Process, guarded};
use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde_json::Value;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A phone's keys belong to the page's address: a further run needs the same one.
const USUAL_PORT: u16 = 8080;

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    process: Process,
    origin: String,
    config: PathBuf,
    place: Place,
    client: reqwest::Client,
}

impl Gateway {
    /// Starts it with a data folder of its own, at the usual port if that is free.
    pub fn start(place: &Place) -> Result<Self> {
        let usual = std::net::TcpListener::bind(("127.0.0.1", USUAL_PORT)).is_ok();
        let port = if usual { USUAL_PORT } else { 0 };
        let config = place.data("gateway.toml");
        let data = place.data("gateway");
        // The gateway makes its folder itself, for its own eyes only.
        std::fs::create_dir_all(place.data(""))?;
        let text = format!(
            "listen = \"127.0.0.1:{port}\"\ndata = {:?}\n[admin]\nlisten = \"127.0.0.1:0\"\n[log]\ncheckpoint = 2\n",
            data.display().to_string()
        );
        std::fs::write(&config, text)?;
        let (process, origin) = launch(place, &config)?;
        let client = reqwest::Client::builder().timeout(Duration::from_secs(15)).build()?;
        Ok(Self {
            process,
            origin,
            config,
            place: place.clone(),
            client,
        })
    }

    /// Where it listens, for instance `http://127.0.0.1:8080`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Its port.
    pub fn port(&self) -> Result<u16> {
        let port = self.origin.rsplit(':').next().context("the origin has no port")?;
        Ok(port.trim_end_matches('/').parse()?)
    }

    /// SIGKILL from another thread, at the moment of the next write to its store. The thread answers whether there was one.
    pub fn kill_at_next_write(&self) -> Result<JoinHandle<bool>> {
        let written = self.place.data("gateway").join("store.sqlite-wal");
        let moment = move || std::fs::metadata(&written).and_then(|file| file.modified());
        let before = moment().context("the gateway has no store")?;
        let group = self.process.group().context("the gateway does not run")?;
        Ok(std::thread::spawn(move || {
            let begun = Instant::now();
            while moment().is_ok_and(|now| now == before) {
                if begun.elapsed() > Duration::from_secs(30) {
                    return false;
                }
                std::thread::sleep(Duration::from_micros(200));
            }
            rustix::process::kill_process_group(group, Signal::KILL).is_ok()
        }))
    }

    /// Starts it again at the same address with the same data.
    pub fn restart(&mut self) -> Result<()> {
        let port = self.port()?;
        let text = std::fs::read_to_string(&self.config)?;
        let rest: Vec<&str> = text.lines().filter(|line| !line.starts_with("listen")).collect();
        std::fs::write(
            &self.config,
            format!("listen = \"127.0.0.1:{port}\"\n{}\n", rest.join("\n")),
        )?;
        let (process, origin) = launch(&self.place, &self.config)?;
        self.process = process;
        self.origin = origin;
        Ok(())
    }

    /// A public answer of the gateway.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let address = format!("{}{path}", self.origin);
        let answer = self
            .client
            .get(&address)
            .send()
            .await
            .with_context(|| format!("failed to ask for {path}"))?;
        let status = answer.status();
        let body = answer.bytes().await?;
        if !status.is_success() {
            bail!("{path} answered {status}: {}", String::from_utf8_lossy(&body));
        }
        serde_json::from_slice(&body).with_context(|| format!("{path} answered no JSON"))
    }

    /// How many bytes an address costs on the wire, compressed as for a browser.
    pub async fn wire_size(&self, address: &str) -> Result<usize> {
        let answer = self
            .client
            .get(address)
            .header("accept-encoding", "br, gzip")
            .send()
            .await?;
        Ok(answer.error_for_status()?.bytes().await?.len())
    }

    /// What the operator does on the gateway's machine: `accredit` or `suspend`.
    pub fn operator(&self, action: &str, institution: &str) -> Result<String> {
        let output = std::process::Command::new(self.place.program("wardkey-gateway"))
            .arg("--config")
            .arg(&self.config)
            .args(["operator", action, institution])
            .output()
            .context("failed to start wardkey-gateway operator")?;
        if !output.status.success() {
            bail!("operator {action} failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The registered institution of that name.
    pub async fn institution(&self, name: &str) -> Result<Value> {
        let all = self.get("/v1/institutions").await?;
        let found = all
            .as_array()
            .and_then(|all| all.iter().find(|one| one["name"] == name))
            .cloned();
        found.with_context(|| format!("{name} is not registered"))
    }
}

fn launch(place: &Place, config: &PathBuf) -> Result<(Process, String)> {
    let mut command = guarded(place.program("wardkey-gateway"));
    command.arg("--config").arg(config);
    let mut process = Process::start("gateway", &mut command, &place.logs())?;
    let line = process.line(Duration::from_secs(30))?;
    let ready: Value = serde_json::from_str(&line).with_context(|| format!("the gateway said “{line}”"))?;
    let origin = ready["listening"]
        .as_str()
        .context("the gateway named no address")?
        .to_owned();
    Ok((process, origin))
}
