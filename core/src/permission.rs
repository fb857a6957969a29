//! The permission rule (protocol §3): one function; the contract's `permission` view is the same rule in Solidity.

use crate::fault::Coded;
use crate::grant::SignedGrant;
use crate::id::{Commitment, DeviceId, InstitutionId, PatientId};
use crate::key::PublicKey;
use crate::typed::Domain;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Right {
    /// To read a section.
    Read = 1,
    /// To write to a section.
    Write = 2,
}

/// State of a grant on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantStatus {
    /// Never granted.
    Unknown,
    /// Granted and not revoked.
    Live,
    /// Revoked, for good.
    Revoked,
}

/// State of an institution on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstitutionStatus {
    /// Not registered.
    Unknown,
    /// Registered, but not (or no longer) accredited.
    NotAccredited,
    /// Accredited.
    Accredited,
}

/// State of a device on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceState {
    /// Institution that approved it.
    pub institution: InstitutionId,
    /// True once revoked, for good.
    pub revoked: bool,
    /// True while suspended.
    pub suspended: bool,
    /// First second at which it is no longer active.
    pub not_after: u64,
    /// Bit 0 read, bit 1 write.
    pub rights: u8,
}

/// What the rule needs to know of the chain.
pub trait ChainView {
    /// Status of the grant with this commitment under this one-time key.
    fn grant(&self, commitment: &Commitment, key: &PublicKey) -> GrantStatus;
    /// Status of an institution.
    fn institution(&self, id: &InstitutionId) -> InstitutionStatus;
    /// State of a device, `None` if it was never approved.
    fn device(&self, id: &DeviceId) -> Option<DeviceState>;
}

macro_rules! denials {
    ($($name:ident = $number:literal, $code:literal, $what:literal, $action:literal;)+) => {
        /// Why permission is refused; the number is the contract's code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        #[repr(u8)]
        pub enum Denial { $(#[doc = $what] #[error($what)] $name = $number,)+ }

        impl Denial {
            /// Every reason, in the order of the rule.
            pub const ALL: &[Self] = &[$(Self::$name),+];
            /// The contract's code for a denial; `None` for 0 (granted) and for unknown numbers.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }
        }
        impl Coded for Denial {
            fn code(&self) -> &'static str { match self { $(Self::$name => $code,)+ } }
            fn action(&self) -> &'static str { match self { $(Self::$name => $action,)+ } }
        }
    };
}

denials! {
    WrongChain = 1, "grant-wrong-chain", "the grant is for another network", "Ask the patient to scan this institution's own poster.";
    WrongPatient = 2, "grant-wrong-patient", "the grant's key is not the patient's", "Ask the patient to grant access again.";
    BadSignature = 3, "grant-bad-signature", "the patient's signature on the grant does not hold", "Ask the patient to grant access again.";
    Unknown = 4, "grant-unknown", "the chain does not know this grant", "Ask the patient to grant access.";
    Revoked = 5, "grant-revoked", "the patient has revoked the access", "Ask the patient, if access is still needed.";
    NotYetValid = 6, "grant-not-yet-valid", "the grant does not hold yet", "Wait until its first day, or ask the patient for a new grant.";
    Expired = 7, "grant-expired", "the grant has ended", "Ask the patient for a new grant.";
    InstitutionUnknown = 8, "institution-unknown", "the institution is not registered", "Tell the master-key holder.";
    InstitutionSuspended = 9, "institution-suspended", "the institution is not accredited", "Tell the master-key holder; the network operator decides.";
    DeviceUnknown = 10, "device-unknown", "this card was never approved", "Ask IT to request its approval.";
    DeviceOtherInstitution = 11, "device-other-institution", "the grant is for another institution than this card's", "Use a card of the institution that the patient chose.";
    DeviceRevoked = 12, "device-revoked", "this card was revoked", "Ask IT for a new card.";
    DeviceSuspended = 13, "device-suspended", "this card is suspended", "Ask the master-key holder; what you wrote is kept.";
    DeviceExpired = 14, "device-expired", "this card's approval has ended", "Ask IT to renew it.";
    DeviceRightMissing = 15, "device-right-missing", "this card may not do that", "Ask the master-key holder for the right.";
    SectionNotGranted = 16, "section-not-granted", "the patient did not grant this section", "Ask the patient, if the section is needed.";
}

/// What is asked: one right on one section by one device at one time.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The device that asks.
    pub device: DeviceId,
    /// Section number, 0–30.
    pub section: u8,
    /// 1 read, 2 write; any other number is refused.
    pub right: u8,
    /// Seconds since 1970.
    pub now: u64,
}

/// Evidence that [`check`] granted: later steps demand it, and nothing else makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantChecked {
    commitment: Commitment,
    patient: PatientId,
    institution: InstitutionId,
    device: DeviceId,
    section: u8,
    right: u8,
}

