//! Unblocking a PIN from afar (protocol §7): the terminal's half, where the holder waits, and IT's half.

use super::Workstation;
use super::sign_in::job;
use crate::card::CardKeys;
use crate::clock::now;
use crate::error::DeskError;
use crate::notice::{Notice, Tone};
use crate::view::{Topic, UnblockAsked, UnblockFound};
use crate::words::{start, words};
use std::sync::{Arc, Weak};
use std::time::Duration;
use wardkey_client::{GatewayError, Network, UnblockShown};
use wardkey_core::hpke::{Sealed, open, seal};
use wardkey_core::id::Digest;
use wardkey_core::key::SoftKey;
use wardkey_core::unblock::{UNBLOCK_LIFE, UnblockRequest, unblock_context};
use wardkey_hsm::CardInfo;
use wardkey_hsm::pinjob::{PinJobKind, Puk};
use wardkey_hsm::prepare::derive_puk;
use zeroize::Zeroizing;

const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A request of this terminal that waits.
#[derive(Clone)]
pub(super) struct Asked {
    request: UnblockRequest,
    key: Arc<SoftKey>,
    card: CardInfo,
    until: u64,
}

impl Asked {
    pub fn view(&self) -> UnblockAsked {
        UnblockAsked {
            card: self.request.card.clone(),
            words: words(&self.request.digest()),
            until: self.until,
        }
    }
}

impl Workstation {
    /// Asks IT to unblock the card in the reader. The words are in the snapshot; what IT answers opens the PIN window by itself.
    /// Pulling the card ends it.
    ///
    /// # Errors
    /// Somebody is signed in, the card is not prepared, the terminal has no institution, and the gateway's refusals.
    pub async fn ask_unblock(&self) -> Result<(), Notice> {
        if self.state().secrets.session.is_some() {
            return Err(DeskError::AlreadySigningIn.into());
        }
        let card = self.card_info().await?;
        let keys = CardKeys::of(&card).ok_or(DeskError::NotPrepared)?;
        let serial = card.serial.clone().ok_or(DeskError::NotPrepared)?;
        let home = self.home().await?;
        let generation = self.state().machine.generation();
        let key = SoftKey::generate()?;
        let request = UnblockRequest {
            institution: home.id,
            device: keys.authentication.id().into(),
            card: serial,
            terminal: self.settings.terminal.clone(),
            key: key.public(),
            time: now(),
        };
        self.gateway.ask_unblock(&request).await?;
        let until = now() + UNBLOCK_LIFE;
        let asked = Asked {
            request,
            key: Arc::new(key),
            card,
            until,
        };
        self.keep(generation, |state| state.secrets.unblock = Some(asked.clone()))?;
        self.tell(&[Topic::Snapshot]);
        tokio::spawn(follow(self.me.clone(), asked));
        Ok(())
    }

    /// Gives the request up.
    ///
    /// # Errors
    /// Never; the signature is every command's.
    #[expect(clippy::unused_async, reason = "every command is an async method")]
    pub async fn cancel_unblock(&self) -> Result<(), Notice> {
        let given_up = self.state().secrets.unblock.take();
        drop(given_up);
        self.tell(&[Topic::Snapshot]);
        Ok(())
    }

    /// True while this very request is the terminal's.
    fn still_asks(&self, asked: &Asked) -> bool {
        let state = self.state();
        let current = state.secrets.unblock.as_ref();
        now() < asked.until && current.is_some_and(|current| current.request == asked.request)
    }

    async fn answered(&self, asked: &Asked, sealed: &Sealed) -> Result<(), Notice> {
        let network = self.network().await?;
        let puk = open_puk(&network, asked, sealed)?;
        let _one = self.pin_window.lock().await;
        if !self.still_asks(asked) {
            return Err(DeskError::CardRemoved.into());
        }
        let asker = self.state().home_name.clone();
        let purpose = "IT has unblocked your card: choose a new PIN; nobody else may know it";
        let mut choose = job(&asked.card, &asker, "Choose a new PIN", purpose, vec![]);
        choose.kind = PinJobKind::Choose;
        choose.puk = Some(puk);
        self.card.ask_pin(choose).await?;
        Ok(())
    }

