//! IT's own card: it opens the secret from which PUK and management key of every card are derived. Opened, the secret lives in
//! memory for a quarter of an hour; it survives the pull of IT's card, since there may be one reader only, but no sign-in and no lock.

use super::Workstation;
use super::enrolment::asked_for;
use super::state::ItOpen;
use crate::card::CardKeys;
use crate::clock::now;
use crate::error::DeskError;
use crate::notice::Notice;
use crate::store::{self, ItCard, ItLine, ItSecret};
use crate::view::{ItState, ItView, Task, Topic};
use std::sync::Arc;
use wardkey_hsm::pinjob::{Operation, PinJobKind, Puk};
use wardkey_hsm::prepare::derive_puk;
use wardkey_hsm::{CardError, CardInfo, Slot};

/// How long an opened secret is kept, seconds.
pub(super) const OPEN_FOR: u64 = 900;

impl Workstation {
    /// Whether there is an IT card, and whether it has opened the secret.
    ///
    /// # Errors
    /// The data folder cannot be read.
    #[expect(clippy::unused_async, reason = "every command is an async method")]
    pub async fn it_card(&self) -> Result<ItView, Notice> {
        let cards: Vec<String> = store::it_cards(&self.settings.data)?
            .into_iter()
            .map(|one| one.card)
            .collect();
        let open = self.it_open();
        let state = match &open {
            Some(_) => ItState::Open,
            None if cards.is_empty() && store::clear_secret(&self.settings.data)?.is_some() => ItState::Clear,
            None if cards.is_empty() => ItState::None,
            None => ItState::Locked,
        };
        Ok(ItView {
            state,
            cards,
            until: open.map(|open| open.until),
        })
    }

    /// What is open now.
    fn it_open(&self) -> Option<Arc<ItOpen>> {
        let mut state = self.state();
        state.it = state.it.take().filter(|open| now() < open.until);
        state.it.clone()
    }

    /// The secret, if IT's card has opened it.
    pub(super) fn it_secret(&self) -> Result<Arc<ItOpen>, Notice> {
        match self.it_open() {
            Some(open) => Ok(open),
            None if store::it_cards(&self.settings.data)?.is_empty() => Err(DeskError::ItNone.into()),
            None => Err(DeskError::ItLocked.into()),
        }
    }

    /// Forgets an opened secret: somebody signs in, the terminal is locked, or the person leaves the area where cards are prepared.
    ///
    /// # Errors
    /// Never; the signature is every command's.
    #[expect(clippy::unused_async, reason = "every command is an async method")]
    pub async fn forget_it_card(&self) -> Result<(), Notice> {
        self.forget_it();
        Ok(())
    }

    pub(super) fn forget_it(&self) {
        let open = self.state().it.take();
        if open.is_some() {
            drop(open);
            self.tell(&[Topic::Card]);
        }
    }

    /// Makes the card in the reader the first IT card: a new card is prepared with the new secret. A secret that an earlier version
    /// kept in clear is taken over, also by a card that is prepared already, and its file removed.
    ///
    /// # Errors
    /// [`DeskError::ItExists`], and everything of card and PIN.
    pub async fn found_it_card(&self) -> Result<(), Notice> {
        let info = self.card_info().await?;
        self.found_it_on(&info).await?;
        self.read_again(&info).await
    }

    /// [`Workstation::found_it_card`] with the card in this reader.
    ///
    /// # Errors
    /// As [`Workstation::found_it_card`].
    pub async fn found_it_in(&self, reader: &str, serial: &str) -> Result<(), Notice> {
        let info = self.this_card(reader, serial).await?;
        self.found_it_on(&info).await
    }

