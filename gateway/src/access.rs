//! Permission: the grant that is presented, the chain's mirror, and the rule of `wardkey_core::permission`.

use crate::error::Problem;
use crate::state::Gateway;
use std::sync::Arc;
use wardkey_core::id::{Commitment, DeviceId, PatientId};
use wardkey_core::permission::{Denial, GrantChecked, Request, Right, SignatureChecked};
use wardkey_core::section::Section;

impl Gateway {
    /// A grant whose document and signature hold; verified once, remembered. Blocks.
    ///
    /// # Errors
    /// Reasons 1 to 4 of the rule.
    pub fn presented(&self, commitment: Commitment) -> Result<Arc<SignatureChecked>, Problem> {
        if let Some(known) = self.grants.get(&commitment) {
            return Ok(known);
        }
        let stored = self.store.grant(&commitment)?.ok_or(Denial::Unknown)?;
        Ok(self
            .grants
            .put(commitment, SignatureChecked::new(self.domain(), stored.grant)?))
    }

    /// Asks the rule for each section; refused if any is.
    ///
    /// # Errors
    /// The rule's first reason, or [`crate::error::Refusal::ChainSilent`]; `grant-wrong-patient` if the grant is of another patient.
    pub fn permit(
        &self,
        grant: &SignatureChecked,
        patient: PatientId,
        device: DeviceId,
        sections: &[u8],
        right: Right,
    ) -> Result<Vec<GrantChecked>, Problem> {
        if grant.grant().document.patient != patient {
            return Err(Denial::WrongPatient.into());
        }
        self.ledger.must_be_heard()?;
        let (view, now) = (self.ledger.view(), self.clock.now());
        let ask = |section: &u8| {
            grant.check(
                &*view,
                &Request {
                    device,
                    section: *section,
                    right: right as u8,
                    now,
                },
            )
        };
        Ok(sections.iter().map(ask).collect::<Result<_, _>>()?)
    }

    /// Whether a device may do anything at all under a grant: read or write any section.
    ///
    /// # Errors
    /// As [`Gateway::permit`], for the first section and right.
    pub fn permit_any(&self, grant: &SignatureChecked, patient: PatientId, device: DeviceId) -> Result<(), Problem> {
        self.permit_one_of(&[Right::Read, Right::Write], grant, patient, device)
    }

    /// Whether a device may write any section under a grant.
    ///
    /// # Errors
    /// As [`Gateway::permit`], for the first section.
    pub fn permit_writing(
        &self,
        grant: &SignatureChecked,
        patient: PatientId,
        device: DeviceId,
    ) -> Result<(), Problem> {
        self.permit_one_of(&[Right::Write], grant, patient, device)
    }

    fn permit_one_of(
        &self,
        rights: &[Right],
        grant: &SignatureChecked,
        patient: PatientId,
        device: DeviceId,
    ) -> Result<(), Problem> {
        let document = &grant.grant().document;
        let mut first = None;
        for right in rights {
            let mask = match right {
                Right::Read => document.read,
                Right::Write => document.write,
            };
            for section in Section::in_mask(mask) {
                match self.permit(grant, patient, device, &[section.number()], *right) {
                    Ok(_) => return Ok(()),
                    Err(problem) => first = first.or(Some(problem)),
                }
            }
        }
        Err(first.unwrap_or_else(|| Denial::SectionNotGranted.into()))
    }
}
