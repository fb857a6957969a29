//! What the operator does: accredit, publish checkpoints, activate the gateway's key. And how to ask a running gateway for it:
//! a socket in the data folder, which only the folder's owner can open.

use crate::error::Problem;
use crate::state::Gateway;
use crate::store::Outcome;
use serde::{Deserialize, Serialize};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader as AsyncBufReader};
use tokio::net::{UnixListener, UnixStream};
use wardkey_chain::ChainError;
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::fault::Fault;
use wardkey_core::id::{GatewayId, InstitutionId};
use wardkey_core::typed::structs;

/// Seconds for which the operator's actions may be submitted.
const DEADLINE: u64 = 600;
/// Longest line on the operator's socket, bytes.
const LINE: usize = 4096;

/// What the operator can ask for, one JSON line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
pub enum Order {
    /// Let an institution use grants.
    Accredit {
        /// Which.
        institution: InstitutionId,
    },
    /// No longer let it.
    Suspend {
        /// Which.
        institution: InstitutionId,
    },
}

/// The answer, one JSON line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// It is on the chain.
    Ok(Outcome),
    /// It is not.
    Error(Fault),
}

impl Gateway {
    /// Carries out an order. Blocks.
    ///
    /// # Errors
    /// The contract's refusal, or a failing chain.
    pub fn obey(&self, order: Order) -> Result<Outcome, Problem> {
        let (Order::Accredit { institution } | Order::Suspend { institution }) = order;
        let accredited = matches!(order, Order::Accredit { .. });
        let deadline = self.clock.now() + DEADLINE;
        self.as_operator(|nonce| {
            structs::SetAccreditation {
                institution: institution.0.into(),
                accredited,
                nonce,
                deadline,
            }
            .into()
        })
    }

    /// Publishes a checkpoint if the log has grown since the last one. Blocks.
    ///
    /// # Errors
    /// A failing store or chain.
    pub fn publish_checkpoint(&self) -> Result<Option<Outcome>, Problem> {
        // One gateway of several at a time; the contract would refuse a smaller size anyway.
        let seconds = 3 * self.settings.log.checkpoint.max(1);
        if self.store.is_shared()
            && !self
                .store
                .lease("checkpoint", &self.holder, seconds, self.clock.now())?
        {
            return Ok(None);
        }
        let (size, root) = self.store.log_head()?;
        let published = self.ledger.view().checkpoint().map_or(0, |c| c.size);
        if size < published {
            tracing::error!(
                size,
                published,
                "the log is shorter than its checkpoint on the chain: the data store was altered or restored"
            );
        }
        if size <= published {
            return Ok(None);
        }
        let deadline = self.clock.now() + DEADLINE;
        self.as_operator(|_| {
            structs::Checkpoint {
                size,
                root: root.0.into(),
                deadline,
            }
            .into()
        })
        .map(Some)
    }

    /// Makes the chain accept this gateway's key, at the first start with a chain that was deployed for another gateway.
    pub(crate) fn activate_key(&self) -> Result<(), ChainError> {
        let key = self.scribe.key().public();
        if self.ledger.chain().is_gateway(&GatewayId::from(key.id()))? {
            return Ok(());
        }
        let deadline = self.clock.now() + DEADLINE;
        let make = |nonce| {
            structs::SetGateway {
                keyX: key.x().into(),
                keyY: key.y().into(),
                active: true,
                nonce,
                deadline,
            }
            .into()
        };
        match self.as_operator(make) {
            Ok(_) => Ok(()),
            Err(problem) => Err(ChainError::Machine(problem.fault.to_string())),
        }
    }

    fn as_operator(&self, make: impl FnOnce(u64) -> Action) -> Result<Outcome, Problem> {
        let key = self.operator.lock().unwrap_or_else(PoisonError::into_inner);
        let action = make(self.ledger.chain().operator_nonce()?);
        let signature = key.sign(&action.preimage(self.domain()))?;
        self.sponsor(&SignedAction::one(action, signature), None)
    }

    async fn answer(&self, line: &str) -> Answer {
        let order = match serde_json::from_str(line) {
            Ok(order) => order,
            Err(_) => return Answer::Error(Problem::from(crate::error::Refusal::BodyMalformed).fault),
        };
        match self.blocking(move |gateway| gateway.obey(order)).await {
            Ok(outcome) => Answer::Ok(outcome),
            Err(problem) => Answer::Error(problem.fault),
        }
    }

    async fn attend(&self, mut stream: UnixStream) -> std::io::Result<()> {
        let (read, mut write) = stream.split();
        let mut line = String::new();
        AsyncBufReader::new(tokio::io::AsyncReadExt::take(read, LINE as u64))
            .read_line(&mut line)
            .await?;
        let mut answer = serde_json::to_vec(&self.answer(&line).await)?;
        answer.push(b'\n');
        write.write_all(&answer).await
    }

    /// Serves the operator's socket until the task is dropped.
    pub async fn attend_operator(self, listener: UnixListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let gateway = self.clone();
                    tokio::spawn(async move {
                        if let Err(error) = gateway.attend(stream).await {
                            tracing::warn!(%error, "the operator's connection failed");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the operator's socket failed");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

/// Where the socket is.
#[must_use]
pub fn socket(data: &Path) -> PathBuf {
    data.join("operator.sock")
}

/// Opens the socket in the data folder, replacing one that a dead gateway left; mode 600.
///
/// # Errors
/// The system's.
pub fn listen(data: &Path) -> std::io::Result<UnixListener> {
    let path = socket(data);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Asks the gateway that runs on this data folder; `None` if none runs.
///
/// # Errors
/// The system's, or an answer that cannot be read.
pub fn ask(data: &Path, order: Order) -> std::io::Result<Option<Answer>> {
    let Ok(mut stream) = StdUnixStream::connect(socket(data)) else {
        return Ok(None);
    };
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut line = serde_json::to_vec(&order)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(Some(serde_json::from_str(&answer)?))
}
