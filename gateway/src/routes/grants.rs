//! Grants: given by the patient, seen by the patient and by the institution.

use crate::error::{Problem, Refusal};
use crate::http::{Caller, JsonBody, PathIds, PatientCaller, Remote};
use crate::state::Gateway;
use crate::store::{StoredGrant, Wrapped};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use wardkey_chain::{GrantState, Standing};
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::grant::{SignedGrant, canonical_hex};
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{Commitment, Digest, PatientId};
use wardkey_core::permission::{Denial, GrantStatus, SignatureChecked};
use wardkey_core::section::Section;
use wardkey_core::section_keys::SectionKeys;

/// The body of `POST /v1/grants`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewGrant {
    #[serde(flatten)]
    grant: SignedGrant,
    section_keys: Vec<Wrapped>,
    label: Sealed,
    agreement_epoch: u32,
    action: SignedAction,
}

/// Its answer.
#[derive(Debug, Serialize)]
pub struct Granted {
    commitment: Commitment,
    tx: Digest,
    block: u64,
}

/// `POST /v1/grants`: verifies, counts, keeps the grant, then brings it onto the chain.
pub async fn grant(
    State(gateway): State<Gateway>,
    caller: PatientCaller,
    Remote(from): Remote,
    JsonBody(new): JsonBody<NewGrant>,
) -> Result<Json<Granted>, Problem> {
    let _turn = gateway.begin_sponsoring(&new.action, from)?;
    let act = move |g: &Gateway| {
        caller.must_be(new.grant.document.patient)?;
        let commitment = check(g, &new)?;
        let NewGrant {
            grant,
            section_keys,
            label,
            agreement_epoch,
            action,
        } = new;
        let stored = StoredGrant {
            grant,
            section_keys,
            label,
            agreement_epoch,
            since: g.clock.now(),
        };
        // Kept before the chain has it, so that whoever is told of the grant finds it; but only once the action holds and is paid for.
        let outcome = g.sponsor_after(&action, from, Some(caller.key.id()), || {
            Ok(g.store.put_grant(&stored)?)
        })?;
        Ok(Json(Granted {
            commitment,
            tx: outcome.tx,
            block: outcome.block,
        }))
    };
    gateway.blocking(act).await
}

/// Everything that must fit together before the patient is told that access is given.
fn check(gateway: &Gateway, new: &NewGrant) -> Result<Commitment, Problem> {
    let commitment = SignatureChecked::new(gateway.domain(), new.grant.clone())?.commitment();
    let document = &new.grant.document;
    let on_chain = matches!(&new.action.action, Action::Grant(m) if m.commitment.0 == commitment.0);
    if !on_chain || new.action.keys != [document.key] {
        return Err(Refusal::GrantMismatch.into());
    }
    let all: u32 = Section::ALL.iter().map(|section| section.bit()).sum();
    if (document.read | document.write) & !all != 0 || document.read | document.write == 0 {
        return Err(Refusal::GrantSection.into());
    }
    if gateway.clock.now() >= document.expiry {
        return Err(Denial::Expired.into());
    }
    let institution = gateway
        .ledger
        .view()
        .institution_state(&document.institution)
        .cloned()
        .ok_or(Denial::InstitutionUnknown)?;
    if institution.status != Standing::Accredited {
        return Err(Denial::InstitutionSuspended.into());
    }
    if institution.agreement.epoch != new.agreement_epoch {
        return Err(Refusal::AgreementOld.into());
    }
    let keys = gateway
        .store
        .patient_keys(&document.patient)?
        .ok_or(Refusal::KeysNotFound)?;
    must_be_complete(new, &keys.list)?;
    if new.label.enc.len() != ENC || new.label.ct.len() > LABEL {
        return Err(Refusal::GrantLabel.into());
    }
    Ok(commitment)
}

