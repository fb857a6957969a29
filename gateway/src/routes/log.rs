//! A patient's log.

use crate::error::Problem;
use crate::http::{PathIds, PatientCaller, QueryOf, must_count};
use crate::state::Gateway;
use crate::store::{LogLine, LoggedRead};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{Digest, PatientId};
use wardkey_core::log::Receipt;

/// Most lines in one answer.
const PAGE: u32 = 5000;

/// The query.
#[derive(Debug, Deserialize)]
pub struct From {
    #[serde(default)]
    from: u64,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Log {
    entries: Vec<Entry>,
    checkpoint: Option<Checkpoint>,
}

#[derive(Debug, Serialize)]
struct Entry {
    sequence: u64,
    index: u64,
    leaf: Digest,
    #[serde(flatten)]
    sealed: Sealed,
    receipt: Receipt,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<Vec<Digest>>,
}

/// The line of a reading, with its proof: what a reader must see before it uses what it read.
#[derive(Debug, Serialize)]
pub struct ReadLine {
    section: u8,
    index: u64,
    leaf: Digest,
    size: u64,
    root: Digest,
    path: Vec<Digest>,
    receipt: Receipt,
}

impl std::convert::From<LoggedRead> for ReadLine {
    fn from(read: LoggedRead) -> Self {
        Self {
            section: read.section,
            index: read.receipt.index,
            leaf: read.receipt.leaf,
            size: read.proof.size,
            root: read.proof.root,
            path: read.proof.path,
            receipt: read.receipt,
        }
    }
}

#[derive(Debug, Serialize)]
struct Checkpoint {
    size: u64,
    root: Digest,
    block: u64,
}

impl std::convert::From<LogLine> for Entry {
    fn from(line: LogLine) -> Self {
        let LogLine {
            sequence,
            sealed,
            receipt,
            path,
        } = line;
        Self {
            sequence,
            index: receipt.index,
            leaf: receipt.leaf,
            sealed,
            receipt,
            path,
        }
    }
}

/// `GET /v1/patients/{id}/log?from=N`: at most 5000 lines; ask again from the next sequence.
pub async fn lines(
    State(gateway): State<Gateway>,
    caller: PatientCaller,
    PathIds(patient): PathIds<PatientId>,
    QueryOf(From { from }): QueryOf<From>,
) -> Result<Json<Log>, Problem> {
    caller.must_be(patient)?;
    must_count(from)?;
    let list = move |g: &Gateway| {
        let newest = g.ledger.chain().checkpoint()?;
        let size = newest.map_or(0, |c| c.size);
        let entries = g
            .store
            .log_of(&patient, from, PAGE, size)?
            .into_iter()
            .map(Entry::from)
            .collect();
        let checkpoint = newest.map(|c| Checkpoint {
            size: c.size,
            root: Digest(c.root),
            block: c.block,
        });
        Ok(Json(Log { entries, checkpoint }))
    };
    gateway.blocking(list).await
}
