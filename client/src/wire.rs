//! The JSON of protocol §7 that is not in the core.

use serde::{Deserialize, Serialize};
use wardkey_core::action::{Action, Proof, SignedAction};
use wardkey_core::device::{DeviceCertificate, DeviceRequest};
use wardkey_core::grant::SignedGrant;
use wardkey_core::hexbytes;
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{Commitment, DeviceId, Digest, GatewayId, InstitutionId, KeyId, RecordId, SessionId};
use wardkey_core::institution::{History, Unproved};
use wardkey_core::key::{PublicKey, Signature};
use wardkey_core::log::Receipt;
use wardkey_core::record::Record;
use wardkey_core::typed::Domain;
use wardkey_core::unblock::UnblockRequest;
use wardkey_core::uses::TAG;

/// `GET /v1/network`: the deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// The network's name.
    pub name: String,
    /// Chain, contract and salt.
    #[serde(flatten)]
    pub domain: Domain,
    /// The operator's key.
    pub operator: PublicKey,
    /// The gateway's key.
    pub gateway: PublicKey,
    /// Newest block.
    #[serde(default)]
    pub head: Option<Head>,
    /// When the gateway last heard from the chain.
    #[serde(default)]
    pub heard: Option<u64>,
}

impl Network {
    /// Id of the gateway.
    #[must_use]
    pub fn gateway_id(&self) -> GatewayId {
        self.gateway.id().into()
    }

    /// True if it is the same deployment behind the same gateway key.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.domain == other.domain && self.gateway == other.gateway && self.operator == other.operator
    }
}

/// Newest block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its number.
    pub number: u64,
    /// Its time, seconds since 1970.
    #[serde(default)]
    pub time: u64,
}

/// A row of `GET /v1/institutions`: claims, to be proved by [`InstitutionAnswer`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InstitutionRow {
    /// Id.
    pub id: InstitutionId,
    /// Current master keys.
    pub masters: Vec<PublicKey>,
}

/// `GET /v1/institutions/{id}`, of which name and keys are taken from the signed actions only.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InstitutionAnswer {
    status: String,
    #[serde(default)]
    actions: Vec<SignedAction>,
}

impl InstitutionAnswer {
    /// The institution that was asked for.
    ///
    /// # Errors
    /// [`Unproved`] if the actions do not prove it.
    pub fn proved(self, domain: &Domain, id: &InstitutionId) -> Result<InstitutionFacts, Unproved> {
        let history = History::replay(domain, id, &self.actions)?;
        Ok(InstitutionFacts {
            id: *id,
            name: history.name.clone(),
            status: self.status,
            agreement: AgreementFacts {
                epoch: history.epoch,
                key: history.agreement,
            },
            history,
        })
    }
}

/// An institution, proved by its own signatures but for its status, which the gateway says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstitutionFacts {
    /// Id.
    pub id: InstitutionId,
    /// Registered name.
    pub name: String,
    /// `registered`, `accredited`, `suspended`.
    pub status: String,
    /// Current agreement key.
    pub agreement: AgreementFacts,
    /// What proves it, its master keys and its devices.
    pub history: History,
}

/// The institution's agreement key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgreementFacts {
    /// Its epoch.
    pub epoch: u32,
    /// Its public half.
    pub key: PublicKey,
}

/// `GET /v1/devices/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceFacts {
    /// Id.
    pub id: DeviceId,
    /// 9A key.
    pub key: PublicKey,
    /// Institution that approved it.
    pub institution: InstitutionId,
    /// `active`, `revoked`, `suspended`, `expired`.
    pub status: String,
    /// Bit 0 read, bit 1 write.
    pub rights: u8,
    /// First second at which it is no longer active.
    pub not_after: u64,
    /// Nonce of its next approval or suspension.
    #[serde(default)]
    pub nonce: u32,
    /// Digest of the certificate.
    pub certificate: Digest,
    /// The institution's signed approval.
    #[serde(default)]
    pub approval: Option<SignedAction>,
}

