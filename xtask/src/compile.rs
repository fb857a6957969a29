//! Building every program of the workspace in the one profile.

use crate::project::Project;
use crate::run;
use anyhow::Result;
use std::process::Command;

/// Cargo, in the project's folder.
pub fn cargo(project: &Project) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(project.root());
    // What cargo set for this program must not reach the next cargo: it would rebuild what reads it.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" || name == "CARGO_MANIFEST_PATH"
        }) {
            command.env_remove(name);
        }
    }
    command
}

/// Builds all programs.
pub fn build(project: &Project) -> Result<()> {
    run::run(cargo(project).args(["build", "--release", "--workspace", "--bins", "--locked"]))
}
