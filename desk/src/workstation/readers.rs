//! Cards of a named reader, for the command line: several readers are used side by side, which the window never does.

use super::Workstation;
use super::enrolment::named;
use super::state::PreparedCard;
use crate::card::CardKeys;
use crate::error::DeskError;
use crate::notice::Notice;
use crate::view::{DeviceRequested, Task};
use wardkey_hsm::{CardError, CardInfo};

/// A card whose keys are made and whose holder has chosen a PIN, on its way to its request.
pub struct Enrolling(PreparedCard);

impl Enrolling {
    /// The card's serial number.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.0.serial
    }
}

impl Workstation {
    /// [`Workstation::prepare_card`] for the card in this reader. Keys are made in several readers at the same time; the PIN windows
    /// come one after the other.
    ///
    /// # Errors
    /// As [`Workstation::prepare_card`]; [`CardError::WrongCard`] if another card is in than the one with this serial number.
    pub async fn prepare_in(&self, reader: &str, serial: &str, holder: &str, role: &str) -> Result<Enrolling, Notice> {
        let (holder, role) = named(holder, role)?;
        let info = self.this_card(reader, serial).await?;
        let open = self.it_secret()?;
        let prepared = self
            .make_card(Task::PrepareCard, &info, &open.secret, holder, role)
            .await?;
        let _one = self.pin_window.lock().await;
        self.first_pin(&info, holder).await?;
        Ok(Enrolling(prepared))
    }

    /// [`Workstation::prepare_master`] for the card in this reader.
    ///
    /// # Errors
    /// As [`Workstation::prepare_in`].
    pub async fn prepare_master_in(&self, reader: &str, serial: &str) -> Result<(), Notice> {
        let info = self.this_card(reader, serial).await?;
        let open = self.it_secret()?;
        self.make_card(Task::PrepareMaster, &info, &open.secret, "", "").await?;
        let _one = self.pin_window.lock().await;
        self.first_pin(&info, "").await
    }

    /// A card that was prepared before, here or elsewhere: its evidence is read from it.
    ///
    /// # Errors
    /// [`DeskError::NoHolder`], [`DeskError::NotPrepared`], and the card's.
    pub async fn enrolling(&self, reader: &str, serial: &str, holder: &str, role: &str) -> Result<Enrolling, Notice> {
        let (holder, role) = named(holder, role)?;
        let info = self.this_card(reader, serial).await?;
        let keys = CardKeys::of(&info).ok_or(DeskError::NotPrepared)?;
        if info.default_pin {
            return Err(CardError::PinDefault.into());
        }
        let reader = reader.to_owned();
        let evidence = self.blocking(move |this| this.card.evidence(&reader)).await??;
        Ok(Enrolling(PreparedCard {
            serial: serial.to_owned(),
            holder: holder.to_owned(),
            role: role.to_owned(),
            evidence,
            keys,
        }))
    }

    /// [`Workstation::request_device`] for the card in this reader.
    ///
    /// # Errors
    /// As [`Workstation::request_device`].
    pub async fn request_in(&self, reader: &str, card: &Enrolling) -> Result<DeviceRequested, Notice> {
        let info = self.this_card(reader, &card.0.serial).await?;
        if CardKeys::of(&info) != Some(card.0.keys) {
            return Err(DeskError::NotPrepared.into());
        }
        let _one = self.pin_window.lock().await;
        self.request_for(&info, &card.0).await
    }

    /// Reads the card in a reader, which must be the one that is meant.
    pub(super) async fn this_card(&self, reader: &str, serial: &str) -> Result<CardInfo, Notice> {
        let reader = reader.to_owned();
        let info = self.blocking(move |this| this.card.info(&reader)).await??;
        let found = info.serial.clone().ok_or(CardError::NotYubiKey)?;
        if found == serial {
            Ok(info)
        } else {
            Err(CardError::WrongCard {
                expected: serial.to_owned(),
                found,
            }
            .into())
        }
    }
}
