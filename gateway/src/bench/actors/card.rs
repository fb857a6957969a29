//! Cards.

use super::{Session, must};
use crate::bench::stage::{Ask, Stage};
use serde_json::{Value, json};
use wardkey_core::delegation::PrincipalKind;
use wardkey_core::device::{Attestation, DeviceCertificate, DeviceRequest};
use wardkey_core::id::{Digest, InstitutionId};
use wardkey_core::key::SoftKey;

/// A card.
#[derive(Debug)]
pub struct Card {
    /// 9A.
    pub device: SoftKey,
    /// 9C.
    pub signature: SoftKey,
    /// 9D.
    pub agreement: SoftKey,
    /// Its certificate.
    pub certificate: DeviceCertificate,
}

impl Card {
    /// A card with new keys and no attestation.
    ///
    /// # Errors
    /// No randomness.
    pub fn new(institution: InstitutionId, holder: &str) -> anyhow::Result<Self> {
        let (device, signature, agreement) = (SoftKey::generate()?, SoftKey::generate()?, SoftKey::generate()?);
        let certificate = DeviceCertificate {
            institution,
            holder: holder.to_owned(),
            role: "Doctor".to_owned(),
            card: "1".to_owned(),
            firmware: "5.7.1".to_owned(),
            device: device.public(),
            signature: signature.public(),
            agreement: agreement.public(),
            evidence: Attestation::default().digest(),
        };
        Ok(Self {
            device,
            signature,
            agreement,
            certificate,
        })
    }

    /// Requests approval.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn request(&self, stage: &Stage) -> anyhow::Result<DeviceRequest> {
        let reply = stage.ask(Ask::post("/v1/challenges", &json!({}))).await?;
        must(&reply)?;
        let challenge: Digest = serde_json::from_value(reply.json::<Value>()?["challenge"].clone())?;
        let request = self.answer(stage, challenge)?;
        must(
            &stage
                .ask(Ask::post("/v1/device-requests", &serde_json::to_value(&request)?))
                .await?,
        )?;
        Ok(request)
    }

    /// Answers a challenge.
    ///
    /// # Errors
    /// Signing fails.
    pub fn answer(&self, stage: &Stage, challenge: Digest) -> anyhow::Result<DeviceRequest> {
        let deadline = stage.gateway.clock.now() + 7 * 24 * 3600;
        let typed = DeviceRequest::typed(&self.certificate, &challenge, deadline);
        Ok(DeviceRequest {
            certificate: self.certificate.clone(),
            challenge,
            deadline,
            signature: stage.domain().sign(&self.device, &typed)?,
            attestation: Attestation::default(),
        })
    }

    /// Opens a session.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn sign_in(&self, stage: &Stage) -> anyhow::Result<Session> {
        stage
            .delegate(&self.device, PrincipalKind::Device, self.device.public().id())
            .await
    }
}
