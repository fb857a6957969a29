//! `wardkey-gateway`: serves, or carries out what the operator orders.

use clap::{Args, Parser, Subcommand};
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};
use wardkey_core::fault::{Coded as _, Fault};
use wardkey_core::id::{Digest, InstitutionId};
use wardkey_gateway::keys::Keys;
use wardkey_gateway::operator::{Answer, Order, ask};
use wardkey_gateway::serve::{ServeError, lock, serve};
use wardkey_gateway::settings::SettingsError;
use wardkey_gateway::state::OpenError;
use wardkey_gateway::store::sql::Manifest;
use wardkey_gateway::traces::Export;
use wardkey_gateway::{Clock, Gateway, Settings, backup};

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
    /// Address and port of the admin listener, in place of the settings'; a free port if `--listen` takes one.
    #[arg(long, global = true)]
    admin: Option<SocketAddr>,
}

#[derive(Subcommand)]
enum Command {
    /// What only the operator may do. Works beside a running gateway and without one.
    #[command(subcommand)]
    Operator(OperatorCommand),
    /// Write everything but the keys into a new folder. Works beside a running gateway.
    Backup {
        /// The folder.
        folder: PathBuf,
    },
    /// Take a backup into an empty store, SQLite or PostgreSQL, whichever made it. The data folder holds the keys already.
    Restore {
        /// The backup's folder.
        folder: PathBuf,
    },
    /// Check a backup: hashes, the log's root, every record's envelope.
    VerifyBackup {
        /// The backup's folder.
        folder: PathBuf,
    },
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
        None => {
            let export = Export::new(&settings.traces).map_err(|error| ServeError::Traces(error).fault())?;
            log(export.as_ref());
            run_server(settings).map_err(|error| error.fault())
        }
        Some(command) => {
            log(None);
            carry_out(settings, command)
        }
    }
}

fn carry_out(settings: Settings, command: Command) -> Result<(), Fault> {
    match command {
        Command::Operator(command) => order(settings, command.into()),
        Command::Keys => keys(&settings),
        Command::Backup { folder } => {
            let mut progress = |table: &str, rows: u64| eprintln!("{table}: {rows}");
            backup::make(&settings, &folder, &mut progress).and_then(|manifest| show(&manifest))
        }
        Command::Restore { folder } => {
            let _lock = lock(&settings).map_err(|error| error.fault())?;
            backup::take_in(&settings, &folder, Clock::system().shared()).and_then(|manifest| show(&manifest))
        }
        Command::VerifyBackup { folder } => backup::verify(&folder).and_then(|manifest| show(&manifest)),
    }
}

/// Writes what happens to standard error; spans go to the export, if there is one.
fn log(export: Option<&Export>) {
    // SQL statements and TLS records may hold patients' ids: those crates stay silent.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,hyper=warn,rustls=warn"));
    let written = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .with_filter(filter);
    tracing_subscriber::registry()
        .with(written)
        .with(export.map(Export::layer))
        .init();
}

/// One JSON line on standard output.
fn show(manifest: &Manifest) -> Result<(), Fault> {
    println!("{}", serde_json::to_string(manifest).unwrap_or_default());
    Ok(())
}

fn settings(place: Place) -> Result<Settings, SettingsError> {
    let mut settings = match place.config {
        Some(path) => Settings::load(&path)?,
        None => Settings::defaults()?,
    };
    settings.data = place.data.unwrap_or(settings.data);
    if let Some(listen) = place.listen {
        settings.listen = listen;
        if listen.port() == 0 {
            settings.admin.listen.set_port(0);
        }
    }
    settings.admin.listen = place.admin.unwrap_or(settings.admin.listen);
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
