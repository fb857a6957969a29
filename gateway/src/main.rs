//! `wardkey-gateway`: serves, or carries out what the operator orders.

use clap::{Args, Parser, Subcommand};
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;
use wardkey_core::fault::{Coded as _, Fault};
use wardkey_core::id::{Digest, InstitutionId};
use wardkey_gateway::keys::Keys;
use wardkey_gateway::operator::{Answer, Order, ask};
use wardkey_gateway::serve::{ServeError, lock, serve};
use wardkey_gateway::settings::SettingsError;
use wardkey_gateway::state::OpenError;
use wardkey_gateway::{Clock, Gateway, Settings};

/// The gateway of Wardkey. Without a command it serves.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args)]
struct Place {
    /// Settings file; without it the built-in defaults hold (config/gateway.toml).
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Data folder, in place of the settings'.
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    /// Address and port, in place of the settings'.
    #[arg(long, global = true)]
    listen: Option<SocketAddr>,
}

#[derive(Subcommand)]
enum Command {
    /// What only the operator may do. Works beside a running gateway and without one.
    #[command(subcommand)]
    Operator(OperatorCommand),
    /// Print the operator's and the gateway's public key and the deployment's salt, which `wardkey chain deploy` asks for; makes
    /// them if the data folder has none.
    Keys,
}

#[derive(Subcommand)]
enum OperatorCommand {
    /// Let an institution use grants.
    Accredit {
        /// Its id, 64 hex digits.
        institution: InstitutionId,
    },
    /// No longer let it.
    Suspend {
        /// Its id, 64 hex digits.
        institution: InstitutionId,
    },
}

impl From<OperatorCommand> for Order {
    fn from(command: OperatorCommand) -> Self {
        match command {
            OperatorCommand::Accredit { institution } => Self::Accredit { institution },
            OperatorCommand::Suspend { institution } => Self::Suspend { institution },
        }
    }
}

fn main() -> ExitCode {
    // SQL statements and TLS records may hold patients' ids: those crates stay silent.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,hyper=warn,rustls=warn"));
    tracing_subscriber::fmt()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .init();
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("wardkey-gateway: {fault}\n{}", fault.action);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Fault> {
    let settings = settings(arguments.place).map_err(|error| error.fault())?;
    match arguments.command {
        None => run_server(settings).map_err(|error| error.fault()),
        Some(Command::Operator(command)) => order(settings, command.into()),
        Some(Command::Keys) => keys(&settings),
    }
}

fn settings(place: Place) -> Result<Settings, SettingsError> {
    let mut settings = match place.config {
        Some(path) => Settings::load(&path)?,
        None => Settings::defaults()?,
    };
    settings.data = place.data.unwrap_or(settings.data);
    settings.listen = place.listen.unwrap_or(settings.listen);
    Ok(settings)
}

fn keys(settings: &Settings) -> Result<(), Fault> {
    let keys = Keys::open(&settings.data).map_err(|error| error.fault())?;
    let (operator, gateway) = (keys.operator.public(), keys.gateway.public());
    println!(
        "{}",
        serde_json::json!({ "operator": operator, "gateway": gateway, "salt": Digest(keys.salt) })
    );
    Ok(())
}

fn run_server(settings: Settings) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime
        .map_err(|source| ServeError::System { doing: "start", source })?
        .block_on(serve(settings, Clock::system()))
}

/// Asks the gateway that runs on the data folder; without one, acts on the folder itself.
fn order(settings: Settings, order: Order) -> Result<(), Fault> {
    let failed = |source| {
        ServeError::System {
            doing: "ask the running gateway",
            source,
        }
        .fault()
    };
    let answer = match ask(&settings.data, order).map_err(failed)? {
        Some(answer) => answer,
        None => alone(settings, order).map_err(|error| error.fault())?,
    };
    match answer {
        Answer::Ok(outcome) => {
            println!("{}", serde_json::to_string(&outcome).unwrap_or_default());
            Ok(())
        }
        Answer::Error(fault) => Err(fault),
    }
}

fn alone(settings: Settings, order: Order) -> Result<Answer, ServeError> {
    let _lock = lock(&settings)?;
    let gateway = Gateway::open(settings, Clock::system()).map_err(|error: OpenError| ServeError::from(error))?;
    Ok(match gateway.obey(order) {
        Ok(outcome) => Answer::Ok(outcome),
        Err(problem) => Answer::Error(problem.fault),
    })
}
