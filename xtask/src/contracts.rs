//! The contracts' own tests: forge on an EVM with the P-256 precompile and on one without, and slither.

use crate::project::Project;
use crate::suite::{counted, single};
use crate::tally::Tally;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDER: &str = "chain/contracts";

/// Runs them. Gas and the comparison with Rust's own rule are tests of the crate `chain`.
pub fn test(project: &Project) -> Result<Tally> {
    let folder = project.path(FOLDER);
    let bin = forge(&folder)?;
    let mut native = Command::new(bin.join("forge"));
    let native = counted(native.arg("test").current_dir(&folder))?;
    // Invariants are about order, not about signatures: once is enough.
    let mut bare = Command::new(bin.join("forge"));
    bare.args(["test", "--no-match-contract", "Invariants"]);
    let bare = counted(bare.current_dir(&folder).env("FOUNDRY_PROFILE", "bare"))?;
    Ok(native.and(bare).and(slither(project, &folder, &bin)?))
}

/// One test: no finding that its place in the source does not answer. slither cleans forge's output, so it has one of its own.
fn slither(project: &Project, folder: &Path, forge: &Path) -> Result<Tally> {
    let own = project.target().join("slither-forge");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(forge.to_owned()).chain(std::env::split_paths(&path)))?;
    let mut command = Command::new(project.target().join("slither/bin/slither"));
    command.arg(".").current_dir(folder).env("PATH", path);
    command.arg("--foundry-out-directory").arg(own.join("out"));
    command.env("FOUNDRY_OUT", own.join("out"));
    command.env("FOUNDRY_CACHE_PATH", own.join("cache"));
    Ok(single(&mut command))
}

/// The folder of npm's forge for this machine.
fn forge(contracts: &Path) -> Result<PathBuf> {
    let machine = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("forge is not on npm for {other}: the contracts' tests run on x86_64 and aarch64"),
    };
    let bin = contracts.join(format!("node_modules/@foundry-rs/forge-linux-{machine}/bin"));
    bin.join("forge")
        .is_file()
        .then_some(bin)
        .context("forge is missing: run `npm ci` in chain/contracts")
}
