//! Foreign programs from PyPI that judge ours: Yubico's own command line (the virtual card, `tests/virtual-card/tests/card/ykman.rs`), and
//! schemathesis (the gateway's API, `gateway/tests/schemathesis.rs`), slither (the contracts, xtask/src/contracts.rs).

use crate::project::Project;
use crate::run::{self, say};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Debian's Python, because that is the one which has Debian's pyscard.
const PYTHON: &str = "/usr/bin/python3";
/// The programs; each has its versions and hashes in `xtask/NAME.txt` and a virtual environment at `target/NAME`.
const PROGRAMS: &[&str] = &["ykman", "slither", "schemathesis"];

/// Installs the programs. Does nothing for those that are there already.
pub fn install(project: &Project) -> Result<()> {
    PROGRAMS.iter().try_for_each(|name| install_one(project, name))
}

fn install_one(project: &Project, name: &str) -> Result<()> {
    let (list, folder) = (project.path(&format!("xtask/{name}.txt")), project.target().join(name));
    let (wanted, installed) = (fs::read(&list)?, folder.join("installed.txt"));
    if fs::read(&installed).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    say(&format!("Installing {name} from PyPI into target/{name}"));
    make(&list, &folder).with_context(|| format!("failed to install {name} (it needs PyPI; only the tests use it)"))?;
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
