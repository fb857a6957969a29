//! The requests of protocol §7, one method each.

use crate::client::{Call, Credential, Gateway, Permission};
use crate::error::GatewayError;
use crate::wire::{
    ActionDone, Challenge, DeviceFacts, DeviceRequestState, DeviceWithCertificate, GrantOffer, InkView,
    InstitutionAnswer, InstitutionFacts, InstitutionRow, Network, OpenSession, ProposalBecame, Proposed, Records,
    SectionKeysAnswer, SessionOpened, UnblockShown, UseLine, WaitingRequest, WrapTo, WrapView, WrittenReceipts,
};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use wardkey_core::action::SignedAction;
use wardkey_core::delegation::SignedDelegation;
use wardkey_core::device::{Attestation, DeviceCertificate, DeviceRequest};
use wardkey_core::epoch::OlderKey;
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{DeviceId, Digest, InstitutionId, KeyId, PatientId};
use wardkey_core::key::{PublicKey, Signature};
use wardkey_core::record::Record;
use wardkey_core::section::Section;
use wardkey_core::typed::Domain;
use wardkey_core::unblock::UnblockRequest;
use wardkey_core::uses::TAG;

fn body(value: &impl Serialize) -> Result<Option<Vec<u8>>, GatewayError> {
    serde_json::to_vec(value)
        .map(Some)
        .map_err(|_| GatewayError::Unreadable)
}

/// Public requests.
#[expect(
    clippy::missing_errors_doc,
    reason = "all fail with GatewayError as its documentation says"
)]
impl Gateway {
    /// A request that presents no permission.
    async fn plain<T: DeserializeOwned>(
        &self,
        method: Method,
        path: String,
        body: Option<Vec<u8>>,
        by: Option<(&Credential, &PublicKey)>,
    ) -> Result<T, GatewayError> {
        self.call(Call {
            method,
            path,
            query: None,
            body,
            by,
            permission: None,
        })
        .await
    }

    async fn public<T: DeserializeOwned>(
        &self,
        method: Method,
        path: String,
        body: Option<Vec<u8>>,
    ) -> Result<T, GatewayError> {
        self.plain(method, path, body, None).await
    }

    /// The deployment.
    pub async fn network(&self) -> Result<Network, GatewayError> {
        self.public(Method::GET, "/v1/network".to_owned(), None).await
    }

    /// Every institution, unproved.
    pub async fn institutions(&self) -> Result<Vec<InstitutionRow>, GatewayError> {
        self.public(Method::GET, "/v1/institutions".to_owned(), None).await
    }

    /// One institution, proved by its own signatures.
    pub async fn institution(&self, domain: &Domain, id: &InstitutionId) -> Result<InstitutionFacts, GatewayError> {
        let path = format!("/v1/institutions/{id}");
        let answer: InstitutionAnswer = self.public(Method::GET, path, None).await?;
        Ok(answer.proved(domain, id)?)
    }

    /// One device; to be proved against its institution ([`DeviceFacts::prove`]).
    pub async fn device(&self, id: &DeviceId) -> Result<DeviceFacts, GatewayError> {
        self.public(Method::GET, format!("/v1/devices/{id}"), None).await
    }

    /// A device's certificate; compare its digest with the chain's.
    pub async fn certificate(&self, id: &DeviceId) -> Result<DeviceCertificate, GatewayError> {
        self.public(Method::GET, format!("/v1/devices/{id}/certificate"), None)
            .await
    }

    /// The attestation that a device's certificate names the digest of.
    pub async fn evidence(&self, id: &DeviceId) -> Result<Attestation, GatewayError> {
        self.public(Method::GET, format!("/v1/devices/{id}/evidence"), None)
            .await
    }

    /// The wrap of the chain's agreement key for a 9D key.
    pub async fn wrap(&self, institution: &InstitutionId, recipient: &KeyId) -> Result<WrapView, GatewayError> {
        self.public(
            Method::GET,
            format!("/v1/institutions/{institution}/wraps/{recipient}"),
            None,
        )
        .await
    }

    /// The institution's older agreement keys, each sealed to the next epoch's.
    pub async fn older_keys(&self, institution: &InstitutionId) -> Result<Vec<OlderKey>, GatewayError> {
        self.public(Method::GET, format!("/v1/institutions/{institution}/epochs"), None)
            .await
    }

    /// Sends an action to the chain.
    pub async fn act(&self, action: &SignedAction) -> Result<ActionDone, GatewayError> {
        self.public(Method::POST, "/v1/actions".to_owned(), body(action)?).await
    }

    /// A fresh challenge.
    pub async fn challenge(&self) -> Result<Challenge, GatewayError> {
        self.public(Method::POST, "/v1/challenges".to_owned(), body(&json!({}))?)
            .await
    }

    /// Asks for the unblocking of a card.
    pub async fn ask_unblock(&self, request: &UnblockRequest) -> Result<(), GatewayError> {
        let _: serde_json::Value = self
            .public(Method::POST, "/v1/unblocks".to_owned(), body(request)?)
            .await?;
        Ok(())
    }

