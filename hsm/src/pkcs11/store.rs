//! A token as a [`KeyStore`].

use super::capabilities::probe;
use super::error::{Failure, failed};
use super::module::{self, Module};
use super::objects::Wanted;
use super::token;
use super::verified::Verified;
use crate::store::{Capabilities, KeyStore, StoreFault, StoreInfo, StoreKind, Work};
use crate::uri::Pkcs11Uri;
use crate::{CardError, Pin, Slot, SlotInfo};
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::types::RawAuthPin;

/// The keys that a URI names. Nothing is held open between two uses.
pub struct Pkcs11Store {
    pub(super) uri: Pkcs11Uri,
    pub(super) module: Module,
}

/// An open session in which the user is logged in.
pub(super) struct Live {
    pub(super) session: Session,
    pub(super) slot: cryptoki::slot::Slot,
    pub(super) token: String,
}

/// What a session is opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

impl Pkcs11Store {
    /// Loads the module, once in this process. The token is looked for when something is asked.
    ///
    /// # Errors
    /// [`StoreFault::ModuleUnset`], [`StoreFault::ModuleMissing`].
    pub fn open(uri: &Pkcs11Uri) -> Result<Self, CardError> {
        let path = uri.module_path.as_ref().ok_or(StoreFault::ModuleUnset)?;
        Ok(Self {
            uri: uri.clone(),
            module: Module::load(path)?,
        })
    }

    /// Logs in with the PIN. The session ends with the job, never by being dropped: after a restart of the module its number may
    /// be another's.
    pub(super) fn login(&self, pin: &Pin) -> Result<Live, CardError> {
        self.login_for(pin, Access::Read)
    }

    fn login_for(&self, pin: &Pin, access: Access) -> Result<Live, CardError> {
        let (slot, token) = token::find(&self.module, &self.uri)?;
        if !token.user_pin_initialized() {
            let token = token.label().to_owned();
            return Err(StoreFault::TokenNotReady { token }.into());
        }
        let session = self.module.ask(|context| match access {
            Access::Read => context.open_ro_session_no_drop(slot),
            Access::Write => context.open_rw_session_no_drop(slot),
        })?;
        let live = Live {
            session,
            slot,
            token: token.label().to_owned(),
        };
        match self.enter(&live, pin) {
            Ok(()) => Ok(live),
            Err(error) => {
                let _ = live.session.close();
                Err(error)
            }
        }
    }

    fn enter(&self, live: &Live, pin: &Pin) -> Result<(), CardError> {
        let typed = RawAuthPin::new(Box::new(pin.typed().to_vec()));
        let login = || live.session.login_with_raw(UserType::User, &typed);
        let outcome = match login() {
            // Somebody's login in this process is no evidence that this PIN is right.
            Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => live.session.logout().and_then(|()| login()),
            outcome => outcome,
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _)) => {
                Err(self.refused(live.slot))
            }
            Err(error) => Err(failed(&error)),
        }
    }

    /// After a wrong PIN the token's flags say how near the end is.
    fn refused(&self, slot: cryptoki::slot::Slot) -> CardError {
        match self.module.ask(|context| context.get_token_info(slot)) {
            Ok(token) => token::refused(
                token.user_pin_locked(),
                token.user_pin_final_try(),
                token.user_pin_count_low(),
            ),
            Err(error) => error,
        }
    }

    fn keys(&self) -> Result<Vec<SlotInfo>, CardError> {
        let (place, token) = token::find(&self.module, &self.uri)?;
        let session = self.module.ask(|context| context.open_ro_session(place))?;
        let key = |slot| match Wanted::new(&self.uri, token.label(), slot) {
            None => Ok(None),
            Some(wanted) => match wanted.public(&session) {
                Err(Failure::Final(CardError::Store(StoreFault::KeyUnusable { .. }))) => Ok(None),
                found => found.map_err(Failure::into_error),
            },
        };
        Slot::ALL
            .into_iter()
            .map(|slot| key(slot).map(|public_key| SlotInfo { slot, public_key }))
            .collect()
    }
}

impl KeyStore for Pkcs11Store {
    fn kind(&self) -> StoreKind {
        StoreKind::Pkcs11
    }

    fn capabilities(&mut self) -> Result<Capabilities, CardError> {
        let _turn = module::turn();
        probe(&self.module, &self.uri)
    }

    fn info(&mut self) -> Result<StoreInfo, CardError> {
        let _turn = module::turn();
        let (_, found) = token::find(&self.module, &self.uri)?;
        let serial = found.serial_number().trim();
        Ok(StoreInfo {
            made: true,
            serial: (!serial.is_empty()).then(|| serial.to_owned()),
            tries_left: token::tries_left(found.user_pin_locked(), found.user_pin_final_try()),
            default_pin: false,
            keys: self.keys()?,
            capabilities: probe(&self.module, &self.uri)?,
        })
    }

    fn with_pin(&mut self, pin: &Pin, work: Work<'_>) -> Result<(), CardError> {
        let _turn = module::turn();
        let mut verified = Verified::new(self, pin)?;
        let outcome = work(&mut verified);
        verified.end();
        outcome
    }

    fn change_pin(&mut self, old: &Pin, new: &Pin) -> Result<(), CardError> {
        new.must_be_choosable()?;
        let _turn = module::turn();
        let live = self.login_for(old, Access::Write)?;
        let auth = |pin: &Pin| {
            String::from_utf8(pin.typed().to_vec())
                .map(cryptoki::types::AuthPin::from)
                .map_err(|_| CardError::PinMalformed)
        };
        let outcome = auth(old).and_then(|old| Ok((old, auth(new)?))).and_then(|(old, new)| {
            match live.session.set_pin(&old, &new) {
                Err(Error::Pkcs11(RvError::PinInvalid | RvError::PinLenRange | RvError::PinTooWeak, _)) => {
                    Err(CardError::PinTooSimple)
                }
                outcome => outcome.map_err(|error| failed(&error)),
            }
        });
        let _ = live.session.logout();
        let _ = live.session.close();
        outcome
    }
}
