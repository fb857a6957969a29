//! The gateway as a process of its own.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub fn command(data: &Path, arguments: &[&str]) -> Command {
    if data.exists() {
        // The system's temporary folders can be entered by everybody; a gateway does not serve from such a one.
        std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardkey-gateway"));
    // A place on PostgreSQL says so here.
    let settings = data.join("gateway.toml");
    if settings.exists() {
        command.arg("--config").arg(settings);
    }
    command
        .arg("--data")
        .arg(data)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A gateway as a process of its own; ended when dropped.
pub struct Process {
    pub child: Child,
    pub url: String,
    pub admin: String,
}

impl Process {
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        Self::spawn(command(data, &[&["--listen", "127.0.0.1:0"], arguments].concat()).stderr(Stdio::null()))
    }

    /// Starts the command and waits until it listens.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let address = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self {
            child,
            url: address("listening"),
            admin: address("admin"),
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = (self.child.kill(), self.child.wait());
    }
}