    async fn found_it_on(&self, info: &CardInfo) -> Result<(), Notice> {
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        if self.state().secrets.session.is_some() {
            return Err(DeskError::AlreadySigningIn.into());
        }
        let data = &self.settings.data;
        let serial = info.serial.clone().ok_or(CardError::NotYubiKey)?;
        let known = store::it_cards(data)?;
        if known.iter().any(|one| one.card != serial || one.proof.is_some()) {
            return Err(DeskError::ItExists.into());
        }
        if let Some(begun) = known.first() {
            // Its keys were made and the secret sealed, then the window was closed: only PIN and proof are missing.
            return self.prove_it(info, begun.clone(), None).await;
        }
        let secret = match store::clear_secret(data)? {
            Some(secret) => secret,
            None => self.state().it_new.get_or_insert(store::new_secret()?).clone(),
        };
        let keys = match CardKeys::of(info).filter(|_| !info.default_pin) {
            Some(keys) => keys,
            None => {
                let made = self.make_card(Task::PrepareIt, info, &secret, "", "").await?;
                made.keys
            }
        };
        let entry = ItCard::seal(&secret, &serial, &keys.agreement)?;
        // Before the PIN: from here on the card itself can open the secret, so a closed window loses nothing.
        store::keep_it_card(data, &entry)?;
        self.state().it_new = None;
        let info = self.read_in(&info.reader).await?;
        self.prove_it(&info, entry, Some(&secret)).await
    }

    /// Seals the open secret to one more card, which must be prepared.
    ///
    /// # Errors
    /// [`DeskError::ItLocked`], [`DeskError::NotPrepared`], and everything of card and PIN.
    pub async fn add_it_card(&self) -> Result<(), Notice> {
        let info = self.card_info().await?;
        self.add_it_on(&info).await
    }

    /// [`Workstation::add_it_card`] with the card in this reader.
    ///
    /// # Errors
    /// As [`Workstation::add_it_card`].
    pub async fn add_it_in(&self, reader: &str, serial: &str) -> Result<(), Notice> {
        let info = self.this_card(reader, serial).await?;
        self.add_it_on(&info).await
    }

    async fn add_it_on(&self, info: &CardInfo) -> Result<(), Notice> {
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        let open = self.it_secret()?;
        let keys = CardKeys::of(info)
            .filter(|_| !info.default_pin)
            .ok_or(DeskError::NotPrepared)?;
        let serial = info.serial.clone().ok_or(DeskError::NotPrepared)?;
        let entry = ItCard::seal(&open.secret, &serial, &keys.agreement)?;
        self.prove_it(info, entry, Some(&open.secret)).await
    }

    /// The card opens what was sealed to it and signs that it is IT's; only then the entry counts. One PIN.
    async fn prove_it(&self, info: &CardInfo, mut entry: ItCard, known: Option<&ItSecret>) -> Result<(), Notice> {
        let keys = CardKeys::of(info).ok_or(DeskError::NotPrepared)?;
        let mut operations = vec![Operation::Agree {
            slot: Slot::KeyManagement,
            peer: entry.peer()?,
        }];
        let sign = |secret: &ItSecret| Operation::Sign {
            slot: Slot::Authentication,
            digest: store::digest(secret),
        };
        operations.extend(known.map(sign));
        let (kind, title) = if info.default_pin {
            (PinJobKind::Choose, "Choose the PIN of IT's card")
        } else {
            (PinJobKind::Use, "IT's card")
        };
        let mut answers = self
            .ask_it(info, title, "Seal IT's secret to this card", kind, operations)
            .await?;
        let secret = entry.open(&*answers.shared()?)?;
        let proof = match known {
            Some(known) if *known != secret => return Err(DeskError::ItWrong.into()),
            Some(_) => answers.signature()?,
            None => {
                let purpose = "Finish IT's card";
                let more = vec![sign(&secret)];
                let mut answers = self.ask_it(info, "IT's card", purpose, PinJobKind::Use, more).await?;
                answers.signature()?
            }
        };
        if !store::is_proved(&secret, &keys.authentication, &proof) {
            return Err(DeskError::ItWrong.into());
        }
        entry.proof = Some(proof);
        store::keep_it_card(&self.settings.data, &entry)?;
        store::remove_clear_secret(&self.settings.data)?;
        self.open_it(secret, entry.card);
        Ok(())
    }

    /// IT's card opens the secret, for a quarter of an hour. One PIN.
    ///
    /// # Errors
    /// [`DeskError::ItOther`], [`DeskError::ItWrong`], and everything of card and PIN.
    pub async fn unlock_it_card(&self) -> Result<(), Notice> {
        let info = self.card_info().await?;
        self.unlock_it_on(&info).await
    }

    /// [`Workstation::unlock_it_card`] with the card in this reader.
    ///
    /// # Errors
    /// As [`Workstation::unlock_it_card`].
    pub async fn unlock_it_in(&self, reader: &str) -> Result<(), Notice> {
        let info = self.read_in(reader).await?;
        self.unlock_it_on(&info).await
    }

