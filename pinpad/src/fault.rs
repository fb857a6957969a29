//! What the pinpad itself can answer besides the card's own faults.

use wardkey_core::fault::Coded;

/// Why the pinpad gave no answer from the card.
#[derive(Debug, thiserror::Error)]
pub enum PinpadError {
    /// The card left the reader, or the reader was unplugged, while the window was open.
    #[error("the card was removed")]
    CardRemoved,
    /// Nobody touched the window for [`crate::dialog::IDLE`].
    #[error("nobody typed a PIN for two minutes")]
    TimedOut,
    /// The card thread ended without an answer.
    #[error("the PIN window failed inside")]
    Failed,
    /// Standard input was no PIN job.
    #[error("the request to the PIN window is malformed: {0}")]
    BadJob(String),
    /// No display, or nothing that draws on it.
    #[error("the PIN window could not be opened")]
    NoWindow,
    /// The system does not let the program forbid core dumps.
    #[error("this terminal cannot keep a PIN out of crash files")]
    Unguarded,
}

impl Coded for PinpadError {
    fn code(&self) -> &'static str {
        match self {
            Self::CardRemoved => "card-removed",
            Self::TimedOut => "pin-timed-out",
            Self::Failed => "pinpad-failed",
            Self::BadJob(_) => "pin-job-bad",
            Self::NoWindow => "pinpad-no-window",
            Self::Unguarded => "pinpad-unguarded",
        }
    }

    fn action(&self) -> &'static str {
        match self {
            Self::CardRemoved => "Put the card back and start again.",
            Self::TimedOut => "Start again; nothing was done with the card.",
            Self::Failed => "Start again; if it happens again, tell IT.",
            Self::BadJob(_) => {
                "Restart the workstation program; if it happens again, tell IT: its parts may be of different versions."
            }
            Self::NoWindow => "Tell IT that this terminal shows no native windows; another terminal will work.",
            Self::Unguarded => {
                "Tell IT that the PIN window must be allowed to switch core dumps off; no PIN is asked for until then."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes that stand in the Cards' or the Workstation's table with the same meaning.
    const ELSEWHERE: [&str; 2] = ["card-removed", "pin-job-bad"];

    #[test]
    fn the_table_is_the_programs() {
        let all = [
            PinpadError::CardRemoved,
            PinpadError::TimedOut,
            PinpadError::Failed,
            PinpadError::BadJob(String::new()),
            PinpadError::NoWindow,
            PinpadError::Unguarded,
        ];
        let table = include_str!("../../docs/errors.md");
        let section = table
            .split("\n## ")
            .find(|part| part.starts_with("PIN window\n"))
            .unwrap_or_default();
        let listed: Vec<_> = section.lines().filter(|line| line.starts_with("| `")).collect();
        let own: Vec<_> = all
            .iter()
            .filter(|e| !ELSEWHERE.contains(&e.code()))
            .map(|e| format!("| `{}` | {e} |", e.code()))
            .collect();
        assert_eq!(listed, own);
        for code in ELSEWHERE {
            assert!(table.contains(&format!("| `{code}` |")), "{code}");
        }
    }
}