/// Bytes of an encapsulated key.
const ENC: usize = 65;
/// Bytes of a sealed scalar: 32 and the tag.
const SCALAR: usize = 48;
/// Longest sealed label, bytes.
const LABEL: usize = 1024;

/// For each readable section every epoch's key is sealed to the institution once, and nothing else is.
fn must_be_complete(new: &NewGrant, keys: &SectionKeys) -> Result<(), Refusal> {
    let readable = |section: u8| section < 31 && new.grant.document.read & (1 << section) != 0;
    let due: HashSet<_> = keys
        .keys
        .iter()
        .filter(|k| readable(k.section))
        .map(|k| (k.section, k.epoch))
        .collect();
    let sealed: HashSet<_> = new.section_keys.iter().map(|k| (k.section, k.epoch)).collect();
    let twice = sealed.len() != new.section_keys.len();
    let none = Section::in_mask(new.grant.document.read).any(|s| keys.newest(s.number()).is_none());
    let odd = |k: &Wrapped| k.sealed.enc.len() != ENC || k.sealed.ct.len() != SCALAR;
    if due != sealed || twice || none || new.section_keys.iter().any(odd) {
        Err(Refusal::GrantIncomplete)
    } else {
        Ok(())
    }
}

/// A grant's state as in protocol §7; `None` if the chain does not know it.
fn state(stored: &StoredGrant, known: GrantState, now: u64) -> Option<&'static str> {
    match known.status {
        GrantStatus::Unknown => None,
        GrantStatus::Revoked => Some("revoked"),
        GrantStatus::Live if now >= stored.grant.document.expiry => Some("expired"),
        GrantStatus::Live => Some("live"),
    }
}

/// A line of `GET /v1/patients/{id}/grants`.
#[derive(Debug, Serialize)]
pub struct Given {
    commitment: Commitment,
    #[serde(with = "canonical_hex")]
    document: wardkey_core::grant::GrantDocument,
    state: &'static str,
    block: u64,
}

/// `GET /v1/patients/{id}/grants`, newest first.
pub async fn of_patient(
    State(gateway): State<Gateway>,
    caller: PatientCaller,
    PathIds(patient): PathIds<PatientId>,
) -> Result<Json<Vec<Given>>, Problem> {
    caller.must_be(patient)?;
    let list = move |g: &Gateway| {
        let (stored, now) = (g.store.grants_of_patient(&patient)?, g.clock.now());
        let view = g.ledger.view();
        let line = |stored: StoredGrant| {
            let commitment = stored.grant.document.commitment();
            let known = view.grant_state(&commitment, &stored.grant.document.key);
            let state = state(&stored, known, now)?;
            Some(Given {
                commitment,
                document: stored.grant.document,
                state,
                block: known.since,
            })
        };
        Ok(Json(stored.into_iter().filter_map(line).collect()))
    };
    gateway.blocking(list).await
}

/// A line of `GET /v1/grants`.
#[derive(Debug, Serialize)]
pub struct Received {
    commitment: Commitment,
    #[serde(flatten)]
    stored: StoredGrant,
    state: &'static str,
}

/// `GET /v1/grants`: those to the institution of the card or master key, newest first.
pub async fn to_institution(State(gateway): State<Gateway>, caller: Caller) -> Result<Json<Vec<Received>>, Problem> {
    let list = move |g: &Gateway| {
        let known = |commitment: &Commitment| g.ledger.view().knows(commitment);
        let stored = g.store.grants_of_institution(&caller.institution(g)?, &known)?;
        let now = g.clock.now();
        let view = g.ledger.view();
        let line = |stored: StoredGrant| {
            let commitment = stored.grant.document.commitment();
            let state = state(&stored, view.grant_state(&commitment, &stored.grant.document.key), now)?;
            Some(Received {
                commitment,
                stored,
                state,
            })
        };
        Ok(Json(stored.into_iter().filter_map(line).collect()))
    };
    gateway.blocking(list).await
}
