//! A display, a card service and cards to put in, for one test.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wardkey_hsm::prepare::{PrepareSettings, prepare};
use wardkey_hsm::{Pin, PivCard};
use wardkey_virtual_card::rig::{CardHandle, PORTS, READERS, Rig};
use zeroize::Zeroizing;

/// The holder's PIN in these tests.
pub const PIN: &str = "48291357";
const PATIENCE: Duration = Duration::from_secs(20);

/// A job for the card that is in.
pub fn job(card: &CardHandle, kind: &str, operations: Value) -> Value {
    let mut job = plain_job(card.reader());
    job["serial"] = json!(card.serial());
    job["kind"] = json!(kind);
    job["operations"] = operations;
    job
}

/// A job without a card.
pub fn plain_job(reader: &str) -> Value {
    json!({
        "reader": reader, "title": "Sign in", "asker": "Harbour Hospital", "kind": "use", "operations": [],
        "purpose": "Open the workstation in Ward 4 East.",
    })
}

/// Runs the program where no window can appear.
pub fn run_without_window(line: &str, display: &str) -> Value {
    let mut child = program(display).spawn().unwrap();
    child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs the program on this display with these variables until it ends; its answer and what it wrote to standard error.
pub fn run_unseen(bench: &Bench, job: &Value, environment: &[(&str, &str)]) -> (Value, String) {
    let mut command = program(&bench.screen.name);
    command.envs(environment.iter().copied()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{job}").unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (serde_json::from_slice(&output.stdout).unwrap(), said)
}

fn program(display: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardkey-pinpad"));
    command
        .env("DISPLAY", display)
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Display and card service; the card service is taken in turns by all tests of this machine.
pub struct Bench {
    rig: Rig,
    screen: Screen,
    folder: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self::on(&[])
    }

    /// With a display that offers no OpenGL of its own: the loader would fall back to it, whatever the environment says.
    pub fn without_glx() -> Self {
        Self::on(&["-extension", "GLX"])
    }

    fn on(display: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::start(&folder.path().join("ca")).unwrap();
        Self {
            rig,
            screen: Screen::new(display),
            folder,
        }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("card")
    }

    /// A card with keys that still has the factory PIN.
    pub fn prepared(&self) -> CardHandle {
        let card = self.rig.insert(PORTS[0], &self.state(), Some(17_402_958)).unwrap();
        let settings = PrepareSettings {
            puk: Zeroizing::new("71935824".into()),
            management_key: Zeroizing::new(std::array::from_fn(|n| u8::try_from(n * 7 + 3).unwrap())),
            retries: (3, 3),
            overwrite: false,
        };
        prepare(card.reader(), &settings, &mut |_| ()).unwrap();
        card
    }

    /// A card with keys and the holder's PIN. Prepared once; later tests get a copy.
    pub fn ready(&self) -> CardHandle {
        static READY: OnceLock<Vec<u8>> = OnceLock::new();
        let state = READY.get_or_init(|| {
            let card = self.prepared();
            let new = Pin::new(PIN.as_bytes()).unwrap();
            PivCard::open(card.reader())
                .unwrap()
                .change_pin(&Pin::factory(), &new)
                .unwrap();
            drop(card);
            self.wait_until_empty();
            std::fs::read(self.state()).unwrap()
        });
        std::fs::write(self.state(), state).unwrap();
        self.again()
    }

    /// The same card once more.
    pub fn again(&self) -> CardHandle {
        self.rig.insert(PORTS[0], &self.state(), None).unwrap()
    }

    pub fn wait_until_empty(&self) {
        self.rig.wait_for_card(READERS[0], false).unwrap();
    }

    /// Waits until the card has that many tries left.
    pub fn wait_for_tries(&self, reader: &str, tries: u8) {
        let tries_left = || {
            PivCard::attach(reader)
                .and_then(|mut card| card.info())
                .ok()
                .and_then(|info| info.tries_left)
        };
        wait(&format!("{tries} tries left"), || tries_left() == Some(tries));
    }

    /// Starts the program with a job and waits for its window.
    pub fn open(&self, job: &Value) -> Window {
        self.open_with(job, &[])
    }

    /// The same in an environment with these variables.
    pub fn open_with(&self, job: &Value, environment: &[(&str, &str)]) -> Window {
        let mut command = program(&self.screen.name);
        let mut child = command.envs(environment.iter().copied()).spawn().unwrap();
        // The pipe stays open, as a workstation may leave it.
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "{job}").unwrap();
        let output = child.stdout.take();
        let mut window = Window {
            child,
            output,
            id: String::new(),
            display: self.screen.name.clone(),
            _input: input,
        };
        wait("the window", || {
            window.id = window.xdotool(&["search", "--onlyvisible", "--class", "wardkey-pinpad"]);
            !window.id.is_empty()
        });
        window
    }
}

/// The program with its window.
pub struct Window {
    child: Child,
    output: Option<ChildStdout>,
    id: String,
    display: String,
    _input: std::process::ChildStdin,
}

impl Window {
    fn xdotool(&self, arguments: &[&str]) -> String {
        let output = Command::new("xdotool")
            .env("DISPLAY", &self.display)
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn pause(&self, ms: u64) {
        sleep(Duration::from_millis(ms));
    }

    pub fn key(&self, key: &str) {
        self.xdotool(&["windowfocus", "--sync", &self.id, "key", key]);
    }

    pub fn type_in(&self, text: &str) {
        self.xdotool(&["windowfocus", "--sync", &self.id, "type", "--delay", "15", text]);
    }

    /// Types and confirms, then gives the window time to react.
    pub fn enter(&self, text: &str) {
        self.type_in(text);
        self.key("Return");
        self.pause(250);
    }

    /// Types as a YubiKey does: letters and Return in one go.
    pub fn enter_fast(&self, text: &str) {
        self.xdotool(&[
            "windowfocus",
            "--sync",
            &self.id,
            "type",
            "--delay",
            "4",
            &format!("{text}\n"),
        ]);
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn is_open(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn stop_listening(&mut self) {
        drop(self.output.take());
    }

    pub fn ends_by_itself(&mut self) {
        wait("the end of the program", || !self.is_open());
    }

    /// The one line of the answer; the program ends after it.
    pub fn answer(&mut self) -> Value {
        let mut output = BufReader::new(self.output.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let mut more = String::new();
        output.read_to_string(&mut more).unwrap();
        assert_eq!(more, "", "one line only");
        self.ends_by_itself();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(self.child.wait().unwrap().success(), answer.get("ok").is_some());
        answer
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An X server of its own on a free display.
struct Screen {
    server: Child,
    name: String,
}

impl Screen {
    /// Other tests of this machine start servers too, and two may reach for the same number: then the next try gets another.
    fn new(more: &[&str]) -> Self {
        (0..10)
            .find_map(|_| Self::attempt(more))
            .expect("an X server; install xvfb and xdotool")
    }

    /// `-noreset`: otherwise the server starts over whenever its last window closes, and refuses whoever comes meanwhile.
    fn attempt(more: &[&str]) -> Option<Self> {
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1024x768x24",
                "-nolisten",
                "tcp",
                "-noreset",
            ])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut number = String::new();
        BufReader::new(server.stdout.take()?).read_line(&mut number).ok()?;
        let screen = Self {
            server,
            name: format!(":{}", number.trim()),
        };
        let asked = Command::new("xdotool")
            .env("DISPLAY", &screen.name)
            .arg("getdisplaygeometry")
            .output()
            .ok()?;
        (asked.status.success() && !number.trim().is_empty()).then_some(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Asked to end, not killed, so that it takes its lock file along.
        let pid = rustix::process::Pid::from_child(&self.server);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        drop(self.server.wait());
    }
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not come within {PATIENCE:?}");
        sleep(Duration::from_millis(30));
    }
}