impl DeviceFacts {
    /// Checks that the institution approved exactly this. Revocation stays the gateway's word.
    ///
    /// # Errors
    /// [`Unproved`].
    pub fn prove(&self, domain: &Domain, institution: &History) -> Result<(), Unproved> {
        let signed = self.approval.as_ref().ok_or(Unproved::Approval)?;
        let approved = institution.approval(domain, &self.key, signed)?;
        let same = self.institution == institution.id
            && DeviceId::from(self.key.id()) == self.id
            && approved.certificate == self.certificate.0
            && approved.rights == self.rights
            && approved.notAfter == self.not_after;
        if same { Ok(()) } else { Err(Unproved::Approval) }
    }
}

/// A row of `GET /v1/institutions/{id}/devices`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceWithCertificate {
    /// Id.
    pub id: DeviceId,
    /// `active`, `revoked`, `suspended`, `expired`.
    pub status: String,
    /// Bit 0 read, bit 1 write.
    pub rights: u8,
    /// First second at which it is no longer active.
    pub not_after: u64,
    /// Nonce of its next approval or suspension.
    #[serde(default)]
    pub nonce: u32,
    /// The certificate, where the gateway has it.
    #[serde(default)]
    pub certificate: Option<DeviceCertificate>,
    /// When it last opened a session.
    #[serde(default)]
    pub last_use: Option<u64>,
    /// Why it was revoked.
    #[serde(default)]
    pub note: Option<String>,
}

/// A row of `GET /v1/institutions/{id}/inks`: the key of a day's use lines, sealed to the institution.
#[derive(Clone, Debug, Deserialize)]
pub struct InkView {
    /// Its id.
    #[serde(with = "hexbytes::array")]
    pub id: [u8; TAG],
    /// Epoch of the agreement key that opens it.
    pub epoch: u32,
    /// The sealed key.
    #[serde(flatten)]
    pub sealed: Sealed,
}

/// A row of `GET /v1/institutions/{id}/uses`.
#[derive(Clone, Debug, Deserialize)]
pub struct UseLine {
    /// Its number.
    pub number: u64,
    /// Sealed.
    #[serde(with = "hexbytes::base64url")]
    pub ct: Vec<u8>,
}

/// `GET /v1/unblocks/{id}`.
#[derive(Clone, Debug, Deserialize)]
pub struct UnblockShown {
    /// The request.
    #[serde(flatten)]
    pub request: UnblockRequest,
    /// The sealed PUK, once IT has answered.
    #[serde(default)]
    pub answer: Option<Sealed>,
}

/// `POST /v1/challenges`.
#[derive(Clone, Debug, Deserialize)]
pub struct Challenge {
    /// To be signed.
    pub challenge: Digest,
    /// Until when.
    pub expires: u64,
}

/// `POST /v1/sessions`.
#[derive(Clone, Debug, Deserialize)]
pub struct SessionOpened {
    /// Id.
    pub session: SessionId,
    /// First second at which it no longer holds.
    pub expires: u64,
}

/// `GET /v1/device-requests/{id}`.
#[derive(Clone, Debug, Deserialize)]
pub struct DeviceRequestState {
    /// `waiting`, `approved`, `refused`.
    pub state: String,
    /// Why refused.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A row of `GET /v1/institutions/{id}/requests`.
#[derive(Clone, Debug, Deserialize)]
pub struct WaitingRequest {
    /// The request, whole.
    #[serde(flatten)]
    pub request: DeviceRequest,
    /// When it came.
    #[serde(default, alias = "received", alias = "at")]
    pub submitted: u64,
}

/// A wrap: the institution's agreement key sealed to a card's 9D key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrapView {
    /// Epoch of the agreement key.
    pub epoch: u32,
    /// The agreement key's public half.
    pub key: PublicKey,
    /// The sealed scalar.
    #[serde(flatten)]
    pub sealed: Sealed,
}

