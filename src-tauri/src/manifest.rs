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
