//! The programs that cannot be installed for the user: Rust, Node, npm.

use crate::project::Project;
use crate::run;
use anyhow::{Context, Result, bail};
use std::process::Command;

const NODE: (u32, u32) = (20, 19);
const NPM: (u32, u32) = (11, 0);

/// Checks Rust, Node and npm; the error says what was found and what to install.
pub fn check(project: &Project) -> Result<()> {
    rust(project)?;
    let node =
        version_of("node").with_context(|| missing("Node", NODE, "https://nodejs.org or your package manager"))?;
    at_least("Node", &node, NODE, "install Node 20 (20.19 or newer) or 22")?;
    let npm = version_of("npm").with_context(|| missing("npm", NPM, "`npm install -g npm@11`"))?;
    at_least("npm", &npm, NPM, "run `npm install -g npm@11`")
}

fn rust(project: &Project) -> Result<()> {
    let file = std::fs::read_to_string(project.path("rust-toolchain.toml"))?;
    let wanted = file
        .lines()
        .find_map(|line| line.strip_prefix("channel = "))
        .map(|value| value.trim().trim_matches('"').to_owned())
        .context("rust-toolchain.toml names no channel")?;
    let printed = run::output(Command::new("rustc").arg("--version").current_dir(project.root()))
        .context("Rust is missing: install it with rustup (https://rustup.rs)")?;
    let found = printed.split_whitespace().nth(1).unwrap_or_default();
    if found != wanted {
        bail!("Rust {wanted} is needed, found {found}: run `rustup toolchain install {wanted}`");
    }
    Ok(())
}

fn version_of(program: &str) -> Result<String> {
    let printed = run::output(Command::new(program).arg("--version"))?;
    Ok(printed.trim().trim_start_matches('v').to_owned())
}

fn missing(name: &str, wanted: (u32, u32), from: &str) -> String {
    format!(
        "{name} is missing: {}.{} or newer is needed; get it from {from}",
        wanted.0, wanted.1
    )
}

fn at_least(name: &str, found: &str, wanted: (u32, u32), help: &str) -> Result<()> {
    if parse(found) < Some(wanted) {
        bail!(
            "{name} {}.{} or newer is needed, found {found}: {help}",
            wanted.0,
            wanted.1
        );
    }
    Ok(())
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(str::parse::<u32>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_version_is_refused_with_both_numbers() {
        assert!(at_least("npm", "11.0.1", (11, 0), "x").is_ok());
        assert!(at_least("Node", "22.1.0", (20, 19), "x").is_ok());
        let refused = at_least("npm", "10.8.2", (11, 0), "run it")
            .err()
            .map(|e| e.to_string());
        assert_eq!(
            refused.as_deref(),
            Some("npm 11.0 or newer is needed, found 10.8.2: run it")
        );
        assert!(at_least("Node", "20.5.0", (20, 19), "x").is_err());
        assert!(at_least("Node", "nonsense", (20, 19), "x").is_err());
    }
}
