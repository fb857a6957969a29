//! npm packages and the built pages. Each step is skipped while nothing it reads has changed.

use crate::project::Project;
use crate::run::{self, say};
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

/// Folders with a package-lock.json.
const NPM: [&str; 2] = ["ui", "chain/contracts"];

/// Installs npm packages where the lock changed, then builds the pages where their sources changed.
pub fn build(project: &Project) -> Result<()> {
    for folder in NPM {
        install(project, folder)?;
    }
    pages(project)
}

fn install(project: &Project, folder: &str) -> Result<()> {
    let at = project.path(folder);
    let lock = std::fs::read_to_string(at.join("package-lock.json"))
        .with_context(|| format!("failed to read {folder}/package-lock.json"))?;
    let stamp = stamp(project, &format!("npm-{}", folder.replace('/', "-")));
    if at.join("node_modules").is_dir() && matches(&stamp, &lock) {
        return Ok(());
    }
    say(&format!("Installing the npm packages of {folder} (npm ci)"));
    run::run(npm(&at).args(["ci", "--no-audit", "--no-fund"]))?;
    write(&stamp, &lock)
}

fn pages(project: &Project) -> Result<()> {
    let ui = project.path("ui");
    let fingerprint = fingerprint(&ui)?;
    let stamp = stamp(project, "ui-pages");
    let built = ["desk", "phone"]
        .iter()
        .all(|page| ui.join("dist").join(page).join("index.html").is_file());
    if built && matches(&stamp, &fingerprint) {
        return Ok(());
    }
    say("Building the pages of ui/ (npm run build)");
    run::run(npm(&ui).args(["run", "build"]))?;
    write(&stamp, &fingerprint)
}

/// npm in a folder.
pub fn npm(folder: &Path) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(folder).env("NO_COLOR", "1");
    command
}

fn stamp(project: &Project, name: &str) -> PathBuf {
    project.target().join("stamps").join(name)
}

fn matches(stamp: &Path, text: &str) -> bool {
    std::fs::read_to_string(stamp).is_ok_and(|old| old == text)
}

fn write(stamp: &Path, text: &str) -> Result<()> {
    if let Some(folder) = stamp.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(stamp, text).with_context(|| format!("failed to write {}", stamp.display()))
}

/// Name, size and time of every source file, sorted.
fn fingerprint(folder: &Path) -> Result<String> {
    let mut lines = Vec::new();
    collect(folder, &mut lines)?;
    lines.sort();
    Ok(lines.concat())
}

fn collect(folder: &Path, lines: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if ["node_modules", "dist", "tests", ".vite"]
            .iter()
            .any(|skipped| name == *skipped)
        {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&entry.path(), lines)?;
        } else if kind.is_file() {
            let about = entry.metadata()?;
            let changed = about.modified()?.duration_since(UNIX_EPOCH)?.as_nanos();
            let mut line = String::new();
            writeln!(line, "{} {} {changed}", entry.path().display(), about.len())?;
            lines.push(line);
        }
    }
    Ok(())
}
