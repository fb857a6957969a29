//! Yubico's own command line, a foreign client that judges the virtual card in `hsm/tests/cards/ykman.rs`.

use crate::project::Project;
use crate::run::{self, say};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Debian's Python, because that is the one which has Debian's pyscard.
const PYTHON: &str = "/usr/bin/python3";

/// Installs ykman into a virtual environment at `target/ykman`, in the versions and with the hashes of `xtask/ykman.txt`. Does
/// nothing when these are installed already.
pub fn install(project: &Project) -> Result<()> {
    let (list, folder) = (project.path("xtask/ykman.txt"), project.target().join("ykman"));
    let (wanted, installed) = (fs::read(&list)?, folder.join("installed.txt"));
    if fs::read(&installed).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    say("Installing ykman from PyPI into target/ykman");
    make(&list, &folder).context("failed to install ykman (it needs PyPI; only the tests use it)")?;
    Ok(fs::write(installed, wanted)?)
}

fn make(list: &Path, folder: &Path) -> Result<()> {
    run::run(
        Command::new(PYTHON)
            .args(["-m", "venv", "--clear", "--system-site-packages"])
            .arg(folder),
    )?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--ignore-installed",
    ]);
    pip.args([
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
        "--requirement",
    ]);
    run::run(pip.arg(list))
}