    async fn unlock_it_on(&self, info: &CardInfo) -> Result<(), Notice> {
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        if self.state().secrets.session.is_some() {
            return Err(DeskError::AlreadySigningIn.into());
        }
        let cards = store::it_cards(&self.settings.data)?;
        if cards.is_empty() {
            return Err(DeskError::ItNone.into());
        }
        let keys = CardKeys::of(info).ok_or(DeskError::ItOther)?;
        let entry = cards.into_iter().find(|one| one.key == keys.agreement);
        let entry = entry.ok_or(DeskError::ItOther)?;
        let proof = entry.proof.ok_or(DeskError::ItUnfinished)?;
        let operations = vec![Operation::Agree {
            slot: Slot::KeyManagement,
            peer: entry.peer()?,
        }];
        let purpose = "Unlock IT's secret for a quarter of an hour";
        let mut answers = self
            .ask_it(info, "IT's card", purpose, PinJobKind::Use, operations)
            .await?;
        let secret = entry.open(&*answers.shared()?)?;
        if !store::is_proved(&secret, &keys.authentication, &proof) {
            return Err(DeskError::ItWrong.into());
        }
        if store::clear_secret(&self.settings.data)?.is_some_and(|clear| clear == secret) {
            store::remove_clear_secret(&self.settings.data)?;
        }
        self.open_it(secret, entry.card);
        Ok(())
    }

    fn open_it(&self, secret: ItSecret, card: String) {
        let until = now() + OPEN_FOR;
        self.state().it = Some(Arc::new(ItOpen { secret, card, until }));
        self.tell(&[Topic::Card]);
    }

    async fn ask_it(
        &self,
        info: &CardInfo,
        title: &str,
        purpose: &str,
        kind: PinJobKind,
        operations: Vec<Operation>,
    ) -> Result<crate::card::Answers, Notice> {
        let asker = self.state().home_name.clone();
        let mut job = asked_for(info, &asker, title, purpose, operations);
        job.kind = kind;
        self.card.ask_pin(job).await
    }

    /// The holder of the card in the reader chooses a new PIN: its PUK is derived from the open secret. Logged on this terminal.
    ///
    /// # Errors
    /// [`DeskError::ItLocked`], [`CardError::PukBlocked`], [`CardError::WrongPuk`], and everything of card and PIN window.
    pub async fn unblock_card(&self) -> Result<(), Notice> {
        let info = self.card_info().await?;
        self.unblock_on(&info).await?;
        self.read_again(&info).await
    }

    /// [`Workstation::unblock_card`] with the card in this reader.
    ///
    /// # Errors
    /// As [`Workstation::unblock_card`].
    pub async fn unblock_in(&self, reader: &str, serial: &str) -> Result<(), Notice> {
        let info = self.this_card(reader, serial).await?;
        self.unblock_on(&info).await
    }

    async fn unblock_on(&self, info: &CardInfo) -> Result<(), Notice> {
        let _one = self.pin_window.try_lock().map_err(|_| DeskError::AlreadySigningIn)?;
        let open = self.it_secret()?;
        let serial = info.serial.clone().ok_or(DeskError::NotPrepared)?;
        let asker = self.state().home_name.clone();
        let purpose = "Choose a new PIN; nobody else may know it";
        let mut choose = asked_for(info, &asker, "Unblock the card", purpose, vec![]);
        choose.kind = PinJobKind::Choose;
        choose.puk = Some(Puk(derive_puk(&open.secret, &serial).to_string()));
        self.card.ask_pin(choose).await?;
        self.log_it("unblocked", &serial, &open)
    }

    /// Writes down what was done with the secret.
    pub(super) fn log_it(&self, what: &str, card: &str, open: &ItOpen) -> Result<(), Notice> {
        let line = ItLine {
            time: now(),
            what: what.to_owned(),
            card: card.to_owned(),
            it_card: open.card.clone(),
        };
        Ok(store::log_it(&self.settings.data, &line)?)
    }

    async fn read_in(&self, reader: &str) -> Result<CardInfo, Notice> {
        let reader = reader.to_owned();
        Ok(self.blocking(move |this| this.card.info(&reader)).await??)
    }

    async fn read_again(&self, info: &CardInfo) -> Result<(), Notice> {
        let reader = info.reader.clone();
        self.blocking(move |this| this.read_card(&reader)).await??;
        Ok(())
    }
}
