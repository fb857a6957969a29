//! A signed action as the contract's call data.

use crate::abi;
use crate::error::ChainError;
use alloy_primitives::B256;
use alloy_sol_types::abi::TokenSeq;
use alloy_sol_types::{SolCall, SolType, SolValue, sol_data};
use wardkey_core::action::{Action, Proof, SignedAction};
use wardkey_core::id::Digest;
use wardkey_core::key::{PublicKey, Signature, sha256};
use wardkey_core::typed::structs;

type Words = (B256, B256);

/// Call data of an action.
///
/// # Errors
/// [`ChainError::Malformed`] if it has not the signatures, keys or proof that its type needs.
pub fn call_data(signed: &SignedAction) -> Result<Vec<u8>, ChainError> {
    match &signed.action {
        Action::RegisterInstitution(m) => Ok(encode::<abi::registerInstitutionCall>(&(m.clone(), one(signed)?))),
        Action::SetAccreditation(m) => Ok(encode::<abi::setAccreditationCall>(&(m.clone(), one(signed)?))),
        Action::SetGateway(m) => Ok(encode::<abi::setGatewayCall>(&(m.clone(), one(signed)?))),
        Action::ApproveDevice(m) => {
            let proof = signed
                .proof
                .as_ref()
                .ok_or(ChainError::Malformed("ApproveDevice needs the device's proof"))?;
            Ok(encode::<abi::approveDeviceCall>(&(
                m.clone(),
                all(signed),
                proof.message.clone(),
                words(&proof.signature),
            )))
        }
        Action::RevokeDevice(m) => Ok(encode::<abi::revokeDeviceCall>(&(m.clone(), one(signed)?))),
        Action::RotateAgreement(m) => Ok(encode::<abi::rotateAgreementCall>(&(m.clone(), one(signed)?))),
        Action::SetSuspension(m) => Ok(encode::<abi::setSuspensionCall>(&(m.clone(), all(signed)))),
        Action::SetMasters(m) => Ok(encode::<abi::setMastersCall>(&(m.clone(), all(signed)))),
        Action::Grant(m) => {
            let (x, y) = key(signed)?;
            Ok(encode::<abi::grantCall>(&(m.clone(), x, y, one(signed)?)))
        }
        Action::Revoke(m) => {
            let (x, y) = key(signed)?;
            Ok(encode::<abi::revokeCall>(&(m.clone(), x, y, one(signed)?)))
        }
        Action::Checkpoint(m) => Ok(encode::<abi::setCheckpointCall>(&(m.clone(), one(signed)?))),
    }
}

/// The action that call data carries: the inverse of [`call_data`].
///
/// # Errors
/// [`ChainError::Malformed`] if it is no action's.
pub fn read_call(data: &[u8]) -> Result<SignedAction, ChainError> {
    let (selector, parameters) = data.split_first_chunk::<4>().ok_or(NO_ACTION)?;
    Ok(match *selector {
        abi::registerInstitutionCall::SELECTOR => plain::<structs::RegisterInstitution>(parameters)?,
        abi::setAccreditationCall::SELECTOR => plain::<structs::SetAccreditation>(parameters)?,
        abi::setGatewayCall::SELECTOR => plain::<structs::SetGateway>(parameters)?,
        abi::revokeDeviceCall::SELECTOR => plain::<structs::RevokeDevice>(parameters)?,
        abi::rotateAgreementCall::SELECTOR => plain::<structs::RotateAgreement>(parameters)?,
        abi::setCheckpointCall::SELECTOR => plain::<structs::Checkpoint>(parameters)?,
        abi::setSuspensionCall::SELECTOR => many::<structs::SetSuspension>(parameters)?,
        abi::setMastersCall::SELECTOR => many::<structs::SetMasters>(parameters)?,
        abi::grantCall::SELECTOR => keyed::<structs::Grant>(parameters)?,
        abi::revokeCall::SELECTOR => keyed::<structs::Revoke>(parameters)?,
        abi::approveDeviceCall::SELECTOR => approval(parameters)?,
        _ => return Err(NO_ACTION),
    })
}

const NO_ACTION: ChainError = ChainError::Malformed("it is no action's call data");

type Pair = (sol_data::FixedBytes<32>, sol_data::FixedBytes<32>);

/// Decodes a function's parameters.
fn decoded<P: SolType>(parameters: &[u8]) -> Result<P::RustType, ChainError>
where
    for<'a> P::Token<'a>: TokenSeq<'a>,
{
    P::abi_decode_params_validate(parameters).map_err(|_| NO_ACTION)
}

fn plain<M: SolType<RustType = M> + Into<Action>>(parameters: &[u8]) -> Result<SignedAction, ChainError> {
    let (message, signature) = decoded::<(M, Pair)>(parameters)?;
    Ok(SignedAction::one(message.into(), signature_of(signature)))
}