    /// A request to unblock, and its answer.
    pub async fn unblock(&self, id: &Digest) -> Result<UnblockShown, GatewayError> {
        self.public(Method::GET, format!("/v1/unblocks/{id}"), None).await
    }

    /// A request to unblock by the first bits of its id.
    pub async fn unblock_named(&self, start: &[u8; 8]) -> Result<UnblockShown, GatewayError> {
        self.call(Call {
            method: Method::GET,
            path: "/v1/unblocks".to_owned(),
            query: Some(format!("start={}", hex::encode(start))),
            body: None,
            by: None,
            permission: None,
        })
        .await
    }

    /// Answers a request to unblock.
    pub async fn answer_unblock(&self, id: &Digest, sealed: &Sealed) -> Result<(), GatewayError> {
        let _: serde_json::Value = self
            .public(Method::PUT, format!("/v1/unblocks/{id}/answer"), body(sealed)?)
            .await?;
        Ok(())
    }

    /// Opens a session.
    pub async fn open_session(&self, signed: &SignedDelegation) -> Result<SessionOpened, GatewayError> {
        let opening = OpenSession {
            delegation: &signed.delegation,
            signature: signed.signature,
            key: signed.key,
        };
        self.public(Method::POST, "/v1/sessions".to_owned(), body(&opening)?)
            .await
    }

    /// Sends a request for a device.
    pub async fn request_device(&self, request: &DeviceRequest) -> Result<serde_json::Value, GatewayError> {
        self.public(Method::POST, "/v1/device-requests".to_owned(), body(request)?)
            .await
    }

    /// State of a request.
    pub async fn device_request(&self, id: &Digest) -> Result<DeviceRequestState, GatewayError> {
        self.public(Method::GET, format!("/v1/device-requests/{id}"), None)
            .await
    }
}

/// Requests within a session. `by` is the session and the gateway's key that must sign the answers.
#[expect(
    clippy::missing_errors_doc,
    reason = "all fail with GatewayError as its documentation says"
)]
impl Gateway {
    async fn signed<T: DeserializeOwned>(
        &self,
        method: Method,
        path: String,
        body: Option<Vec<u8>>,
        by: (&Credential, &PublicKey),
    ) -> Result<T, GatewayError> {
        self.plain(method, path, body, Some(by)).await
    }

    /// Grants addressed to the session's institution.
    pub async fn grants(&self, by: (&Credential, &PublicKey)) -> Result<Vec<GrantOffer>, GatewayError> {
        self.signed(Method::GET, "/v1/grants".to_owned(), None, by).await
    }

    /// Records of some sections, with proofs that this read is logged.
    pub async fn records(
        &self,
        by: (&Credential, &PublicKey),
        patient: &PatientId,
        sections: &[Section],
        permission: Permission<'_>,
    ) -> Result<Records, GatewayError> {
        let list: Vec<String> = sections.iter().map(|s| s.number().to_string()).collect();
        self.call(Call {
            method: Method::GET,
            path: format!("/v1/patients/{patient}/records"),
            query: Some(format!("sections={}", list.join(","))),
            body: None,
            by: Some(by),
            permission: Some(permission),
        })
        .await
    }

    /// The patient's section keys, unverified.
    pub async fn section_keys(
        &self,
        by: (&Credential, &PublicKey),
        patient: &PatientId,
        permission: Permission<'_>,
    ) -> Result<SectionKeysAnswer, GatewayError> {
        self.call(Call {
            method: Method::GET,
            path: format!("/v1/patients/{patient}/section-keys"),
            query: None,
            body: None,
            by: Some(by),
            permission: Some(permission),
        })
        .await
    }

    /// Writes records.
    pub async fn write(
        &self,
        by: (&Credential, &PublicKey),
        patient: &PatientId,
        records: &[Record],
        permission: Permission<'_>,
    ) -> Result<WrittenReceipts, GatewayError> {
        self.call(Call {
            method: Method::POST,
            path: format!("/v1/patients/{patient}/records"),
            query: None,
            body: body(&json!({ "records": records }))?,
            by: Some(by),
            permission: Some(permission),
        })
        .await
    }

    /// Device requests that wait.
    pub async fn requests(
        &self,
        by: (&Credential, &PublicKey),
        institution: &InstitutionId,
    ) -> Result<Vec<WaitingRequest>, GatewayError> {
        self.signed(
            Method::GET,
            format!("/v1/institutions/{institution}/requests"),
            None,
            by,
        )
        .await
    }

    /// Refuses a request.
    pub async fn refuse(
        &self,
        by: (&Credential, &PublicKey),
        institution: &InstitutionId,
        request: &Digest,
        reason: &str,
    ) -> Result<(), GatewayError> {
        let path = format!("/v1/institutions/{institution}/requests/{request}/refusal");
        let _: serde_json::Value = self
            .signed(Method::POST, path, body(&json!({ "reason": reason }))?, by)
            .await?;
        Ok(())
    }

