//! `wardkey-acceptance demo` as a person runs it: it starts, says what to do, keeps its data if told so, and Ctrl-C leaves nothing.
#![expect(clippy::unwrap_used, reason = "test")]

use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The demo, and where it says that the phone page is.
struct Demo {
    child: Child,
    origin: String,
}

impl Demo {
    fn start() -> Self {
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_wardkey-acceptance"))
            .args(["demo", "--keep"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let origin = said
            .find_map(|line| {
                line.strip_prefix("Wardkey runs. Gateway and phone page: ")
                    .map(str::to_owned)
            })
            .unwrap_or_else(|| {
                panic!("the demo ended before it ran; build all programs first: cargo build --release --workspace")
            });
        println!("started in {} ms", begun.elapsed().as_millis());
        // The rest is read until it ends, so that it never waits for us.
        std::thread::spawn(move || said.for_each(drop));
        Self { child, origin }
    }

    fn contract(&self) -> serde_json::Value {
        let address = format!("{}v1/network", self.origin);
        let body = Command::new("curl")
            .args(["--silent", "--fail", &address])
            .output()
            .unwrap()
            .stdout;
        let network: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert!(network["contract"].is_string(), "{network}");
        network["contract"].clone()
    }

    /// Ctrl-C; answers what of it still runs.
    fn interrupt(mut self) -> Vec<String> {
        let below = below(self.child.id());
        assert!(
            below.len() > 4,
            "gateway, card service, windows and phone run: {below:?}"
        );
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it did not end");
            std::thread::sleep(Duration::from_millis(50));
        }
        below
            .into_iter()
            .filter_map(|id| alive(id).map(|name| format!("{id} {name}")))
            .collect()
    }
}

/// Every process below one.
fn below(of: u32) -> HashSet<u32> {
    let children = |id: u32| {
        let tasks = std::fs::read_dir(format!("/proc/{id}/task"))
            .into_iter()
            .flatten()
            .flatten();
        let listed = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        listed
            .flat_map(|line| {
                line.split_whitespace()
                    .map(|id| id.parse().unwrap())
                    .collect::<Vec<u32>>()
            })
            .collect::<Vec<_>>()
    };
    let (mut found, mut open) = (HashSet::new(), vec![of]);
    while let Some(next) = open.pop() {
        for child in children(next) {
            if found.insert(child) {
                open.push(child);
            }
        }
    }
    found
}

/// The name of a process that runs.
fn alive(id: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (name, rest) = stat.rsplit_once(')')?;
    (!rest.trim_start().starts_with('Z')).then(|| name.to_owned())
}

#[test]
fn it_starts_keeps_its_data_and_ctrl_c_leaves_nothing() {
    let first = Demo::start();
    let contract = first.contract();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(first.interrupt(), Vec::<String>::new());
    let second = Demo::start();
    assert_eq!(second.contract(), contract, "the chain was kept");
    assert_eq!(second.interrupt(), Vec::<String>::new());
}
