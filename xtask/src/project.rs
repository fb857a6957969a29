//! Where things are in this checkout.

use crate::run;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A checkout of Wardkey.
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The checkout that this program was built from, or the one around the working directory.
    pub fn here() -> Result<Self> {
        let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => std::env::current_dir().context("failed to read the working directory")?,
        };
        let root = start
            .ancestors()
            .find(|folder| folder.join("rust-toolchain.toml").is_file() && folder.join("xtask").is_dir())
            .context("this is not inside a checkout of Wardkey: run it from the project's folder")?;
        Ok(Self {
            root: root.to_path_buf(),
        })
    }

    /// The top folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder below the top folder.
    pub fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// Cargo's target folder.
    pub fn target(&self) -> PathBuf {
        match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => self.root.join(folder),
            None => self.root.join("target"),
        }
    }

    /// A built program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.target().join("release").join(name)
    }

    /// Files that git neither has nor ignores: a clone would lack them. Empty where this is no clone.
    pub fn not_in_git(&self) -> Result<Vec<String>> {
        if !self.path(".git").exists() {
            return Ok(Vec::new());
        }
        let mut git = Command::new("git");
        git.current_dir(&self.root)
            .args(["ls-files", "--others", "--exclude-standard"]);
        Ok(run::output(&mut git)?.lines().map(str::to_owned).collect())
    }
}
