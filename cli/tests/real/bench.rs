//! Display, typist, card service, gateway, settings: what the command line needs around it.

use crate::typist::Typist;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wardkey_virtual_card::rig::{CardHandle, PORTS, READERS, Rig};

/// Serial number of the master key's card.
pub const MASTER: u32 = 30_100_000;
/// Serial number of IT's card.
pub const IT: u32 = 30_100_009;
const PATIENCE: Duration = Duration::from_secs(120);

/// Fields are dropped in this order.
pub struct Bench {
    _typist: Typist,
    _gateway: Service,
    _display: Service,
    screen: String,
    rig: Arc<Rig>,
    folder: TempDir,
}

/// A program that ends with the test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        drop(self.0.wait());
    }
}

/// A program of the same build.
fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_wardkey")).with_file_name(name);
    assert!(
        path.exists(),
        "build all programs first: cargo build --release --workspace --bins"
    );
    path
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rig = Rig::start(&folder.path().join("ca")).unwrap();
        let (display, screen) = display();
        let (gateway, origin) = gateway(folder.path());
        let roots = folder.path().join("roots");
        std::fs::create_dir_all(&roots).unwrap();
        std::fs::copy(rig.root_pem(), roots.join("root.pem")).unwrap();
        let settings = format!(
            "gateway = {origin:?}\ninstitution_name = \"Harbour Hospital\"\nterminal = \"IT desk\"\ndata = \"data\"\n\
             test_roots = [\"roots\"]\ntrust_test_root = true\npinpad = {:?}\n",
            program("wardkey-pinpad")
        );
        std::fs::write(folder.path().join("workstation.toml"), settings).unwrap();
        Self {
            _typist: Typist::new(&screen),
            _gateway: gateway,
            _display: display,
            screen,
            rig: rig.into(),
            folder,
        }
    }

    /// Waits until no card is in the reader.
    pub fn empty(&self, reader: &str) {
        self.rig.wait_for_card(reader, false).unwrap();
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn insert(&self, port: u16, name: &str, serial: u32) -> CardHandle {
        insert(&self.rig, self.folder.path(), port, name, serial)
    }

    /// IT's card, and an accredited institution whose master key is on the card `master`.
    pub fn institution(&self) {
        let it = self.insert(PORTS[1], "it", IT);
        assert_eq!(self.ok(&["it", "setup"])["itCard"], it.serial());
        let master = self.insert(PORTS[0], "master", MASTER);
        assert_eq!(self.ok(&["card", "prepare", "--master"])["prepared"], master.serial());
        drop(it);
        self.rig.wait_for_card(READERS[1], false).unwrap();
        let registered = self.ok(&["institution", "register", "Harbour Hospital", "PT"]);
        let id = registered["registered"].as_str().unwrap();
        let accredited = Command::new(program("wardkey-gateway"))
            .arg("--config")
            .arg(self.file("gateway.toml"))
            .args(["operator", "accredit", id])
            .output()
            .unwrap();
        assert!(accredited.status.success(), "{accredited:?}");
        drop(master);
        self.rig.wait_for_card(READERS[0], false).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardkey"));
        command
            .arg("--json")
            .args(arguments)
            .env("DISPLAY", &self.screen)
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if !arguments.contains(&"--settings") {
            command.arg("--settings").arg(self.file("workstation.toml"));
        }
        command
    }

    /// Runs to the end; exit code and the last line.
    pub fn run(&self, arguments: &[&str]) -> (i32, Value) {
        let output = self.command(arguments).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let last = text.lines().last().unwrap_or("null");
        (output.status.code().unwrap(), serde_json::from_str(last).unwrap())
    }

    /// The same, which must go well.
    pub fn ok(&self, arguments: &[&str]) -> Value {
        let (code, said) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        said
    }

    /// Starts a run of some length.
    pub fn start(&self, arguments: &[&str]) -> Run {
        let mut child = self.command(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let (send, words) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            stderr
                .lines()
                .map_while(Result::ok)
                .for_each(|line| drop(send.send(line)))
        });
        Run { child, words }
    }

    /// Puts new cards into both readers, one after the other, and pulls each when its line is done, until `all` lines are.
    /// While `wanted` is set, IT's card is in the first reader instead.
    pub fn feed(&self, list: &Path, all: usize, wanted: &Arc<AtomicBool>) -> JoinHandle<()> {
        let (rig, folder, list) = (self.rig.clone(), self.folder.path().to_owned(), list.to_owned());
        let wanted = Arc::clone(wanted);
        std::thread::spawn(move || {
            let reader = |slot: usize| {
                let (rig, folder, list) = (rig.clone(), folder.clone(), list.clone());
                let wanted = Arc::clone(&wanted);
                std::thread::spawn(move || {
                    let first = 40_000_000 + u32::try_from(slot).unwrap() * 1000;
                    for serial in first.. {
                        if done(&list, None) == all || (done(&list, None) == all - 1 && taken(&list) == all) {
                            return;
                        }
                        let name = format!("card-{serial}");
                        let mut card = Some(insert(&rig, &folder, PORTS[slot], &name, serial));
                        let begun = Instant::now();
                        while done(&list, Some(&serial.to_string())) == 0 && done(&list, None) < all {
                            if slot == 0 && wanted.load(Ordering::SeqCst) {
                                drop(card.take());
                                rig.wait_for_card(READERS[slot], false).unwrap();
                                let it = insert(&rig, &folder, PORTS[slot], "it", IT);
                                while wanted.load(Ordering::SeqCst) {
                                    sleep(Duration::from_millis(30));
                                }
                                drop(it);
                                rig.wait_for_card(READERS[slot], false).unwrap();
                                card = Some(insert(&rig, &folder, PORTS[slot], &name, serial));
                            }
                            assert!(begun.elapsed() < PATIENCE, "card {serial}: {:?}", state_of(&list));
                            sleep(Duration::from_millis(30));
                        }
                        drop(card);
                        rig.wait_for_card(READERS[slot], false).unwrap();
                    }
                })
            };
            let both = [reader(0), reader(1)];
            both.into_iter().for_each(|thread| thread.join().unwrap());
        })
    }
}

