//! Agreement epochs: the private key of an older epoch is sealed to the public key of the next one, so that a card opens one
//! wrap and unrolls the rest (protocol §4).

use crate::hpke::{Context, SealError, Sealed, open, seal};
use crate::id::InstitutionId;
use crate::institution::History;
use crate::key::{PublicKey, SoftKey};
use crate::typed::Domain;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const LABEL: &str = "wardkey/epoch/1";

/// An older epoch's private key, sealed to the next epoch's public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OlderKey {
    /// The older epoch.
    pub epoch: u32,
    /// The next epoch's public key, to which it is sealed.
    pub next: PublicKey,
    /// The 32-byte private scalar.
    #[serde(flatten)]
    pub sealed: Sealed,
}

/// An agreement key's private half for each epoch that could be opened.
pub type EpochKeys = BTreeMap<u32, SoftKey>;

fn aad(institution: &InstitutionId, epoch: u32) -> Vec<u8> {
    [institution.bytes().as_slice(), &epoch.to_be_bytes()].concat()
}

fn context<'a>(domain: &'a Domain, aad: &'a [u8]) -> Context<'a> {
    Context {
        label: LABEL,
        domain,
        aad,
    }
}

/// Seals the key of `epoch` to the key of the next one.
///
/// # Errors
/// [`SealError`].
pub fn seal_older(
    domain: &Domain,
    institution: &InstitutionId,
    epoch: u32,
    older: &SoftKey,
    next: &PublicKey,
) -> Result<OlderKey, SealError> {
    let aad = aad(institution, epoch);
    let sealed = seal(next, &context(domain, &aad), older.to_bytes().as_slice())?;
    Ok(OlderKey {
        epoch,
        next: *next,
        sealed,
    })
}

/// From the key of `epoch` back, epoch by epoch, as far as what is `offered` opens and is the key that the institution's
/// history proves. What does not is left out: its grants stay closed, nothing false is used.
#[must_use]
pub fn unroll(domain: &Domain, history: &History, epoch: u32, newest: SoftKey, offered: &[OlderKey]) -> EpochKeys {
    let mut keys = EpochKeys::new();
    let mut step = Some((epoch, newest));
    while let Some((epoch, key)) = step {
        step = epoch.checked_sub(1).filter(|older| *older > 0).and_then(|older| {
            let opened = |o: &OlderKey| open_older(domain, history, older, &key, o);
            let key = offered.iter().filter(|o| o.epoch == older).find_map(opened)?;
            Some((older, key))
        });
        keys.insert(epoch, key);
    }
    keys
}

fn open_older(domain: &Domain, history: &History, epoch: u32, next: &SoftKey, older: &OlderKey) -> Option<SoftKey> {
    let aad = aad(&history.id, epoch);
    let plain = open(next, &context(domain, &aad), &older.sealed).ok()?;
    let key = SoftKey::from_bytes(plain.as_slice().try_into().ok()?).ok()?;
    (Some(key.public()) == history.agreement_at(epoch)).then_some(key)
}
