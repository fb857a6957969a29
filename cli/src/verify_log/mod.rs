//! `wardkey verify-log`: anyone can check that the log is whole and only grows. Needs no card and no workstation.

mod check;
mod fault;
mod source;

pub use fault::LogFault;

use crate::args::VerifyLog;
use crate::exit::Exit;
use crate::out::{Out, notice};
use check::{Claim, check};
use serde::{Deserialize, Serialize};
use source::Source;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;
use wardkey_core::audit::{NotACheckpoint, SignedCheckpoint, origin};
use wardkey_core::id::Digest;
use wardkey_core::key::PublicKey;
use wardkey_core::typed::Domain;
use wardkey_desk::Notice;

/// Lines between two words about progress.
const STRIDE: u64 = 1 << 18;

/// Seconds that the tiles may be behind the chain.
const PATIENCE: u32 = 15;

/// What must be known of a network: the part of `GET /v1/network` that names it.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Network {
    #[serde(flatten)]
    domain: Domain,
    gateway: PublicKey,
}

/// What a run leaves for the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    log: String,
    size: u64,
    root: Digest,
}

/// The newest checkpoint on the chain, as the gateway tells it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct OnChain {
    size: u64,
    root: Digest,
    block: u64,
}

/// The result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Verified {
    log: String,
    size: u64,
    root: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_chain: Option<OnChain>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
}

impl Verified {
    fn words(&self) -> String {
        let mut words = format!("The log is whole: {} lines, root {}.", self.size, self.root);
        if let Some(chain) = &self.on_chain {
            words.push_str(&format!(
                "\nIts first {} lines make the root that the gateway reports from block {} of the chain.",
                chain.size, chain.block
            ));
        }
        if let Some(since) = self.since {
            words.push_str(&format!(
                "\nIt extends the {since} lines of the last run: none was changed or removed."
            ));
        }
        words
    }
}

/// Verifies a log.
///
/// # Errors
/// [`LogFault`] as a notice.
pub async fn verify_log(out: &Out, asked: &VerifyLog) -> Result<Exit, Notice> {
    let verified = run(out, asked).await.map_err(|fault| notice(&fault))?;
    out.result(&verified, Verified::words);
    Ok(Exit::Ok)
}

async fn run(out: &Out, asked: &VerifyLog) -> Result<Verified, LogFault> {
    let source = Source::of(&asked.log)?;
    let network = network(&source, asked.network.as_deref()).await?;
    let log = origin(&network.domain);
    let before = asked
        .state
        .as_deref()
        .map(|file| state(file, &log))
        .transpose()?
        .flatten();
    // The chain first: the checkpoint that is served afterwards must cover what was on it.
    let on_chain = on_chain(&source).await?;
    let checkpoint = checkpoint(&source, &network, on_chain.map_or(0, |newest| newest.size)).await?;
    let claims = [
        before.as_ref().map(|state| Claim {
            whose: "the state file",
            size: state.size,
            root: state.root,
        }),
        on_chain.map(|newest| Claim {
            whose: "the checkpoint on the chain",
            size: newest.size,
            root: newest.root,
        }),
    ];
    let claims: Vec<Claim> = claims.into_iter().flatten().collect();
    let mut next = STRIDE;
    check(&source, checkpoint, &claims, |done| {
        if done >= next {
            next += STRIDE;
            out.say(&format!("{done} of {} lines", checkpoint.size));
        }
    })
    .await?;
    if let Some(file) = &asked.state {
        let SignedCheckpoint { size, root } = checkpoint;
        keep(
            file,
            &State {
                log: log.clone(),
                size,
                root,
            },
        )?;
    }
    Ok(Verified {
        log,
        size: checkpoint.size,
        root: checkpoint.root,
        on_chain,
        since: before.map(|state| state.size),
    })
}

/// From the file, or from the gateway itself.
async fn network(source: &Source, file: Option<&Path>) -> Result<Network, LogFault> {
    let (bytes, from) = match file {
        Some(file) => (std::fs::read(file).map_err(|error| input(file, &error))?, file),
        None => {
            let told = source.of_gateway("v1/network").await?;
            let told = told.ok_or_else(|| LogFault::Input {
                detail: "a folder of the log needs --network with the network's description".into(),
            })?;
            (told, Path::new("v1/network"))
        }
    };
    serde_json::from_slice(&bytes).map_err(|error| input(from, &error))
}

/// The served checkpoint. Tiles follow a checkpoint on the chain after a moment, which is waited for.
async fn checkpoint(source: &Source, network: &Network, at_least: u64) -> Result<SignedCheckpoint, LogFault> {
    let mut tries = PATIENCE;
    loop {
        let note = source.file("checkpoint").await?;
        let note = std::str::from_utf8(&note).map_err(|_| NotACheckpoint::Malformed)?;
        let read = SignedCheckpoint::read(note, &network.domain, &network.gateway)?;
        if read.size >= at_least || tries == 0 {
            return Ok(read);
        }
        tries -= 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn on_chain(source: &Source) -> Result<Option<OnChain>, LogFault> {
    let name = "v1/checkpoints/latest";
    let told = source.of_gateway(name).await?;
    told.map(|bytes| serde_json::from_slice(&bytes).map_err(|error| input(Path::new(name), &error)))
        .transpose()
}

/// What the run before left; `None` at the first run.
fn state(file: &Path, log: &str) -> Result<Option<State>, LogFault> {
    let bytes = match std::fs::read(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|error| input(file, &error))?,
    };
    let state: State = serde_json::from_slice(&bytes).map_err(|error| input(file, &error))?;
    if state.log == log {
        Ok(Some(state))
    } else {
        Err(input(file, &"it is of another log"))
    }
}

/// Replaces the file in one step.
fn keep(file: &Path, state: &State) -> Result<(), LogFault> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let write = || -> std::io::Result<()> {
        let mut new = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        serde_json::to_writer(&mut new, state)?;
        new.flush()?;
        new.as_file().sync_all()?;
        new.persist(file)?;
        Ok(())
    };
    write().map_err(|error| input(file, &error))
}

fn input(file: &Path, reason: &dyn std::fmt::Display) -> LogFault {
    LogFault::Input {
        detail: format!("{}: {reason}", file.display()),
    }
}