fn many<M: SolType<RustType = M> + Into<Action>>(parameters: &[u8]) -> Result<SignedAction, ChainError> {
    let (message, signatures) = decoded::<(M, sol_data::Array<Pair>)>(parameters)?;
    Ok(SignedAction {
        action: message.into(),
        signatures: signatures.into_iter().map(signature_of).collect(),
        keys: vec![],
        proof: None,
    })
}

fn keyed<M: SolType<RustType = M> + Into<Action>>(parameters: &[u8]) -> Result<SignedAction, ChainError> {
    let (message, x, y, signature) =
        decoded::<(M, sol_data::FixedBytes<32>, sol_data::FixedBytes<32>, Pair)>(parameters)?;
    let key = PublicKey::from_xy(&x.0, &y.0).map_err(|_| NO_ACTION)?;
    Ok(SignedAction::by_key(message, key, signature_of(signature)))
}

fn approval(parameters: &[u8]) -> Result<SignedAction, ChainError> {
    type Parameters = (
        structs::ApproveDevice,
        sol_data::Array<Pair>,
        structs::RequestDevice,
        Pair,
    );
    let (message, signatures, request, proof) = decoded::<Parameters>(parameters)?;
    Ok(SignedAction {
        action: message.into(),
        signatures: signatures.into_iter().map(signature_of).collect(),
        keys: vec![],
        proof: Some(Proof {
            message: request,
            signature: signature_of(proof),
        }),
    })
}

fn signature_of((r, s): Words) -> Signature {
    let mut bytes = [0; 64];
    let (left, right) = bytes.split_at_mut(32);
    left.copy_from_slice(&r.0);
    right.copy_from_slice(&s.0);
    Signature(bytes)
}

/// Most signatures of any action: four of five current masters, and five new keys.
const SIGNATURES: usize = 9;

/// That an action carries no key and no proof that its type does not use, and no more signatures than any type does: nobody
/// verifies those, and the ledger would keep them.
///
/// # Errors
/// [`ChainError::Malformed`].
pub fn must_carry_no_more(signed: &SignedAction) -> Result<(), ChainError> {
    let keys = usize::from(matches!(signed.action, Action::Grant(_) | Action::Revoke(_)));
    if signed.signatures.len() > SIGNATURES {
        return Err(ChainError::Malformed(
            "it carries more signatures than any action needs",
        ));
    }
    if signed.keys.len() > keys {
        return Err(ChainError::Malformed("it carries keys that its type does not use"));
    }
    if signed.proof.is_some() && !matches!(signed.action, Action::ApproveDevice(_)) {
        return Err(ChainError::Malformed("it carries a proof that its type does not use"));
    }
    Ok(())
}

/// The name by which an action is found again: digest and one-time keys. The digest alone would not do: Grant and Revoke
/// do not contain their key, so a stranger can sign the same digest, and must not stand in for the owner.
pub fn identity(digest: &Digest, action: &SignedAction) -> [u8; 32] {
    let keys: Vec<_> = action.keys.iter().flat_map(|key| *key.bytes()).collect();
    sha256(&[&digest.0, &keys])
}

/// X and Y as `bytes32`.
pub fn coordinates(key: &PublicKey) -> Words {
    (key.x().into(), key.y().into())
}

fn encode<C: SolCall>(arguments: &impl Parameters) -> Vec<u8> {
    [C::SELECTOR.as_slice(), &arguments.encoded()].concat()
}

/// A tuple that can be encoded as a function's parameters.
trait Parameters {
    fn encoded(&self) -> Vec<u8>;
}

impl<T> Parameters for T
where
    T: SolValue,
    for<'a> <T::SolType as alloy_sol_types::SolType>::Token<'a>: alloy_sol_types::abi::TokenSeq<'a>,
{
    fn encoded(&self) -> Vec<u8> {
        self.abi_encode_params()
    }
}

fn one(signed: &SignedAction) -> Result<Words, ChainError> {
    match signed.signatures.as_slice() {
        [signature] => Ok(words(signature)),
        _ => Err(ChainError::Malformed("this action needs exactly one signature")),
    }
}

/// For the actions whose number of signatures the contract judges.
fn all(signed: &SignedAction) -> Vec<Words> {
    signed.signatures.iter().map(words).collect()
}

fn key(signed: &SignedAction) -> Result<Words, ChainError> {
    match signed.keys.as_slice() {
        [key] => Ok(coordinates(key)),
        _ => Err(ChainError::Malformed("this action needs its one-time key")),
    }
}

fn words(signature: &Signature) -> Words {
    let (r, s) = signature.0.split_at(32);
    (B256::from_slice(r), B256::from_slice(s))
}
