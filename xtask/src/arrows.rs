//! Who may depend on whom: arrows point down only (docs/ARCHITECTURE.md).

use crate::compile::cargo;
use crate::project::Project;
use crate::run;
use anyhow::{Context, Result};
use serde_json::Value;
use std::process::Command;

/// Each member with the members that it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("wardkey-core", &[]),
    ("wardkey-hsm", &["wardkey-core"]),
    ("wardkey-chain", &["wardkey-core"]),
    ("wardkey-gateway", &["wardkey-core", "wardkey-chain"]),
    ("wardkey-client", &["wardkey-core"]),
    (
        "wardkey-desk",
        &["wardkey-core", "wardkey-hsm", "wardkey-chain", "wardkey-client"],
    ),
    ("wardkey-pinpad", &["wardkey-core", "wardkey-hsm"]),
    (
        "wardkey-cli",
        &["wardkey-core", "wardkey-hsm", "wardkey-chain", "wardkey-desk"],
    ),
    ("wardkey-workstation", &["wardkey-core", "wardkey-desk"]),
    ("wardkey-virtual-card", &[]),
    (
        "wardkey-acceptance",
        &["wardkey-core", "wardkey-hsm", "wardkey-virtual-card"],
    ),
    ("xtask", &[]),
];

/// Sentences about the arrows that point the wrong way; empty when all is well.
pub fn wrong(project: &Project) -> Result<Vec<String>> {
    let printed = run::output(cargo(project).args(["metadata", "--no-deps", "--format-version", "1", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&printed).context("failed to read cargo's metadata")?;
    let mut wrong = Vec::new();
    for package in list(&metadata, "packages") {
        let name = text(package, "name");
        let Some((_, allowed)) = ALLOWED.iter().find(|(member, _)| *member == name) else {
            wrong.push(format!(
                "{name} is not in the table of xtask/src/arrows.rs: say there what it may use"
            ));
            continue;
        };
        for used in members_used(package) {
            if !allowed.contains(&used) {
                wrong.push(format!("{name} must not use {used}: arrows point down only"));
            }
        }
    }
    wrong.extend(pure_core(project)?);
    Ok(wrong)
}

/// The members of this workspace that a package uses outside its tests.
fn members_used(package: &Value) -> Vec<&str> {
    let used = list(package, "dependencies").iter();
    used.filter(|dependency| !text(dependency, "path").is_empty() && text(dependency, "kind") != "dev")
        .map(|dependency| text(dependency, "name"))
        .collect()
}

/// The domain does no I/O: none of these may be anywhere below it.
fn pure_core(project: &Project) -> Result<Vec<String>> {
    let mut command: Command = cargo(project);
    command.args([
        "tree",
        "--package",
        "wardkey-core",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--locked",
    ]);
    let tree = run::output(&mut command)?;
    let used = tree.lines().filter_map(|line| line.split_whitespace().next());
    let banned = used.filter(|name| ["tokio", "reqwest", "hyper", "pcsc", "rusqlite", "sled", "tauri"].contains(name));
    Ok(banned
        .map(|name| format!("wardkey-core must not reach {name}: the domain does no I/O"))
        .collect())
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
