//! What can be said on the command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

/// Wardkey for IT: prepares cards, asks for their approval, approves and revokes them.
///
/// PINs are typed in the PIN window, which opens by itself; none is ever taken from the command line. Progress and questions go to
/// standard error, results to standard output.
#[derive(Debug, Parser)]
#[command(name = "wardkey", version, after_help = crate::exit::TABLE)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// The workstation's settings file; the workstation's window must be closed while its data folder is used
    #[arg(long, global = true, value_name = "FILE", default_value = "config/workstation.toml")]
    pub settings: PathBuf,
    /// Write results and errors as JSON, one object a line
    #[arg(long, global = true)]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The card in a reader
    #[command(subcommand)]
    Card(CardCommand),
    /// What the institution knows of its cards
    #[command(subcommand)]
    Device(DeviceCommand),
    /// IT's own card, which opens the secret that PUKs and management keys come from
    #[command(subcommand)]
    It(ItCommand),
    /// The institution itself
    #[command(subcommand)]
    Institution(InstitutionCommand),
    /// Check that a network's log of reads and writes is whole and only grows; needs no card
    VerifyLog(VerifyLog),
    /// The contract on a chain, and the account that pays for actions; needs no card
    #[command(subcommand)]
    Chain(ChainCommand),
    /// Print a shell's completions
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page, or write every page into a folder
    Man {
        /// The folder
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
        /// Print docs/command-line.md instead
        #[arg(long, conflicts_with = "folder")]
        markdown: bool,
    },
}

/// Which reader.
#[derive(Args, Clone, Debug, Default)]
pub struct InReader {
    /// The reader's PC/SC name; needed if more than one card is in
    #[arg(long, value_name = "NAME")]
    pub reader: Option<String>,
}

