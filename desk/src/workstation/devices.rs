//! The institution's cards: which there are, when each was used last, revoking one.

use super::Workstation;
use super::master::DEADLINE;
use crate::clock::now;
use crate::error::DeskError;
use crate::notice::Notice;
use crate::view::{DeviceRow, DeviceStatus, Topic};
use wardkey_client::DeviceWithCertificate;
use wardkey_core::action::SignedAction;
use wardkey_core::id::DeviceId;
use wardkey_core::typed::structs::RevokeDevice;
use wardkey_hsm::Slot;
use wardkey_hsm::pinjob::Operation;

/// Longest reason of a revocation, bytes.
const LONGEST: usize = 200;

fn row(d: DeviceWithCertificate) -> DeviceRow {
    let (holder, role, card, firmware) = d
        .certificate
        .map(|c| (c.holder, c.role, c.card, c.firmware))
        .unwrap_or_default();
    DeviceRow {
        device: d.id.to_string(),
        holder,
        role,
        card,
        firmware,
        rights: d.rights,
        not_after: d.not_after,
        status: match d.status.as_str() {
            "active" => DeviceStatus::Active,
            "expired" => DeviceStatus::Expired,
            "suspended" => DeviceStatus::Suspended,
            _ => DeviceStatus::Revoked,
        },
        last_use: d.last_use,
        note: d.note.unwrap_or_default(),
    }
}

impl Workstation {
    /// Every device of the institution.
    ///
    /// # Errors
    /// [`DeskError::MasterRequired`], or the gateway's refusal.
    pub async fn devices(&self) -> Result<Vec<DeviceRow>, Notice> {
        let master = self.master()?;
        let devices = self
            .gateway
            .devices(master.by(), &master.facts.id)
            .await
            .map_err(|e| self.heed_master(e))?;
        Ok(devices.into_iter().map(row).collect())
    }

    /// Revokes a device, for good. The reason is kept beside it for the institution.
    ///
    /// # Errors
    /// [`DeskError::MasterRequired`], and everything of card, PIN and network.
    pub async fn revoke_device(&self, device: &str, reason: &str) -> Result<(), Notice> {
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        let device: DeviceId = device.parse().map_err(|_| DeskError::RequestUnknown)?;
        let (master, facts) = self.fresh_master().await?;
        let key = self.master_key_of(&facts).await?;
        let (keys, network) = (key.keys, &key.network);
        let action = RevokeDevice {
            institution: facts.id.0.into(),
            device: device.0.into(),
            deadline: now() + DEADLINE,
        };
        let operations = vec![Operation::Sign {
            slot: Slot::Signature,
            digest: network.domain.digest(&action),
        }];
        let holder = self
            .gateway
            .certificate(&device)
            .await
            .map_or_else(|_| device.to_string(), |c| c.holder);
        let purpose = format!("Revoke the card of {holder}, for good");
        let signature = self
            .card
            .ask_pin(key.job(&facts.name, "Revoke card", &purpose, operations))
            .await?
            .signature()?;
        let signed = SignedAction::one(action, signature);
        signed.action.verify(&network.domain, &keys.signature, &signature)?;
        self.gateway.act(&signed).await?;
        self.tell(&[Topic::Devices]);
        let mut reason = reason.trim().to_owned();
        reason.truncate(reason.floor_char_boundary(LONGEST));
        // The card is stopped already; a note that does not arrive must not say otherwise.
        if let Err(error) = self.gateway.put_note(master.by(), &facts.id, &device, &reason).await {
            tracing::warn!(%error, "the reason of a revocation was not kept");
        }
        Ok(())
    }
}
