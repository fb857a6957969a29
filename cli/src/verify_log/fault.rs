//! What can be wrong with a log, or with the way to it.

use wardkey_core::audit::NotACheckpoint;
use wardkey_core::fault::Coded;

/// Why a log was not found sound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// Its files cannot be fetched.
    #[error("the log cannot be fetched: {detail}")]
    Unreachable {
        /// The system's words.
        detail: String,
    },
    /// A file is not there.
    #[error("a file of the log is missing: {name}")]
    Missing {
        /// Its name.
        name: String,
    },
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] NotACheckpoint),
    /// A tile is not what the leaves make.
    #[error("a tile is not what the log's lines make: {name}")]
    Tile {
        /// Its name.
        name: String,
    },
    /// The root is not what the leaves make.
    #[error("the log's lines do not make the root of {whose}")]
    Root {
        /// Which statement about the log.
        whose: &'static str,
    },
    /// The log was longer before.
    #[error("the log has {size} lines; {whose} says that it had {before}")]
    Shorter {
        /// Lines now.
        size: u64,
        /// Lines before.
        before: u64,
        /// Which statement about the log.
        whose: &'static str,
    },
    /// A file that was given is not what it should be.
    #[error("this file cannot be used: {detail}")]
    Input {
        /// Which, and why.
        detail: String,
    },
}

impl Coded for LogFault {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "log-unreachable",
            Self::Missing { .. } => "log-missing",
            Self::Checkpoint(e) => e.code(),
            Self::Tile { .. } => "log-tile-wrong",
            Self::Root { .. } => "log-root-wrong",
            Self::Shorter { .. } => "log-shorter",
            Self::Input { .. } => "log-input",
        }
    }

    fn action(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "Check the address and the network connection, then run it again.",
            Self::Missing { .. } => {
                "Run it again: tiles may have been written in between. If it stays, tell the network operator."
            }
            Self::Checkpoint(e) => e.action(),
            Self::Tile { .. } | Self::Root { .. } | Self::Shorter { .. } => {
                "Keep the checkpoint and the state file: they prove that the log was changed. Tell the supervising authority."
            }
            Self::Input { .. } => "Give the file that an earlier run or the gateway wrote.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_programs() {
        let some = String::new;
        let own = [
            LogFault::Unreachable { detail: some() },
            LogFault::Missing { name: some() },
            NotACheckpoint::Malformed.into(),
            NotACheckpoint::Elsewhere.into(),
            NotACheckpoint::Unsigned.into(),
            LogFault::Tile { name: some() },
            LogFault::Root { whose: "" },
            LogFault::Shorter {
                size: 0,
                before: 0,
                whose: "",
            },
            LogFault::Input { detail: some() },
        ];
        let table = include_str!("../../../docs/errors.md");
        let section = table.split("## The public log\n").nth(1).unwrap_or_default();
        let section = section.split("\n## ").next().unwrap_or_default();
        let listed: Vec<_> = section
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        assert_eq!(listed, own.map(|fault| fault.code()));
    }
}
