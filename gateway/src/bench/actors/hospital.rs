//! Institutions.

use super::card::Card;
use super::{Session, must};
use crate::bench::stage::{Reply, Stage};
use crate::operator::Order;
use wardkey_core::action::{Action, Proof, SignedAction};
use wardkey_core::delegation::PrincipalKind;
use wardkey_core::device::DeviceRequest;
use wardkey_core::id::{InstitutionId, KeyId};
use wardkey_core::key::SoftKey;
use wardkey_core::typed::structs;

/// A year, seconds.
const YEAR: u64 = 365 * 24 * 3600;

/// An institution.
#[derive(Debug)]
pub struct Hospital {
    /// Master key.
    pub master: SoftKey,
    /// The agreement key of the card that holds the master key.
    pub wrap: SoftKey,
    /// Agreement key of epoch 1.
    pub agreement: SoftKey,
    /// Id.
    pub id: InstitutionId,
}

impl Hospital {
    /// Registers, not yet accredited.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn register(stage: &Stage, name: &str) -> anyhow::Result<Self> {
        let (master, wrap, agreement) = (SoftKey::generate()?, SoftKey::generate()?, SoftKey::generate()?);
        let (m, w, a) = (master.public(), wrap.public(), agreement.public());
        let action = structs::RegisterInstitution {
            institution: m.id().0.into(),
            name: name.to_owned(),
            country: "CH".to_owned(),
            masterX: m.x().into(),
            masterY: m.y().into(),
            wrapX: w.x().into(),
            wrapY: w.y().into(),
            agreementX: a.x().into(),
            agreementY: a.y().into(),
            deadline: stage.deadline(),
        };
        must(&stage.act(&master, action).await?)?;
        Ok(Self {
            id: m.id().into(),
            master,
            wrap,
            agreement,
        })
    }

    /// Registers and is accredited.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn open(stage: &Stage, name: &str) -> anyhow::Result<Self> {
        let hospital = Self::register(stage, name).await?;
        hospital
            .order(
                stage,
                Order::Accredit {
                    institution: hospital.id,
                },
            )
            .await?;
        Ok(hospital)
    }

    /// Has the operator act.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn order(&self, stage: &Stage, order: Order) -> anyhow::Result<()> {
        let done = stage.gateway.blocking(move |gateway| gateway.obey(order)).await;
        done.map(|_| ()).map_err(|problem| problem.fault.into())
    }

    /// Prepares a card, requests its approval and approves it; `rights` as on chain.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn card(&self, stage: &Stage, holder: &str, rights: u8) -> anyhow::Result<Card> {
        let card = Card::new(self.id, holder)?;
        let request = card.request(stage).await?;
        must(&self.approve(stage, &request, rights).await?)?;
        Ok(card)
    }

    /// Approves a request for a year.
    ///
    /// # Errors
    /// The answer is broken.
    pub async fn approve(&self, stage: &Stage, request: &DeviceRequest, rights: u8) -> anyhow::Result<Reply> {
        let action: Action = self.approval(stage, request, rights).await?.into();
        let signature = self.master.sign(&action.preimage(stage.domain()))?;
        let message = DeviceRequest::typed(&request.certificate, &request.challenge, request.deadline);
        let proof = Some(Proof {
            message,
            signature: request.signature,
        });
        stage
            .submit(&SignedAction {
                proof,
                ..SignedAction::one(action, signature)
            })
            .await
    }

    /// The approval of a request for a year, for the institution's newest master keys.
    ///
    /// # Errors
    /// The chain cannot be read.
    pub async fn approval(
        &self,
        stage: &Stage,
        request: &DeviceRequest,
        rights: u8,
    ) -> anyhow::Result<structs::ApproveDevice> {
        let (id, device) = (self.id, request.certificate.device);
        let known = stage.gateway.blocking(move |g| {
            let masters = g.ledger.chain().institution(&id)?.map_or(0, |i| i.masters_version);
            let nonce = g.ledger.chain().device(&device.id().into())?.map_or(0, |d| d.nonce);
            Ok((masters, nonce))
        });
        let (masters, nonce) = known.await.map_err(|problem| problem.fault)?;
        Ok(structs::ApproveDevice {
            institution: self.id.0.into(),
            deviceX: device.x().into(),
            deviceY: device.y().into(),
            rights,
            notAfter: stage.gateway.clock.now() + YEAR,
            certificate: request.certificate.digest().0.into(),
            masters,
            nonce,
            deadline: stage.deadline(),
        })
    }

    /// Revokes a card.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn revoke(&self, stage: &Stage, card: &Card) -> anyhow::Result<()> {
        let device = card.device.public().id().0.into();
        let action = structs::RevokeDevice {
            institution: self.id.0.into(),
            device,
            deadline: stage.deadline(),
        };
        must(&stage.act(&self.master, action).await?)
    }

    /// Opens a session with the master key.
    ///
    /// # Errors
    /// The gateway refuses.
    pub async fn sign_in(&self, stage: &Stage) -> anyhow::Result<Session> {
        stage
            .delegate(&self.master, PrincipalKind::Master, KeyId(self.id.0))
            .await
    }
}
