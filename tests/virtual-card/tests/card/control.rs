//! The program `wardkey-virtual-card`: its end is the card being pulled, its socket is the finger.

use super::*;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use wardkey_virtual_card::rig::READERS;

/// A running card; killed when dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(bench: &Bench) -> Program {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wardkey-virtual-card"))
        .arg("--state")
        .arg(bench.path("card"))
        .arg("--ca")
        .arg(bench.path("ca"))
        .arg("--control")
        .arg(bench.path("control"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains("inserted on port 35963"), "{line}");
    bench.rig.wait_for_card(READERS[0], true).unwrap();
    Program(child)
}

fn ask(bench: &Bench, line: &str) -> String {
    let mut socket = UnixStream::connect(bench.path("control")).unwrap();
    writeln!(socket, "{line}").unwrap();
    let mut answer = String::new();
    BufReader::new(socket).read_line(&mut answer).unwrap();
    answer.trim_end().to_owned()
}

#[test]
fn the_card_is_touched_through_its_socket() {
    let bench = Bench::new();
    let program = start(&bench);
    let mut tool = Command::new("yubico-piv-tool");
    tool.args(["-r", READERS[0]])
        .current_dir(bench.folder.path())
        .stdout(Stdio::null());
    let generate = "-s 9a -a generate -A ECCP256 --pin-policy=never --touch-policy=always -o public.pem";
    assert!(tool.args(generate.split(' ')).status().unwrap().success());
    assert_eq!(
        (ask(&bench, "touch"), ask(&bench, "tickle")),
        ("not waiting".into(), "unknown command".into())
    );

    let signing = std::thread::spawn(|| {
        let raw = Raw::connect(READERS[0]);
        raw.select();
        raw.sign(0x9a)
    });
    let begun = Instant::now();
    while ask(&bench, "touch") != "touched" {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never blinked");
        std::thread::sleep(Duration::from_millis(30));
    }
    assert_eq!(signing.join().unwrap(), 0x9000);
    drop(program);
    bench.rig.wait_for_card(READERS[0], false).unwrap();
}
