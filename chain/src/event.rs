//! The contract's events in the domain's types.

use crate::abi;
use crate::error::ChainError;
use alloy_primitives::{B256, Log};
use alloy_sol_types::SolEvent;
use wardkey_core::id::{Commitment, DeviceId, Digest, GatewayId, InstitutionId};
use wardkey_core::key::PublicKey;
use wardkey_core::masters::{MasterKey, Masters};

/// What an action changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are those of the signed structs, protocol §2")]
pub enum Event {
    /// A gateway's key became active or inactive.
    GatewaySet {
        gateway: GatewayId,
        key: PublicKey,
        active: bool,
    },
    /// An institution exists, with agreement epoch 1, not yet accredited.
    InstitutionRegistered {
        institution: InstitutionId,
        name: String,
        country: String,
        master: MasterKey,
        agreement: PublicKey,
    },
    /// An institution was accredited or suspended.
    AccreditationSet {
        institution: InstitutionId,
        accredited: bool,
    },
    /// An institution's agreement key moved to a new epoch.
    AgreementRotated {
        institution: InstitutionId,
        epoch: u32,
        agreement: PublicKey,
    },
    /// An institution has another list of master keys.
    MastersSet {
        institution: InstitutionId,
        version: u32,
        masters: Masters,
    },
    /// A device was approved or renewed.
    DeviceApproved {
        institution: InstitutionId,
        device: DeviceId,
        key: PublicKey,
        rights: u8,
        not_after: u64,
        certificate: Digest,
    },
    /// An institution's own device was revoked, for good.
    DeviceRevoked {
        institution: InstitutionId,
        device: DeviceId,
    },
    /// An institution's own device was suspended, or may act again.
    SuspensionSet {
        institution: InstitutionId,
        device: DeviceId,
        suspended: bool,
    },
    /// An institution revoked a key that is not its device; it can never approve it. Nobody else is concerned.
    DeviceBarred {
        institution: InstitutionId,
        device: DeviceId,
    },
    /// A grant is live.
    Granted { commitment: Commitment, key: PublicKey },
    /// A grant was revoked, for good.
    Revoked { commitment: Commitment, key: PublicKey },
    /// A checkpoint of the log was published.
    CheckpointSet { size: u64, root: [u8; 32] },
}

/// An event with its place on the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Block number.
    pub block: u64,
    /// Place in the block, from 0.
    pub index: u32,
    /// Time of the block, seconds since 1970.
    pub time: u64,
    /// Digest of the action that made it; zero for the first gateway, set at deployment.
    pub digest: Digest,
    /// What changed.
    pub event: Event,
}

impl Event {
    /// An event of the contract and the digest of its action.
    ///
    /// # Errors
    /// [`ChainError::Corrupt`] if it is none of the contract's.
    pub fn decode(log: &Log) -> Result<(Digest, Self), ChainError> {
        match log.topics().first() {
            Some(&abi::GatewaySet::SIGNATURE_HASH | &abi::CheckpointSet::SIGNATURE_HASH) => operator_event(log),
            Some(
                &abi::DeviceApproved::SIGNATURE_HASH
                | &abi::DeviceRevoked::SIGNATURE_HASH
                | &abi::SuspensionSet::SIGNATURE_HASH
                | &abi::DeviceBarred::SIGNATURE_HASH,
            ) => device_event(log),
            Some(&abi::Granted::SIGNATURE_HASH | &abi::Revoked::SIGNATURE_HASH) => grant_event(log),
            Some(_) => institution_event(log),
            None => Err(unknown()),
        }
    }
}

fn operator_event(log: &Log) -> Result<(Digest, Event), ChainError> {
    if let Ok(e) = abi::CheckpointSet::decode_log(log) {
        return Ok((
            Digest(e.digest.0),
            Event::CheckpointSet {
                size: e.size,
                root: e.root.0,
            },
        ));
    }
    let e = abi::GatewaySet::decode_log(log).map_err(|_| unknown())?;
    let event = Event::GatewaySet {
        gateway: GatewayId(e.gateway.0),
        key: key(e.keyX, e.keyY)?,
        active: e.active,
    };
    Ok((Digest(e.digest.0), event))
}