/// What is done with a chain.
#[derive(Debug, Subcommand)]
pub enum ChainCommand {
    /// Make the file with the paying account's key, unless it is there, and print the account's address
    Key {
        /// The file; its mode becomes 600
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Put the contract on the chain, unless it is there, and print the gateway's [chain] settings; the same keys and salt make the
    /// same address on every chain
    Deploy {
        /// Which deployment
        #[command(flatten)]
        deployment: Deployment,
        /// The file with the paying account's key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Most to be paid a unit of gas, gwei
        #[arg(long, value_name = "GWEI", default_value_t = 100)]
        max_fee_gwei: u64,
    },
    /// Compare the contract on the chain with the one that this program was built with
    Verify {
        /// Which deployment
        #[command(flatten)]
        deployment: Deployment,
    },
    /// The same, with the paying account's balance
    Status {
        /// Which deployment
        #[command(flatten)]
        deployment: Deployment,
        /// The file with the paying account's key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

/// A deployment of the contract. `wardkey-gateway keys` prints operator, gateway and salt.
#[derive(Args, Debug)]
pub struct Deployment {
    /// A node's address (https://…); may be given several times
    #[arg(long, value_name = "URL", required = true)]
    pub endpoint: Vec<String>,
    /// EIP-155 chain id
    #[arg(long, value_name = "NUMBER")]
    pub chain: u64,
    /// The operator's public key, 65 bytes in hex
    #[arg(long, value_name = "HEX")]
    pub operator: String,
    /// The first gateway's public key, 65 bytes in hex
    #[arg(long, value_name = "HEX")]
    pub gateway: String,
    /// The deployment's salt, 32 bytes in hex
    #[arg(long, value_name = "HEX")]
    pub salt: String,
}

/// `verify-log`.
#[derive(Args, Debug)]
pub struct VerifyLog {
    /// The gateway's address (https://…), or a folder with a copy of its log/
    #[arg(value_name = "ADDRESS|FOLDER")]
    pub log: String,
    /// What the gateway answers at /v1/network, kept from before; a folder needs it, an address may go without
    #[arg(long, value_name = "FILE")]
    pub network: Option<PathBuf>,
    /// Remembers the log's size and root; the next run then proves that nothing before was changed or removed
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}

/// What is done with a card.
#[derive(Debug, Subcommand)]
pub enum CardCommand {
    /// Make the keys of a new card; its holder chooses a PIN. With --holders: a whole list, one card after the other
    Prepare(Prepare),
    /// Show how far a card is, without a PIN
    Status(InReader),
    /// Let a card's holder choose a new PIN, after IT's card has unlocked; written to it-log.jsonl in the data folder
    Unblock(InReader),
    /// Bring a card back to the factory's state; every key in it is destroyed
    Reset {
        /// Which reader
        #[command(flatten)]
        reader: InReader,
        /// The card's serial number, in place of typing it when asked
        #[arg(long, value_name = "SERIAL")]
        yes: Option<String>,
    },
}

/// What is done with IT's card.
#[derive(Debug, Subcommand)]
pub enum ItCommand {
    /// Set up the first one: a new card is prepared, a secret of an earlier version is taken over
    Setup(InReader),
    /// Add one more, a card that is prepared already
    Add(InReader),
}

/// What is done with the institution.
#[derive(Debug, Subcommand)]
pub enum InstitutionCommand {
    /// Register the institution under the master key on the card in the reader
    Register {
        /// Its name
        name: String,
        /// Its country, two letters (ISO 3166)
        country: String,
        /// Which reader the master key's card is in
        #[command(flatten)]
        reader: InReader,
    },
}

/// `card prepare`.
#[derive(Args, Debug)]
pub struct Prepare {
    /// The holder's name
    #[arg(long, required_unless_present_any = ["holders", "master"], requires = "role")]
    pub holder: Option<String>,
    /// The holder's role
    #[arg(long, required_unless_present_any = ["holders", "master"], requires = "holder")]
    pub role: Option<String>,
    /// A CSV file with the columns holder and role; every card is prepared and its approval asked for
    #[arg(long, value_name = "CSV", conflicts_with_all = ["holder", "role"])]
    pub holders: Option<PathBuf>,
    /// The card is to hold the institution's master key
    #[arg(long, conflicts_with_all = ["holder", "role", "holders"])]
    pub master: bool,
    /// A reader to use; several with --holders (all that there are if none is named)
    #[arg(long, value_name = "NAME")]
    pub reader: Vec<String>,
}

/// What is done with devices.
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// Ask for the approval of a prepared card
    Request {
        /// The holder's name
        #[arg(long)]
        holder: String,
        /// The holder's role
        #[arg(long)]
        role: String,
        /// Which reader
        #[command(flatten)]
        reader: InReader,
    },
    /// List the institution's cards, or the requests that wait (master key)
    List {
        /// The requests that wait for approval
        #[arg(long)]
        waiting: bool,
        /// Which reader the master key's card is in
        #[command(flatten)]
        reader: InReader,
    },
    /// Approve a request (master key)
    Approve(Approve),
    /// Revoke a card, for good (master key)
    Revoke {
        /// The card's serial number, or the device's id
        card: String,
        /// Why; kept for the institution
        #[arg(long, default_value = "")]
        reason: String,
        /// The card's serial number, in place of typing it when asked
        #[arg(long, value_name = "SERIAL")]
        yes: Option<String>,
        /// Which reader the master key's card is in
        #[command(flatten)]
        reader: InReader,
    },
}

/// `device approve`.
#[derive(Args, Debug)]
pub struct Approve {
    /// The card's serial number, or the request's id
    pub card: String,
    /// What the card may do
    #[arg(long, value_enum, default_value = "read-write")]
    pub rights: Rights,
    /// The approval's length in days
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// The six words that IT read when the card was requested, in place of confirming them when asked
    #[arg(long, value_name = "WORDS")]
    pub words: Option<String>,
    /// Which reader the master key's card is in
    #[command(flatten)]
    pub reader: InReader,
}

/// Rights of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rights {
    /// Only reading
    Read,
    /// Only writing
    Write,
    /// Both
    ReadWrite,
}

impl Rights {
    /// Bit 0 read, bit 1 write.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::ReadWrite => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn one_holder_or_a_list_never_both() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' '));
        assert!(parse("wardkey card prepare --holder A --role B").is_ok());
        assert!(parse("wardkey card prepare --holders a.csv --reader X --reader Y").is_ok());
        assert!(parse("wardkey card prepare").is_err());
        assert!(parse("wardkey card prepare --holder A").is_err());
        assert!(parse("wardkey card prepare --holders a.csv --holder A --role B").is_err());
    }

    #[test]
    fn no_argument_takes_a_secret() {
        fn walk(command: &clap::Command) {
            for argument in command.get_arguments() {
                let name = argument.get_id().as_str();
                assert!(!["pin", "puk", "secret", "password"].contains(&name), "{name}");
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Arguments::command());
    }
}
