//! Somebody at the display who types the PIN into every PIN window that opens: once to use it, twice to choose it.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

/// Everybody's PIN in these tests.
const PIN: &str = "48291357";

pub struct Typist {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Typist {
    pub fn new(display: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (display, ends) = (display.to_owned(), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut last = String::new();
            while !ends.load(Ordering::SeqCst) {
                let window = xdotool(&display, &["search", "--onlyvisible", "--class", "wardkey-pinpad"]);
                let window = window.lines().last().unwrap_or_default().to_owned();
                let name = if window.is_empty() {
                    String::new()
                } else {
                    xdotool(&display, &["getwindowname", &window])
                };
                // A new window may have the number and the name of the one before it, but not its process.
                let process = if window.is_empty() {
                    String::new()
                } else {
                    xdotool(&display, &["getwindowpid", &window])
                };
                let this = format!("{window} {process}");
                if !window.is_empty() && !name.is_empty() && this != last {
                    sleep(Duration::from_millis(250));
                    let chooses = name.contains("Choose") || name.contains("Unblock");
                    let times = if chooses { 2 } else { 1 };
                    for _ in 0..times {
                        enter(&display, &window);
                    }
                }
                last = this;
                sleep(Duration::from_millis(40));
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

fn enter(display: &str, window: &str) {
    xdotool(
        display,
        &["windowfocus", "--sync", window, "type", "--delay", "15", PIN],
    );
    xdotool(display, &["windowfocus", "--sync", window, "key", "Return"]);
    sleep(Duration::from_millis(150));
}

fn xdotool(display: &str, arguments: &[&str]) -> String {
    // A window may close between two commands; then there is nothing to type into.
    let output = Command::new("xdotool")
        .env("DISPLAY", display)
        .args(arguments)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Drop for Typist {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
