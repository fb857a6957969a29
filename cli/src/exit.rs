//! How the program ends.

use std::process::ExitCode;

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok,
    /// The program itself failed.
    Failed,
    /// The command line cannot be understood (clap's own code too).
    Usage,
    /// A file that was given is wrong: the settings, the list of holders.
    Input,
    /// The reader, the card, its PIN, or the PIN window.
    Card,
    /// The gateway, the workstation or a rule refused.
    Refused,
    /// A list of holders is not done yet; running the same command again goes on.
    Partial,
    /// The person did not want it: the PIN window was closed, the serial number was not typed.
    Cancelled,
    /// The gateway does not answer.
    Offline,
}

impl Exit {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::Failed,
        Self::Usage,
        Self::Input,
        Self::Card,
        Self::Refused,
        Self::Partial,
        Self::Cancelled,
        Self::Offline,
    ];

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What it means.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done",
            Self::Failed => "the program itself failed",
            Self::Usage => "the command line cannot be understood",
            Self::Input => "a file that was given is wrong (settings, list of holders)",
            Self::Card => "reader, card, PIN or PIN window",
            Self::Refused => "refused by the gateway, the institution's rules or the evidence",
            Self::Partial => "a list of holders is not done yet; the same command goes on with it",
            Self::Cancelled => "the PIN window was closed, or the serial number was not confirmed",
            Self::Offline => "the gateway does not answer",
        }
    }

    /// By a fault's stable code.
    #[must_use]
    pub fn of(code: &str) -> Self {
        const CARD: [&str; 7] = ["card-", "it-card-", "pin-", "puk-", "slot-", "pinpad-", "attestation-"];
        match code {
            "pin-cancelled" | "not-confirmed" => Self::Cancelled,
            "internal" => Self::Failed,
            "gateway-offline" | "gateway-unreachable" | "log-unreachable" => Self::Offline,
            "log-input" => Self::Input,
            code if ["settings-", "holders-", "holder-", "data-folder-"]
                .iter()
                .any(|start| code.starts_with(start)) =>
            {
                Self::Input
            }
            code if CARD.iter().any(|start| code.starts_with(start)) => Self::Card,
            "management-key-refused" | "readers-none" => Self::Card,
            _ => Self::Refused,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// For `--help`. A test holds it equal to [`Exit::ALL`].
pub const TABLE: &str = "\
Exit codes:
  0  done
  1  the program itself failed
  2  the command line cannot be understood
  3  a file that was given is wrong (settings, list of holders)
  4  reader, card, PIN or PIN window
  5  refused by the gateway, the institution's rules or the evidence
  6  a list of holders is not done yet; the same command goes on with it
  7  the PIN window was closed, or the serial number was not confirmed
  8  the gateway does not answer";

#[cfg(test)]
mod tests {
    use super::*;
    use wardkey_core::fault::Coded as _;
    use wardkey_hsm::CardError;

    #[test]
    fn the_table_is_the_programs() {
        let lines = Exit::ALL.map(|exit| format!("  {}  {}", exit.code(), exit.meaning()));
        assert_eq!(TABLE, format!("Exit codes:\n{}", lines.join("\n")));
    }

    #[test]
    fn faults_end_with_the_right_code() {
        for (error, exit) in [
            (CardError::NoCard, Exit::Card),
            (CardError::PinBlocked, Exit::Card),
            (CardError::ManagementKeyRefused, Exit::Card),
            (CardError::Cancelled, Exit::Cancelled),
            (
                CardError::NoAttestation {
                    slot: wardkey_hsm::Slot::Signature,
                },
                Exit::Card,
            ),
        ] {
            assert_eq!(Exit::of(error.code()), exit, "{}", error.code());
        }
        assert_eq!(Exit::of("device-revoked"), Exit::Refused);
        assert_eq!(Exit::of("settings-wrong"), Exit::Input);
    }
}
