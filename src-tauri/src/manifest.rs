//! The declared commands, the capability file and the handlers say the same.
#![expect(clippy::expect_used, reason = "test")]

use crate::names::NAMES;
use std::collections::BTreeSet;

#[test]
fn the_window_may_do_what_is_declared_and_nothing_else() {
    let file: serde_json::Value = serde_json::from_str(include_str!("../capabilities/main.json")).expect("JSON");
    let granted: BTreeSet<_> = file["permissions"]
        .as_array()
        .expect("list")
        .iter()
        .filter_map(|p| p.as_str())
        .collect();
    let commands: Vec<_> = NAMES
        .iter()
        .map(|name| format!("allow-{}", name.replace('_', "-")))
        .collect();
    let mut expected: BTreeSet<_> = commands.iter().map(String::as_str).collect();
    expected.extend(["core:event:allow-listen", "core:event:allow-unlisten"]);
    assert_eq!(granted, expected);
    assert_eq!(file["windows"], serde_json::json!(["main"]));
}

#[test]
fn every_declared_command_is_handled() {
    let handled: BTreeSet<_> = include_str!("window.rs")
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once("::"))
        .map(|(_, name)| name)
        .filter(|name| NAMES.contains(name))
        .collect();
    assert_eq!(handled, NAMES.iter().copied().collect());
}

#[test]
fn the_policy_is_strict() {
    let file: serde_json::Value = serde_json::from_str(include_str!("../tauri.conf.json")).expect("JSON");
    let policy = file["app"]["security"]["csp"].to_string();
    for open in ["unsafe-inline", "unsafe-eval", "*", "https:"] {
        assert!(!policy.contains(open), "{open} in {policy}");
    }
    assert_eq!(file["app"]["security"]["csp"]["default-src"], "'none'");
    assert_eq!(file["app"]["withGlobalTauri"], false);
    assert_eq!(file["app"]["windows"][0]["devtools"], false);
}

#[test]
fn no_command_takes_or_returns_a_pin() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/commands");
    let mut commands = 0;
    for entry in std::fs::read_dir(folder).expect("the commands") {
        let source = std::fs::read_to_string(entry.expect("entry").path()).expect("source");
        let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            commands += usize::from(line.contains("#[tauri::command]"));
            let secret =
                words(line).find(|word| ["pin", "puk", "secret", "password", "passphrase"].contains(&word.as_str()));
            assert_eq!(secret, None, "{line}");
        }
    }
    assert_eq!(commands, NAMES.len());
}

/// The words of names in either case: `pinTries`, `pin_tries` and `PinTries` begin with `pin`.
fn words(line: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::new();
    for letter in line.chars() {
        if letter.is_uppercase() {
            spaced.push(' ');
        }
        spaced.push(if letter.is_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            ' '
        });
    }
    spaced
        .split_whitespace()
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
}
