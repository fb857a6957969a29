//! The module's answers in our words.

use crate::CardError;
use crate::store::StoreFault;
use cryptoki::error::{Error, RvError};

/// Why a step in a session failed.
pub(super) enum Failure {
    /// The session, its login or the module's state is gone: a step that changes nothing may be repeated after a new login.
    Dropped(Error),
    /// Anything else.
    Final(CardError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        use RvError as R;
        match error {
            Error::Pkcs11(
                R::SessionHandleInvalid
                | R::SessionClosed
                | R::UserNotLoggedIn
                | R::CryptokiNotInitialized
                | R::DeviceRemoved
                | R::TokenNotPresent
                | R::KeyHandleInvalid
                | R::ObjectHandleInvalid,
                _,
            ) => Self::Dropped(error),
            other => Self::Final(failed(&other)),
        }
    }
}

impl From<CardError> for Failure {
    fn from(error: CardError) -> Self {
        Self::Final(error)
    }
}

impl From<StoreFault> for Failure {
    fn from(fault: StoreFault) -> Self {
        Self::Final(fault.into())
    }
}

impl Failure {
    /// When it is not, or must not be, repeated.
    pub(super) fn into_error(self) -> CardError {
        match self {
            Self::Dropped(error) => failed(&error),
            Self::Final(error) => error,
        }
    }
}

/// An answer that is the same whichever step it is to. What it names is a function and a return value, never data.
pub(super) fn failed(error: &Error) -> CardError {
    use RvError as R;
    let Error::Pkcs11(value, function) = error else {
        return StoreFault::ModuleFailed {
            step: "a call".to_owned(),
            detail: error.to_string(),
        }
        .into();
    };
    CardError::from(match value {
        R::DeviceRemoved | R::TokenNotPresent | R::TokenNotRecognized => StoreFault::TokenMissing {
            wanted: "the key's URI any more".to_owned(),
        },
        R::SessionCount => StoreFault::Busy {
            detail: "it has no more sessions",
        },
        R::UserAnotherAlreadyLoggedIn | R::SessionReadWriteSoExists => StoreFault::Busy {
            detail: "its security officer is logged in",
        },
        R::PinLocked => StoreFault::PinLocked,
        value => StoreFault::ModuleFailed {
            step: format!("C_{function:?}"),
            detail: format!("{value:?}"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoki::context::Function;

    fn after(value: RvError) -> CardError {
        failed(&Error::Pkcs11(value, Function::Login))
    }

    #[test]
    fn answers_are_told_apart() {
        assert_eq!(after(RvError::PinLocked), CardError::Store(StoreFault::PinLocked));
        for value in [RvError::TokenNotPresent, RvError::DeviceRemoved] {
            assert!(matches!(
                after(value),
                CardError::Store(StoreFault::TokenMissing { .. })
            ));
        }
        for value in [RvError::SessionCount, RvError::UserAnotherAlreadyLoggedIn] {
            assert!(matches!(after(value), CardError::Store(StoreFault::Busy { .. })));
        }
        assert_eq!(
            after(RvError::FunctionFailed).to_string(),
            "the HSM answered C_Login with FunctionFailed"
        );
    }
}