    /// The request that the holder's six words name, for IT: whose card it is, by the institution's own approval.
    ///
    /// # Errors
    /// [`DeskError::UnblockWords`], [`DeskError::UnblockElsewhere`], the gateway's refusals, and an approval that does not hold.
    pub async fn find_unblock(&self, text: &str) -> Result<UnblockFound, Notice> {
        let from = start(text).ok_or(DeskError::UnblockWords)?;
        let UnblockShown { request, .. } = self.gateway.unblock_named(&from).await?;
        let digest = request.digest();
        let spoken: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        let (network, home) = (self.network().await?, self.home().await?);
        if words(&digest) != spoken {
            return Err(DeskError::UnblockWords.into());
        }
        if request.institution != home.id {
            return Err(DeskError::UnblockElsewhere.into());
        }
        let device = self.gateway.device(&request.device).await?;
        device.prove(&network.domain, &home.history)?;
        let certificate = self.gateway.certificate(&request.device).await?;
        if certificate.digest() != device.certificate || certificate.card != request.card {
            return Err(DeskError::UnblockElsewhere.into());
        }
        Ok(UnblockFound {
            request: digest.to_string(),
            holder: certificate.holder,
            role: certificate.role,
            card: request.card,
            terminal: request.terminal,
            time: request.time,
        })
    }

    /// Answers a request: the card's PUK, sealed to the terminal that asked. The holder then chooses a new PIN there.
    ///
    /// # Errors
    /// IT's secret cannot be used, and the gateway's refusals.
    pub async fn answer_unblock(&self, request: &str) -> Result<(), Notice> {
        let id: Digest = request.parse().map_err(|_| DeskError::UnblockWords)?;
        let asked = self.gateway.unblock(&id).await?.request;
        if asked.digest() != id {
            return Err(DeskError::UnblockElsewhere.into());
        }
        let network = self.network().await?;
        let open = self.it_secret()?;
        let puk = derive_puk(&open.secret, &asked.card);
        let sealed = seal(&asked.key, &unblock_context(&network.domain, &id), puk.as_bytes())?;
        // Written down first: what leaves this terminal is never unwritten.
        self.log_it("unblocked-from-afar", &asked.card, &open)?;
        self.gateway.answer_unblock(&id, &sealed).await?;
        tracing::info!(
            card = asked.card,
            terminal = asked.terminal,
            "a PIN was unblocked from afar"
        );
        Ok(())
    }
}

fn open_puk(network: &Network, asked: &Asked, sealed: &Sealed) -> Result<Puk, Notice> {
    let id = asked.request.digest();
    let plain: Zeroizing<Vec<u8>> = open(&asked.key, &unblock_context(&network.domain, &id), sealed)?;
    let text = std::str::from_utf8(&plain).map_err(|_| DeskError::UnblockAnswer)?;
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(Puk(text.to_owned()))
    } else {
        Err(DeskError::UnblockAnswer.into())
    }
}

/// Looks for the answer for as long as this very request waits.
async fn follow(workstation: Weak<Workstation>, asked: Asked) {
    let id = asked.request.digest();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(this) = workstation.upgrade() else { return };
        if !this.still_asks(&asked) {
            // Out of time: the words must not stay on the screen.
            this.give_up(&asked, None);
            return;
        }
        let sealed = match this.gateway.unblock(&id).await {
            Ok(shown) => shown.answer,
            Err(GatewayError::Offline) => None,
            Err(error) => {
                this.give_up(&asked, Some(error.into()));
                return;
            }
        };
        let Some(sealed) = sealed else { continue };
        let outcome = this.answered(&asked, &sealed).await;
        this.give_up(&asked, Some(outcome.err().unwrap_or_else(unblocked)));
        return;
    }
}

fn unblocked() -> Notice {
    Notice::new(
        Tone::Info,
        "pin-unblocked",
        "The card has a new PIN.",
        "Sign in with it.",
    )
}

impl Workstation {
    /// Ends a request of this terminal, and reads the card again.
    fn give_up(&self, asked: &Asked, notice: Option<Notice>) {
        {
            let mut state = self.state();
            let same = |current: &mut Asked| current.request == asked.request;
            if state.secrets.unblock.take_if(same).is_none() {
                return;
            }
        }
        let (me, reader) = (self.me.clone(), asked.card.reader.clone());
        std::thread::spawn(move || {
            let Some(this) = me.upgrade() else { return };
            // A card that cannot be read says so by itself when it is used.
            let _ = this.read_card(&reader);
            if notice.is_some() {
                this.note(notice);
            }
            this.tell(&[Topic::Snapshot, Topic::Card]);
        });
    }
}
