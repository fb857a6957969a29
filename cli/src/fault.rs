//! What the command line itself can refuse.

use wardkey_core::fault::Coded;

/// A fault of the command line's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CliError {
    /// The list of holders cannot be read.
    #[error("the list of holders cannot be read: {detail}")]
    HoldersUnreadable {
        /// The system's words.
        detail: String,
    },
    /// The list of holders has mistakes; no card was touched.
    #[error("the list of holders is wrong: {detail}")]
    HoldersWrong {
        /// Every line with what is wrong.
        detail: String,
    },
    /// The list was changed after work on it had begun.
    #[error("the list of holders is not the one that was begun: {detail}")]
    HoldersChanged {
        /// What differs.
        detail: String,
    },
    /// Another run works on the same list.
    #[error("another run works on this list of holders")]
    HoldersInUse,
    /// Another serial number was typed, or none.
    #[error("the serial number was not confirmed")]
    NotConfirmed,
    /// The six words differ from those that were given.
    #[error("the six words of the request are others")]
    WordsDiffer,
    /// No card of the institution and no request has this serial number or id.
    #[error("nothing is known of {name}")]
    UnknownDevice {
        /// What was looked for.
        name: String,
    },
    /// No reader, or not the one that was named.
    #[error("no card reader was found")]
    NoReader,
    /// Cards are in several readers.
    #[error("cards are in several readers: {names}")]
    SeveralCards {
        /// The readers.
        names: String,
    },
    /// A card that is not new is no card to be prepared.
    #[error("this card is not new: {detail}")]
    NotNew {
        /// How far it is.
        detail: &'static str,
    },
    /// Writing failed.
    #[error("the file could not be written: {detail}")]
    FileFailed {
        /// The system's words.
        detail: String,
    },
}

impl Coded for CliError {
    fn code(&self) -> &'static str {
        match self {
            Self::HoldersUnreadable { .. } => "holders-unreadable",
            Self::HoldersWrong { .. } => "holders-wrong",
            Self::HoldersChanged { .. } => "holders-changed",
            Self::HoldersInUse => "holders-in-use",
            Self::NotConfirmed => "not-confirmed",
            Self::WordsDiffer => "words-differ",
            Self::UnknownDevice { .. } => "card-unknown",
            Self::NoReader => "card-no-reader",
            Self::SeveralCards { .. } => "card-several",
            Self::NotNew { .. } => "card-not-new",
            Self::FileFailed { .. } => "file-failed",
        }
    }

    fn action(&self) -> &'static str {
        match self {
            Self::HoldersUnreadable { .. } => "Name a CSV file in UTF-8 with the columns holder and role.",
            Self::HoldersWrong { .. } => "Correct these lines; no card was touched.",
            Self::HoldersChanged { .. } => {
                "Put the begun lines back (new ones may follow at the end), or remove the state file to begin anew."
            }
            Self::HoldersInUse => "Wait until it ends, or end it.",
            Self::NotConfirmed => "Nothing was done. Type the serial number as it is shown.",
            Self::WordsDiffer => "Do not approve; ask IT which words were shown there.",
            Self::UnknownDevice { .. } => "Look at `wardkey device list` and `wardkey device list --waiting`.",
            Self::NoReader => "Plug a reader in, or name one that `wardkey card status` shows.",
            Self::SeveralCards { .. } => "Name one with --reader, or pull the others.",
            Self::NotNew { .. } => "Insert a new card, or reset this one if nobody needs its keys.",
            Self::FileFailed { .. } => "Check the folder and the space on the disk.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_programs() {
        let own = [
            CliError::HoldersUnreadable { detail: "…".into() },
            CliError::HoldersWrong { detail: "…".into() },
            CliError::HoldersChanged { detail: "…".into() },
            CliError::HoldersInUse,
            CliError::NotConfirmed,
            CliError::WordsDiffer,
            CliError::UnknownDevice { name: "…".into() },
            CliError::SeveralCards { names: "…".into() },
            CliError::NotNew { detail: "…" },
        ];
        let table = include_str!("../../docs/errors.md");
        let section = table
            .split("\n## ")
            .find(|part| part.starts_with("Command line\n"))
            .unwrap_or_default();
        let listed: Vec<_> = section.lines().filter(|line| line.starts_with("| `")).collect();
        let own: Vec<_> = own.iter().map(|e| format!("| `{}` | {e} |", e.code())).collect();
        assert_eq!(listed, own);
        for elsewhere in [CliError::NoReader, CliError::FileFailed { detail: String::new() }] {
            assert!(table.contains(&format!("| `{}` |", elsewhere.code())), "{elsewhere}");
        }
    }
}
