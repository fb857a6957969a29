//! Another program under measurement: started, its processor time read, ended.

use anyhow::Context as _;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// All load comes from one address and one session.
pub const UNLIMITED: &str = "[limits]\nrequests_per_address = 1000000\nrequests_per_session = 1000000\n";

/// A running program; ended when dropped.
#[derive(Debug)]
pub struct Program(Child);

impl Program {
    /// Starts it; says nothing on the terminal.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let quiet = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        Ok(Self(quiet.spawn().context("failed to start a program to measure")?))
    }

    /// The gateway beside this program, on a data folder; gives its address.
    ///
    /// # Errors
    /// It does not say where it listens.
    pub fn gateway(data: &Path) -> anyhow::Result<(Self, SocketAddr)> {
        let settings = data.join("bench.toml");
        std::fs::write(&settings, UNLIMITED)?;
        let mut command = Command::new(std::env::current_exe()?.with_file_name("wardkey-gateway"));
        command.arg("--config").arg(settings).arg("--data").arg(data);
        command.args(["--listen", "127.0.0.1:0"]);
        let mut program = Self::start(&mut command)?;
        let mut line = String::new();
        let out = program.0.stdout.as_mut().context("the gateway has no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let said: serde_json::Value = serde_json::from_str(&line).context("the gateway did not start")?;
        // A request signed in the second of the start would be refused.
        std::thread::sleep(Duration::from_millis(1100));
        let url = said["listening"].as_str().unwrap_or_default();
        let address = url.strip_prefix("http://").context("the gateway's address")?.parse()?;
        Ok((program, address))
    }

    /// Processor time of all its threads and children so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let mut all = threads(self.0.id())?;
        for child in children(self.0.id())? {
            all += threads(child)?;
        }
        Ok(all)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // nginx ends its worker on SIGTERM; SIGKILL would leave it behind.
        let id = self.0.id().to_string();
        let _asked = Command::new("kill").args(["-TERM", &id]).status();
        let _ended = self.0.wait();
    }
}

/// First field of schedstat: nanoseconds on a processor.
fn threads(process: u32) -> anyhow::Result<Duration> {
    let mut all = Duration::ZERO;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        let first = text.split(' ').next().context("schedstat")?;
        all += Duration::from_nanos(first.parse()?);
    }
    Ok(all)
}

fn children(process: u32) -> anyhow::Result<Vec<u32>> {
    let text = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"))?;
    text.split_whitespace().map(|id| Ok(id.parse()?)).collect()
}