    /// Uploads a wrap.
    pub async fn put_wrap(
        &self,
        by: (&Credential, &PublicKey),
        institution: &InstitutionId,
        recipient: &KeyId,
        wrap: &WrapView,
    ) -> Result<(), GatewayError> {
        let path = format!("/v1/institutions/{institution}/wraps/{recipient}");
        let _: serde_json::Value = self.signed(Method::PUT, path, body(wrap)?, by).await?;
        Ok(())
    }

    /// The 9D keys that have a wrap of the chain's agreement key.
    pub async fn wrapped(
        &self,
        by: (&Credential, &PublicKey),
        institution: &InstitutionId,
    ) -> Result<Vec<KeyId>, GatewayError> {
        self.signed(Method::GET, format!("/v1/institutions/{institution}/wraps"), None, by)
            .await
    }

    /// Uploads an older agreement key.
    pub async fn put_older_key(
        &self,
        by: (&Credential, &PublicKey),
        institution: &InstitutionId,
        older: &OlderKey,
    ) -> Result<(), GatewayError> {
        let path = format!("/v1/institutions/{institution}/epochs/{}", older.epoch);
        let _: serde_json::Value = self.signed(Method::PUT, path, body(older)?, by).await?;
        Ok(())
    }

    /// Puts an action before the other masters, with its first signatures.
    pub async fn propose(
        &self,
        by: (&Credential, &PublicKey),
        institution: &InstitutionId,
        action: &SignedAction,
        wraps: &[WrapTo],
    ) -> Result<ProposalBecame, GatewayError> {
        let path = format!("/v1/institutions/{institution}/proposals");
        let sent = body(&json!({ "action": action, "wraps": wraps }))?;
        self.signed(Method::POST, path, sent, by).await
    }

    /// Actions that wait, and those that ended lately.
    pub async fn proposals(
        &self,
        by: (&Credential, &PublicKey),
        institution: &InstitutionId,
    ) -> Result<Vec<Proposed>, GatewayError> {
        let path = format!("/v1/institutions/{institution}/proposals");
        self.signed(Method::GET, path, None, by).await
    }

    /// Adds a signature.
    pub async fn sign_proposal(
        &self,
        by: (&Credential, &PublicKey),
        institution: &InstitutionId,
        proposal: &Digest,
        signature: &Signature,
    ) -> Result<ProposalBecame, GatewayError> {
        let path = format!("/v1/institutions/{institution}/proposals/{proposal}/signatures");
        let sent = body(&json!({ "signature": signature }))?;
        self.signed(Method::POST, path, sent, by).await
    }

    /// Withdraws a proposal.
    pub async fn withdraw_proposal(
        &self,
        by: (&Credential, &PublicKey),
        institution: &InstitutionId,
        proposal: &Digest,
        reason: &str,
    ) -> Result<(), GatewayError> {
        let path = format!("/v1/institutions/{institution}/proposals/{proposal}/withdrawal");
        let _: serde_json::Value = self
            .signed(Method::POST, path, body(&json!({ "reason": reason }))?, by)
            .await?;
        Ok(())
    }

    /// Devices of an institution.
    pub async fn devices(
        &self,
        by: (&Credential, &PublicKey),
        institution: &InstitutionId,
    ) -> Result<Vec<DeviceWithCertificate>, GatewayError> {
        self.signed(Method::GET, format!("/v1/institutions/{institution}/devices"), None, by)
            .await
    }

    /// Keeps a note on a device.
    pub async fn put_note(
        &self,
        by: (&Credential, &PublicKey),
        institution: &InstitutionId,
        device: &DeviceId,
        note: &str,
    ) -> Result<(), GatewayError> {
        let path = format!("/v1/institutions/{institution}/devices/{device}/note");
        let _: serde_json::Value = self
            .signed(Method::PUT, path, body(&json!({ "note": note }))?, by)
            .await?;
        Ok(())
    }

    /// The keys of an institution's use lines that were in use at `since` or later, oldest first.
    pub async fn inks(
        &self,
        by: (&Credential, &PublicKey),
        institution: &InstitutionId,
        since: u64,
    ) -> Result<Vec<InkView>, GatewayError> {
        let path = format!("/v1/institutions/{institution}/inks");
        self.signed_query(path, format!("since={since}"), by).await
    }

    /// A card's use lines under one key, a page from a number on.
    pub async fn uses(
        &self,
        by: (&Credential, &PublicKey),
        institution: &InstitutionId,
        ink: &[u8; TAG],
        tag: &[u8; TAG],
        from: u64,
    ) -> Result<Vec<UseLine>, GatewayError> {
        let path = format!("/v1/institutions/{institution}/uses");
        let query = format!("ink={}&tag={}&from={from}", hex::encode(ink), hex::encode(tag));
        self.signed_query(path, query, by).await
    }

    async fn signed_query<T: DeserializeOwned>(
        &self,
        path: String,
        query: String,
        by: (&Credential, &PublicKey),
    ) -> Result<T, GatewayError> {
        self.call(Call {
            method: Method::GET,
            path,
            query: Some(query),
            body: None,
            by: Some(by),
            permission: None,
        })
        .await
    }
}
