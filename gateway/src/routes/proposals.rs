//! Actions that wait for the signatures of several master keys.

use super::enrolment::Reason;
use super::wraps::must_be_small;
use crate::error::{Problem, Refusal};
use crate::http::{JsonBody, MasterCaller, PathIds};
use crate::state::Gateway;
use crate::store::{Proposal, ProposalEnd, ProposalSignature, WrapTo};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use wardkey_core::action::{Action, Proof, SignedAction};
use wardkey_core::id::{Digest, InstitutionId};
use wardkey_core::key::{PublicKey, Signature};

/// Wraps that one proposal may bring: for a card, or for every new master key.
const WRAPS: usize = 8;

/// The body of `POST /v1/institutions/{id}/proposals`.
#[derive(Debug, Deserialize)]
pub struct Proposed {
    action: SignedAction,
    #[serde(default)]
    wraps: Vec<WrapTo>,
}

/// Where a proposal stands now.
#[derive(Debug, Serialize)]
pub struct Became {
    proposal: Digest,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<u64>,
}

impl Became {
    fn of(proposal: Digest, end: Option<&ProposalEnd>) -> Json<Self> {
        let block = match end {
            Some(ProposalEnd::Done { block, .. }) => Some(*block),
            _ => None,
        };
        let state = word(end);
        Json(Self { proposal, state, block })
    }
}

const fn word(end: Option<&ProposalEnd>) -> &'static str {
    match end {
        None => "open",
        Some(ProposalEnd::Done { .. }) => "done",
        Some(ProposalEnd::Withdrawn { .. }) => "withdrawn",
        Some(ProposalEnd::Stale { .. }) => "stale",
    }
}

/// `POST /v1/institutions/{id}/proposals`.
pub async fn propose(
    State(gateway): State<Gateway>,
    caller: MasterCaller,
    PathIds(id): PathIds<InstitutionId>,
    JsonBody(Proposed { action, wraps }): JsonBody<Proposed>,
) -> Result<Json<Became>, Problem> {
    caller.must_be(id)?;
    if wraps.len() > WRAPS {
        return Err(Refusal::BodyTooLarge.into());
    }
    wraps.iter().try_for_each(|to| must_be_small(&to.wrap.sealed))?;
    let act = move |g: &Gateway| {
        let proposal = Proposal {
            digest: action.action.digest(g.domain()),
            institution: id,
            action: action.action.clone(),
            proof: action.proof.clone(),
            signatures: vec![],
            proposer: caller.key,
            proposed: g.clock.now(),
            wraps,
            end: None,
        };
        let digest = proposal.digest;
        Ok(Became::of(digest, g.propose(&action, proposal)?.as_ref()))
    };
    gateway.blocking(act).await
}

/// A line of `GET /v1/institutions/{id}/proposals`.
#[derive(Debug, Serialize)]
pub struct Line {
    proposal: Digest,
    #[serde(flatten)]
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<Proof>,
    signatures: Vec<ProposalSignature>,
    proposer: PublicKey,
    proposed: u64,
    state: &'static str,
    /// Code of what made it stale, or the reason of the withdrawal.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Who withdrew it.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<PublicKey>,
}

/// `GET /v1/institutions/{id}/proposals`, oldest first.
pub async fn all(
    State(gateway): State<Gateway>,
    caller: MasterCaller,
    PathIds(id): PathIds<InstitutionId>,
) -> Result<Json<Vec<Line>>, Problem> {
    caller.must_be(id)?;
    let list = move |g: &Gateway| Ok(Json(g.proposals(id)?.into_iter().map(line).collect()));
    gateway.blocking(list).await
}

fn line(proposal: Proposal) -> Line {
    let state = word(proposal.end.as_ref());
    let (reason, by) = match proposal.end {
        Some(ProposalEnd::Stale { code, .. }) => (Some(code), None),
        Some(ProposalEnd::Withdrawn { by, reason, .. }) => (Some(reason), Some(by)),
        None | Some(ProposalEnd::Done { .. }) => (None, None),
    };
    Line {
        proposal: proposal.digest,
        action: proposal.action,
        proof: proposal.proof,
        signatures: proposal.signatures,
        proposer: proposal.proposer,
        proposed: proposal.proposed,
        state,
        reason,
        by,
    }
}

/// The body of a signature.
#[derive(Debug, Deserialize)]
pub struct Added {
    signature: Signature,
}

/// `POST /v1/institutions/{id}/proposals/{digest}/signatures`.
pub async fn sign(
    State(gateway): State<Gateway>,
    caller: MasterCaller,
    PathIds((id, digest)): PathIds<(InstitutionId, Digest)>,
    JsonBody(Added { signature }): JsonBody<Added>,
) -> Result<Json<Became>, Problem> {
    caller.must_be(id)?;
    let act = move |g: &Gateway| {
        let proposal = g.proposal_of(id, &digest)?;
        Ok(Became::of(digest, g.sign_proposal(&proposal, signature)?.as_ref()))
    };
    gateway.blocking(act).await
}

/// `POST /v1/institutions/{id}/proposals/{digest}/withdrawal`.
pub async fn withdraw(
    State(gateway): State<Gateway>,
    caller: MasterCaller,
    PathIds((id, digest)): PathIds<(InstitutionId, Digest)>,
    JsonBody(reason): JsonBody<Reason>,
) -> Result<StatusCode, Problem> {
    caller.must_be(id)?;
    let reason = reason.short()?;
    let act = move |g: &Gateway| g.withdraw_proposal(&g.proposal_of(id, &digest)?, caller.key, reason);
    gateway.blocking(act).await?;
    Ok(StatusCode::NO_CONTENT)
}
