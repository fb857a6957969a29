//! The contract's views in the domain's types, over any chain.

use crate::abi;
use crate::call::coordinates;
use crate::error::ChainError;
use crate::ledger::{Asked, Chain, Verdict, When};
use crate::view::{CheckpointState, Device, GrantState, Institution};
use alloy_sol_types::SolCall;
use wardkey_core::id::{Commitment, DeviceId, Digest, GatewayId, InstitutionId};
use wardkey_core::key::PublicKey;
use wardkey_core::permission::{Denial, GrantStatus};

/// Asks one view.
pub fn ask<K: Chain + ?Sized, C: SolCall>(chain: &K, call: &C, when: When) -> Result<C::Return, ChainError> {
    let answer = chain.call(call.abi_encode(), when)?;
    C::abi_decode_returns(&answer).map_err(|e| ChainError::Corrupt(format!("a view's answer cannot be read: {e}")))
}

pub fn institution<K: Chain + ?Sized>(
    chain: &K,
    id: &InstitutionId,
    when: When,
) -> Result<Option<Institution>, ChainError> {
    Institution::from_view(*id, ask(chain, &abi::institutionCall { id: id.0.into() }, when)?)
}

pub fn institutions<K: Chain + ?Sized>(chain: &K) -> Result<Vec<Institution>, ChainError> {
    let count = ask(chain, &abi::institutionCountCall {}, When::Newest)?;
    let mut all = Vec::new();
    for number in 1..=count {
        let id = InstitutionId(ask(chain, &abi::institutionAtCall { number }, When::Newest)?.0);
        all.extend(chain.institution(&id)?);
    }
    Ok(all)
}

pub fn device<K: Chain + ?Sized>(chain: &K, id: &DeviceId, when: When) -> Result<Option<Device>, ChainError> {
    let kept = ask(chain, &abi::deviceCall { id: id.0.into() }, when)?;
    if kept.institution.is_zero() {
        return Ok(None);
    }
    let Some(key) = chain.device_key(id)? else {
        return Err(ChainError::Corrupt("an approved device has no approval event".into()));
    };
    Ok(Some(Device {
        id: *id,
        key,
        institution: InstitutionId(kept.institution.0),
        rights: kept.rights,
        not_after: kept.notAfter,
        revoked: kept.revoked,
        suspended: kept.suspended,
        nonce: kept.nonce,
        certificate: Digest(kept.certificate.0),
    }))
}

pub fn grant<K: Chain + ?Sized>(
    chain: &K,
    commitment: &Commitment,
    key: &PublicKey,
    when: When,
) -> Result<GrantState, ChainError> {
    let (x, y) = coordinates(key);
    grant_of(chain, commitment, (x.0, y.0), when)
}

/// The same with the one-time key's coordinates.
pub fn grant_of<K: Chain + ?Sized>(
    chain: &K,
    commitment: &Commitment,
    (x, y): ([u8; 32], [u8; 32]),
    when: When,
) -> Result<GrantState, ChainError> {
    let call = abi::grantStatusCall {
        commitment: commitment.0.into(),
        keyX: x.into(),
        keyY: y.into(),
    };
    let kept = ask(chain, &call, when)?;
    let status = match kept.status {
        0 => GrantStatus::Unknown,
        1 => GrantStatus::Live,
        _ => GrantStatus::Revoked,
    };
    Ok(GrantState {
        status,
        since: kept.since,
    })
}

pub fn checkpoint<K: Chain + ?Sized>(chain: &K, when: When) -> Result<Option<CheckpointState>, ChainError> {
    let kept = ask(chain, &abi::checkpointCall {}, when)?;
    let state = CheckpointState {
        size: kept.size,
        root: kept.root.0,
        block: kept.number,
        time: kept.time,
    };
    Ok((state.block != 0).then_some(state))
}

pub fn is_gateway<K: Chain + ?Sized>(chain: &K, id: &GatewayId, when: When) -> Result<bool, ChainError> {
    ask(chain, &abi::isGatewayCall { gateway: id.0.into() }, when)
}

pub fn operator_nonce<K: Chain + ?Sized>(chain: &K) -> Result<u64, ChainError> {
    ask(chain, &abi::operatorNonceCall {}, When::Newest)
}

pub fn permission<K: Chain + ?Sized>(chain: &K, asked: &Asked<'_>) -> Result<Verdict, ChainError> {
    let call = abi::permissionCall {
        document: asked.document.to_vec().into(),
        patientSignature: asked.signature.to_vec().into(),
        patientKey: asked.key.to_vec().into(),
        device_: asked.request.device.0.into(),
        section: asked.request.section,
        right: asked.request.right,
    };
    match ask(chain, &call, When::Time(asked.request.now))? {
        0 => Ok(Verdict::Granted),
        code => Denial::from_number(code)
            .map(Verdict::Denied)
            .ok_or_else(|| ChainError::Corrupt(format!("the contract answered the unknown code {code}"))),
    }
}