fn device_event(log: &Log) -> Result<(Digest, Event), ChainError> {
    if let Ok(e) = abi::DeviceRevoked::decode_log(log) {
        let event = Event::DeviceRevoked {
            institution: InstitutionId(e.institution.0),
            device: DeviceId(e.device.0),
        };
        return Ok((Digest(e.digest.0), event));
    }
    if let Ok(e) = abi::SuspensionSet::decode_log(log) {
        let event = Event::SuspensionSet {
            institution: InstitutionId(e.institution.0),
            device: DeviceId(e.device.0),
            suspended: e.suspended,
        };
        return Ok((Digest(e.digest.0), event));
    }
    if let Ok(e) = abi::DeviceBarred::decode_log(log) {
        let event = Event::DeviceBarred {
            institution: InstitutionId(e.institution.0),
            device: DeviceId(e.device.0),
        };
        return Ok((Digest(e.digest.0), event));
    }
    let e = abi::DeviceApproved::decode_log(log).map_err(|_| unknown())?;
    let event = Event::DeviceApproved {
        institution: InstitutionId(e.institution.0),
        device: DeviceId(e.device.0),
        key: key(e.deviceX, e.deviceY)?,
        rights: e.rights,
        not_after: e.notAfter,
        certificate: Digest(e.certificate.0),
    };
    Ok((Digest(e.digest.0), event))
}

fn grant_event(log: &Log) -> Result<(Digest, Event), ChainError> {
    if let Ok(e) = abi::Granted::decode_log(log) {
        let event = Event::Granted {
            commitment: Commitment(e.commitment.0),
            key: key(e.keyX, e.keyY)?,
        };
        return Ok((Digest(e.digest.0), event));
    }
    let e = abi::Revoked::decode_log(log).map_err(|_| unknown())?;
    let event = Event::Revoked {
        commitment: Commitment(e.commitment.0),
        key: key(e.keyX, e.keyY)?,
    };
    Ok((Digest(e.digest.0), event))
}

fn institution_event(log: &Log) -> Result<(Digest, Event), ChainError> {
    if let Ok(e) = abi::AccreditationSet::decode_log(log) {
        let event = Event::AccreditationSet {
            institution: InstitutionId(e.institution.0),
            accredited: e.accredited,
        };
        return Ok((Digest(e.digest.0), event));
    }
    if let Ok(e) = abi::AgreementRotated::decode_log(log) {
        let agreement = key(e.agreementX, e.agreementY)?;
        let event = Event::AgreementRotated {
            institution: InstitutionId(e.institution.0),
            epoch: e.epoch,
            agreement,
        };
        return Ok((Digest(e.digest.0), event));
    }
    if let Ok(e) = abi::MastersSet::decode_log(log) {
        let masters = Masters::from_bytes(&e.keys, e.threshold);
        let event = Event::MastersSet {
            institution: InstitutionId(e.institution.0),
            version: e.version,
            masters: masters.map_err(|_| ChainError::Corrupt("a list of master keys on the chain is none".into()))?,
        };
        return Ok((Digest(e.digest.0), event));
    }
    let e = abi::InstitutionRegistered::decode_log(log).map_err(|_| unknown())?;
    let event = Event::InstitutionRegistered {
        institution: InstitutionId(e.institution.0),
        name: e.name.clone(),
        country: e.country.clone(),
        master: MasterKey {
            key: key(e.masterX, e.masterY)?,
            wrap: key(e.wrapX, e.wrapY)?,
        },
        agreement: key(e.agreementX, e.agreementY)?,
    };
    Ok((Digest(e.digest.0), event))
}

/// The contract lets no key pass that is no point of the curve.
pub fn key(x: B256, y: B256) -> Result<PublicKey, ChainError> {
    PublicKey::from_xy(&x.0, &y.0).map_err(|_| ChainError::Corrupt("a key on the chain is no P-256 key".into()))
}

fn unknown() -> ChainError {
    ChainError::Corrupt("an event is none of the contract's".into())
}