/// Lines that are done; of one card, if one is named.
fn done(list: &Path, serial: Option<&str>) -> usize {
    let of = |row: &&Value| row["stand"] == "requested" && serial.is_none_or(|serial| row["serial"] == serial);
    state_of(list).iter().filter(of).count()
}

/// Lines that have a card.
fn taken(list: &Path) -> usize {
    state_of(list).iter().filter(|row| row["serial"].is_string()).count()
}

/// The rows of the list's state file; none while there is no file.
pub fn state_of(list: &Path) -> Vec<Value> {
    let mut name = list.as_os_str().to_owned();
    name.push(".state.json");
    let text = std::fs::read_to_string(name).unwrap_or_else(|_| "{\"rows\":[]}".to_owned());
    // Whole at any moment: it is replaced by renaming.
    let whole: Value = serde_json::from_str(&text).unwrap();
    whole["rows"].as_array().unwrap().clone()
}

fn insert(rig: &Rig, folder: &Path, port: u16, name: &str, serial: u32) -> CardHandle {
    let cards = folder.join("cards");
    std::fs::create_dir_all(&cards).unwrap();
    rig.insert(port, &cards.join(name), Some(serial)).unwrap()
}

/// A run that is going on.
pub struct Run {
    child: Child,
    words: Receiver<String>,
}

impl Run {
    /// Waits until it says something with these words.
    pub fn says(&mut self, words: &str) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.words.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(words) => return,
                Ok(_) => {}
                Err(error) => panic!("it never said “{words}”: {error}"),
            }
        }
        panic!("it never said “{words}”");
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Exit code and the last line.
    pub fn end(&mut self) -> (i32, Value) {
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let code = self.child.wait().unwrap().code().unwrap();
        (code, serde_json::from_str(text.lines().last().unwrap()).unwrap())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn display() -> (Service, String) {
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
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("an X server; install xvfb and xdotool");
    let mut number = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut number)
        .unwrap();
    (Service(server), format!(":{}", number.trim()))
}

fn gateway(folder: &Path) -> (Service, String) {
    let config = folder.join("gateway.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\ndata = {:?}\n[log]\ncheckpoint = 2\n",
        folder.join("gateway")
    );
    std::fs::write(&config, text).unwrap();
    let mut child = Command::new(program("wardkey-gateway"))
        .arg("--config")
        .arg(&config)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    std::thread::spawn(move || output.lines().for_each(drop));
    let ready: Value = serde_json::from_str(&line).unwrap();
    (Service(child), ready["listening"].as_str().unwrap().to_owned())
}
