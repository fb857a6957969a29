//! What a card did, for the master-key holder of its institution: sealed lines, opened at the workstation.

use crate::error::Problem;
use crate::http::{MasterCaller, PathIds, QueryOf, must_count};
use crate::log::INK_LASTS;
use crate::state::Gateway;
use crate::store::{SealedInk, SealedUse, UsesAsked};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use wardkey_core::hexbytes;
use wardkey_core::hpke::Sealed;
use wardkey_core::id::InstitutionId;
use wardkey_core::uses::TAG;

/// Most lines in one answer.
const PAGE: u32 = 2000;

/// The query of `GET …/inks`.
#[derive(Debug, Deserialize)]
pub struct Since {
    #[serde(default)]
    since: u64,
}

/// A day's key, sealed to the institution.
#[derive(Debug, Serialize)]
pub struct Ink {
    #[serde(with = "hexbytes::array")]
    id: [u8; TAG],
    epoch: u32,
    made: u64,
    #[serde(flatten)]
    sealed: Sealed,
}

/// `GET /v1/institutions/{id}/inks?since=T`: those that were in use at T or later, oldest first.
pub async fn inks(
    State(gateway): State<Gateway>,
    caller: MasterCaller,
    PathIds(id): PathIds<InstitutionId>,
    QueryOf(Since { since }): QueryOf<Since>,
) -> Result<Json<Vec<Ink>>, Problem> {
    caller.must_be(id)?;
    must_count(since)?;
    let line = |ink: SealedInk| Ink {
        id: ink.id,
        epoch: ink.epoch,
        made: ink.made,
        sealed: ink.sealed,
    };
    let list = move |g: &Gateway| {
        let found = g.store.inks(&id, since.saturating_sub(INK_LASTS))?;
        Ok(Json(found.into_iter().map(line).collect()))
    };
    gateway.blocking(list).await
}

/// The query of `GET …/uses`.
#[derive(Debug, Deserialize)]
pub struct Asked {
    #[serde(with = "hexbytes::array")]
    ink: [u8; TAG],
    #[serde(with = "hexbytes::array")]
    tag: [u8; TAG],
    #[serde(default)]
    from: u64,
}

/// A sealed line.
#[derive(Debug, Serialize)]
pub struct Line {
    number: u64,
    #[serde(with = "hexbytes::base64url")]
    ct: Vec<u8>,
}

/// `GET /v1/institutions/{id}/uses?ink=…&tag=…&from=N`: at most 2000 lines; ask again from the next number.
pub async fn lines(
    State(gateway): State<Gateway>,
    caller: MasterCaller,
    PathIds(id): PathIds<InstitutionId>,
    QueryOf(asked): QueryOf<Asked>,
) -> Result<Json<Vec<Line>>, Problem> {
    caller.must_be(id)?;
    must_count(asked.from)?;
    let Asked { ink, tag, from } = asked;
    let asked = UsesAsked {
        institution: id,
        ink,
        tag,
        from,
        limit: PAGE,
    };
    let line = |SealedUse { number, ct }| Line { number, ct };
    let list = move |g: &Gateway| Ok(Json(g.store.uses(&asked)?.into_iter().map(line).collect()));
    gateway.blocking(list).await
}
