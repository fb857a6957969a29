//! Folders of one run.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Where things are read and left.
#[derive(Clone, Debug)]
pub struct Place {
    programs: PathBuf,
    data: PathBuf,
    out: PathBuf,
    root: PathBuf,
}

impl Place {
    /// The folders of a run in the checkout at `root`. Data of an earlier run is removed unless it is kept.
    pub fn make(root: &Path, data: &str, out: &str, keep: bool) -> Result<Self> {
        let programs = std::env::current_exe()?
            .parent()
            .context("this program lies in no folder")?
            .to_path_buf();
        let target = programs
            .parent()
            .context("the programs lie in no target folder")?
            .to_path_buf();
        let place = Self {
            data: target.join(data),
            out: target.join(out),
            programs,
            root: root.to_path_buf(),
        };
        if !keep {
            empty(&place.data)?;
        }
        empty(&place.out)?;
        std::fs::create_dir_all(&place.data)?;
        Ok(place)
    }

    /// Removes the data at the end of a run, unless it is kept for a further one.
    pub fn tidy(&self, keep: bool) -> Result<()> {
        if keep {
            println!(
                "The data of this run is kept in {}; `cargo xtask demo --keep` goes on with it.",
                self.data.display()
            );
            return Ok(());
        }
        std::fs::remove_dir_all(&self.data).with_context(|| format!("failed to remove {}", self.data.display()))
    }

    /// A built program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// A file of the checkout.
    pub fn source(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// A folder or file of this run's data.
    pub fn data(&self, below: &str) -> PathBuf {
        self.data.join(below)
    }

    /// Where reports and pictures go.
    pub fn out(&self, below: &str) -> PathBuf {
        self.out.join(below)
    }

    /// Where programs leave what they print.
    pub fn logs(&self) -> PathBuf {
        self.out.join("logs")
    }
}

fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("failed to empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))
}
