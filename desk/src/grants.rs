//! Grants as they reach an institution: verified, then opened with its agreement key.

use crate::error::DeskError;
use crate::notice::Notice;
use crate::view::{GrantState, PatientRow};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;
use wardkey_client::{GrantOffer, SectionWrap};
use wardkey_core::epoch::EpochKeys;
use wardkey_core::grant::SignedGrant;
use wardkey_core::hpke::{Context, open};
use wardkey_core::id::{Commitment, InstitutionId, PatientId};
use wardkey_core::key::SoftKey;
use wardkey_core::section_keys::{wrap_aad, wrap_context};
use wardkey_core::typed::Domain;

/// A grant whose signature holds, with its label in clear. Made by [`Granted::open`] only.
#[derive(Clone, Debug)]
pub struct Granted {
    /// Its commitment.
    pub commitment: Commitment,
    /// The patient's document.
    pub grant: SignedGrant,
    /// Patient's name; empty if the label could not be opened.
    pub name: String,
    /// Patient's date of birth.
    pub birth_date: String,
    /// When it was granted.
    pub since: u64,
    wraps: Vec<SectionWrap>,
    agreement_epoch: u32,
    revoked: bool,
}

/// Section keys in clear, by section and epoch.
pub type SectionSecrets = HashMap<(u8, u32), Arc<SoftKey>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Label {
    #[serde(default)]
    name: String,
    #[serde(default)]
    birth_date: String,
}

impl Granted {
    /// Verifies what the gateway offers and opens its label.
    ///
    /// # Errors
    /// The patient's signature does not hold, or the document is another's or another institution's.
    pub fn open(
        offer: GrantOffer,
        domain: &Domain,
        institution: &InstitutionId,
        keys: &EpochKeys,
    ) -> Result<Self, Notice> {
        let document = &offer.grant.document;
        if document.commitment() != offer.commitment || document.institution != *institution {
            return Err(DeskError::UnknownGrant.into());
        }
        offer.grant.verify(domain)?;
        let context = Context {
            label: "wardkey/label/1",
            domain,
            aad: offer.commitment.bytes(),
        };
        let key = keys.get(&offer.agreement_epoch);
        let label = key.and_then(|key| open(key, &context, &offer.label).ok());
        let label = label.and_then(|plain| serde_json::from_slice::<Label>(&plain).ok());
        let (name, birth_date) = label.map_or_else(Default::default, |l| (l.name, l.birth_date));
        Ok(Self {
            commitment: offer.commitment,
            grant: offer.grant,
            name,
            birth_date,
            since: offer.since,
            wraps: offer.section_keys,
            agreement_epoch: offer.agreement_epoch,
            revoked: offer.state == "revoked",
        })
    }

    /// Whose records.
    #[must_use]
    pub const fn patient(&self) -> PatientId {
        self.grant.document.patient
    }

    /// State now.
    #[must_use]
    pub const fn state(&self, now: u64) -> GrantState {
        let document = &self.grant.document;
        if self.revoked {
            GrantState::Revoked
        } else if now >= document.expiry {
            GrantState::Expired
        } else if now < document.not_before {
            GrantState::NotYetValid
        } else {
            GrantState::Live
        }
    }

    /// The same grant as the gateway tells of it now.
    #[must_use]
    pub fn told_again(&self, state: &str, since: u64) -> Self {
        Self {
            revoked: self.revoked || state == "revoked",
            since,
            ..self.clone()
        }
    }

    /// The keys of its readable sections; those that cannot be opened are left out.
    #[must_use]
    pub fn section_secrets(&self, domain: &Domain, keys: &EpochKeys) -> SectionSecrets {
        let Some(key) = keys.get(&self.agreement_epoch) else {
            return SectionSecrets::new();
        };
        let secret = |wrap: &SectionWrap| {
            let aad = wrap_aad(&self.patient(), &self.commitment, wrap.section, wrap.epoch);
            let plain = open(key, &wrap_context(domain, &aad), &wrap.sealed).ok()?;
            let bytes: &[u8; 32] = plain.as_slice().try_into().ok()?;
            Some(((wrap.section, wrap.epoch), Arc::new(SoftKey::from_bytes(bytes).ok()?)))
        };
        self.wraps.iter().filter_map(secret).collect()
    }

    /// Its line in the list.
    #[must_use]
    pub fn row(&self, now: u64, fresh: bool) -> PatientRow {
        let document = &self.grant.document;
        PatientRow {
            commitment: self.commitment.to_string(),
            patient: document.patient.to_string(),
            name: self.name.clone(),
            birth_date: self.birth_date.clone(),
            since: self.since,
            until: document.expiry,
            read: document.readable().collect(),
            write: document.writable().collect(),
            fresh,
            state: self.state(now),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use wardkey_core::grant::GrantDocument;
    use wardkey_core::hpke::Sealed;

    const DOMAIN: Domain = Domain {
        chain_id: 1,
        contract: [1; 20],
        salt: [2; 32],
    };
    const HOSPITAL: InstitutionId = InstitutionId([4; 32]);

    fn offer(institution: InstitutionId) -> GrantOffer {
        let (root, key) = (SoftKey::generate().unwrap(), SoftKey::generate().unwrap());
        let document = GrantDocument {
            patient: root.public().id().into(),
            institution,
            read: 7,
            write: 7,
            purpose: 1,
            not_before: 100,
            expiry: 200,
            salt: [5; 32],
            key: key.public(),
            chain_id: DOMAIN.chain_id,
            wardkey: DOMAIN.contract,
        };
        GrantOffer {
            commitment: document.commitment(),
            grant: SignedGrant {
                signature: DOMAIN.sign(&root, &document.typed()).unwrap(),
                patient_key: root.public(),
                document,
            },
            section_keys: vec![],
            label: Sealed {
                enc: vec![],
                ct: vec![],
            },
            agreement_epoch: 1,
            since: 100,
            state: "live".to_owned(),
        }
    }

    fn code(offer: GrantOffer) -> Option<String> {
        let key = SoftKey::generate().unwrap();
        Granted::open(offer, &DOMAIN, &HOSPITAL, &[(1, key)].into())
            .err()
            .map(|notice| notice.code)
    }

    #[test]
    fn only_what_the_patient_signed_for_this_institution_is_a_grant() {
        assert_eq!(code(offer(HOSPITAL)), None);
        assert_eq!(code(offer(InstitutionId([9; 32]))).unwrap(), "grant-unknown");
        let mut longer = offer(HOSPITAL);
        longer.grant.document.expiry ^= 1;
        assert_eq!(
            code(longer).unwrap(),
            "grant-unknown",
            "not the document of its commitment"
        );
        let mut forged = offer(HOSPITAL);
        forged.grant.document.expiry ^= 1;
        forged.commitment = forged.grant.document.commitment();
        assert_eq!(code(forged).unwrap(), "signature-invalid");
        let mut flipped = offer(HOSPITAL);
        flipped.grant.signature.0[63] ^= 1;
        assert_eq!(code(flipped).unwrap(), "signature-invalid");
    }

    #[test]
    fn it_holds_from_its_first_second_to_before_its_last() {
        let key = SoftKey::generate().unwrap();
        let granted = Granted::open(offer(HOSPITAL), &DOMAIN, &HOSPITAL, &[(1, key)].into()).unwrap();
        let states = [99, 100, 199, 200].map(|now| granted.state(now));
        use GrantState::{Expired, Live, NotYetValid, Revoked};
        assert_eq!(states, [NotYetValid, Live, Live, Expired]);
        assert_eq!(granted.told_again("revoked", 100).state(150), Revoked);
    }
}