/// A wrap with its recipient, for a proposal.
#[derive(Clone, Debug, Serialize)]
pub struct WrapTo {
    /// Key id of a 9D key.
    pub recipient: KeyId,
    /// The sealed key.
    #[serde(flatten)]
    pub wrap: WrapView,
}

/// Where a proposal stands.
#[derive(Clone, Debug, Deserialize)]
pub struct ProposalBecame {
    /// `open`, `done`, `withdrawn`, `stale`.
    pub state: String,
}

/// A row of `GET /v1/institutions/{id}/proposals`.
#[derive(Clone, Debug, Deserialize)]
pub struct Proposed {
    /// Digest of the action, as the gateway says; made anew before anything is signed.
    pub proposal: Digest,
    /// What is to happen.
    #[serde(flatten)]
    pub action: Action,
    /// The device's request, for ApproveDevice.
    #[serde(default)]
    pub proof: Option<Proof>,
    /// The signatures so far.
    pub signatures: Vec<ProposedSignature>,
    /// Who proposed it.
    pub proposer: PublicKey,
    /// When.
    pub proposed: u64,
    /// `open`, `done`, `withdrawn`, `stale`.
    pub state: String,
    /// Why it was withdrawn, or the code of why it is stale.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A signature of a proposal.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct ProposedSignature {
    /// Whose, as the gateway says.
    pub key: PublicKey,
    /// The signature.
    pub signature: Signature,
    /// When it came.
    pub at: u64,
}

/// A section key sealed to the institution.
#[derive(Clone, Debug, Deserialize)]
pub struct SectionWrap {
    /// Section.
    pub section: u8,
    /// Epoch.
    pub epoch: u32,
    /// The sealed scalar.
    #[serde(flatten)]
    pub sealed: Sealed,
}

/// A row of `GET /v1/grants`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrantOffer {
    /// Commitment as the gateway says; compared with the document's.
    pub commitment: Commitment,
    /// Document, key, signature.
    #[serde(flatten)]
    pub grant: SignedGrant,
    /// Section keys.
    pub section_keys: Vec<SectionWrap>,
    /// Name and date of birth.
    pub label: Sealed,
    /// Epoch of the agreement key that they are sealed to.
    pub agreement_epoch: u32,
    /// `live`, `revoked`, `expired`.
    pub state: String,
    /// When it was granted.
    #[serde(default)]
    pub since: u64,
}

/// `GET /v1/patients/{id}/records`.
#[derive(Clone, Debug, Deserialize)]
pub struct Records {
    /// The records.
    pub records: Vec<Record>,
    /// One proof per section asked for.
    pub log: Vec<crate::LogProof>,
}

/// `POST /v1/patients/{id}/records`.
#[derive(Clone, Debug, Deserialize)]
pub struct WrittenReceipts {
    /// One per record.
    pub receipts: Vec<WrittenReceipt>,
}

/// One receipt.
#[derive(Clone, Debug, Deserialize)]
pub struct WrittenReceipt {
    /// For which record.
    pub record: RecordId,
    /// The promise.
    #[serde(flatten)]
    pub receipt: Receipt,
}

/// `POST /v1/actions`.
#[derive(Clone, Debug, Deserialize)]
pub struct ActionDone {
    /// Transaction hash.
    pub tx: String,
    /// Block.
    pub block: u64,
}

/// What a section's public keys come with when a session asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SectionKeysAnswer {
    /// The signed list.
    #[serde(flatten)]
    pub keys: wardkey_core::section_keys::SectionKeys,
    /// The patient's root key.
    pub patient_key: PublicKey,
}

/// Body of `POST /v1/sessions`.
#[derive(Clone, Debug, Serialize)]
pub struct OpenSession<'a> {
    /// The delegation.
    pub delegation: &'a wardkey_core::delegation::Delegation,
    /// By the card.
    pub signature: Signature,
    /// The card's key.
    pub key: PublicKey,
}