impl GrantChecked {
    /// Under which grant.
    #[must_use]
    pub const fn commitment(&self) -> Commitment {
        self.commitment
    }
    /// On whose records.
    #[must_use]
    pub const fn patient(&self) -> PatientId {
        self.patient
    }
    /// For which institution.
    #[must_use]
    pub const fn institution(&self) -> InstitutionId {
        self.institution
    }
    /// By which device.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.device
    }
    /// Section number.
    #[must_use]
    pub const fn section(&self) -> u8 {
        self.section
    }
    /// True if the right is to write.
    #[must_use]
    pub const fn may_write(&self) -> bool {
        self.right == Right::Write as u8
    }
}

/// A grant whose document, patient and signature hold for this deployment; the chain was not asked yet.
/// Made once per presented grant, because verifying the signature is the costly part.
#[derive(Clone, Debug)]
pub struct SignatureChecked {
    grant: SignedGrant,
    commitment: Commitment,
}

impl SignatureChecked {
    /// Reasons 1 to 3 of the rule.
    ///
    /// # Errors
    /// The first reason that holds.
    pub fn new(domain: &Domain, grant: SignedGrant) -> Result<Self, Denial> {
        let document = &grant.document;
        if document.chain_id != domain.chain_id || document.wardkey != domain.contract {
            return Err(Denial::WrongChain);
        }
        if PatientId::from(grant.patient_key.id()) != document.patient {
            return Err(Denial::WrongPatient);
        }
        domain
            .verify(&grant.patient_key, &document.typed(), &grant.signature)
            .map_err(|_| Denial::BadSignature)?;
        let commitment = document.commitment();
        Ok(Self { grant, commitment })
    }

    /// The grant.
    #[must_use]
    pub const fn grant(&self) -> &SignedGrant {
        &self.grant
    }

    /// SHA-256 of its canonical bytes.
    #[must_use]
    pub const fn commitment(&self) -> Commitment {
        self.commitment
    }

    /// Reasons 4 to 16 of the rule.
    ///
    /// # Errors
    /// The first reason that holds.
    pub fn check(&self, view: &impl ChainView, request: &Request) -> Result<GrantChecked, Denial> {
        let document = &self.grant.document;
        check_grant(
            view.grant(&self.commitment, &document.key),
            document.not_before,
            document.expiry,
            request.now,
        )?;
        match view.institution(&document.institution) {
            InstitutionStatus::Unknown => return Err(Denial::InstitutionUnknown),
            InstitutionStatus::NotAccredited => return Err(Denial::InstitutionSuspended),
            InstitutionStatus::Accredited => {}
        }
        check_device(view.device(&request.device), document.institution, request)?;
        let mask = if request.right == Right::Read as u8 {
            document.read
        } else {
            document.write
        };
        if request.section > 30 || mask & (1 << request.section) == 0 {
            return Err(Denial::SectionNotGranted);
        }
        Ok(GrantChecked {
            commitment: self.commitment,
            patient: document.patient,
            institution: document.institution,
            device: request.device,
            section: request.section,
            right: request.right,
        })
    }
}

fn check_grant(status: GrantStatus, not_before: u64, expiry: u64, now: u64) -> Result<(), Denial> {
    match status {
        GrantStatus::Unknown => Err(Denial::Unknown),
        GrantStatus::Revoked => Err(Denial::Revoked),
        GrantStatus::Live if now < not_before => Err(Denial::NotYetValid),
        GrantStatus::Live if now >= expiry => Err(Denial::Expired),
        GrantStatus::Live => Ok(()),
    }
}

fn check_device(device: Option<DeviceState>, institution: InstitutionId, request: &Request) -> Result<(), Denial> {
    let device = device.ok_or(Denial::DeviceUnknown)?;
    if device.institution != institution {
        return Err(Denial::DeviceOtherInstitution);
    }
    if device.revoked {
        return Err(Denial::DeviceRevoked);
    }
    if device.suspended {
        return Err(Denial::DeviceSuspended);
    }
    if request.now >= device.not_after {
        return Err(Denial::DeviceExpired);
    }
    // Rights 1 and 2 are bits 0 and 1; any other number is no right.
    if !matches!(request.right, 1 | 2) || device.rights & request.right == 0 {
        return Err(Denial::DeviceRightMissing);
    }
    Ok(())
}

/// The whole rule: the first reason that holds, or the evidence.
///
/// # Errors
/// The first reason that holds, in the order of protocol §3.
pub fn check(
    domain: &Domain,
    view: &impl ChainView,
    grant: &SignedGrant,
    request: &Request,
) -> Result<GrantChecked, Denial> {
    SignatureChecked::new(domain, grant.clone())?.check(view, request)
}
