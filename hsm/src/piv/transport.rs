//! PC/SC underneath: its errors in our words, and a transaction as a [`Channel`].

use super::apdu::Channel;
use crate::{CardError, holder};
use std::ffi::CString;
use zeroize::Zeroizing;

/// A failure outside a running operation.
pub(crate) fn error(from: pcsc::Error) -> CardError {
    use pcsc::Error as E;
    match from {
        E::NoService | E::ServiceStopped | E::InvalidHandle | E::CommError => CardError::ServiceDown,
        E::NoReadersAvailable | E::UnknownReader | E::ReaderUnavailable => CardError::NoReader,
        E::NoSmartcard => CardError::NoCard,
        E::RemovedCard => CardError::Pulled,
        E::SharingViolation => CardError::Busy { by: holder::programs() },
        E::UnresponsiveCard | E::UnpoweredCard | E::UnsupportedCard | E::ProtoMismatch => CardError::Unresponsive,
        E::SecurityViolation => CardError::ServiceDenied,
        other => CardError::Service {
            detail: other.to_string(),
        },
    }
}

/// A failure while a command is on its way: a card that has gone shows in several ways.
pub(crate) fn error_midway(from: pcsc::Error) -> CardError {
    use pcsc::Error as E;
    match from {
        E::NotTransacted
        | E::NoSmartcard
        | E::ReaderUnavailable
        | E::UnpoweredCard
        | E::UnresponsiveCard
        | E::ResetCard => CardError::Pulled,
        other => error(other),
    }
}

pub(crate) fn context() -> Result<pcsc::Context, CardError> {
    pcsc::Context::establish(pcsc::Scope::System).map_err(error)
}

pub(crate) fn reader_name(reader: &str) -> Result<CString, CardError> {
    CString::new(reader).map_err(|_| CardError::NoReader)
}

/// A transaction: no other program's command comes between. Ends without a reset, so that a verified PIN stays.
pub(crate) struct Line<'card> {
    pub(crate) transaction: pcsc::Transaction<'card>,
    pub(crate) protocol: Option<pcsc::Protocol>,
}

impl Channel for Line<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardError> {
        let mut buffer = Zeroizing::new(vec![0; pcsc::MAX_BUFFER_SIZE]);
        let length = self
            .transaction
            .transmit(command, &mut buffer)
            .map_err(error_midway)?
            .len();
        if length < 2 {
            // No status word: some readers report a card that has just gone like this.
            return Err(CardError::Pulled);
        }
        buffer.truncate(length);
        Ok(buffer)
    }

    fn control(&mut self, code: u32, data: &[u8]) -> Result<Vec<u8>, CardError> {
        let mut buffer = [0; 256];
        self.transaction
            .control(code.into(), data, &mut buffer)
            .map(<[u8]>::to_vec)
            .map_err(error_midway)
    }

    fn takes_le(&self) -> bool {
        self.protocol != Some(pcsc::Protocol::T0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pcsc::Error as E;

    #[test]
    fn the_services_errors_have_our_words() {
        use CardError as C;
        let words = [
            (E::NoService, C::ServiceDown),
            (E::ServiceStopped, C::ServiceDown),
            (E::InvalidHandle, C::ServiceDown),
            (E::SecurityViolation, C::ServiceDenied),
            (E::NoReadersAvailable, C::NoReader),
            (E::UnknownReader, C::NoReader),
            (E::NoSmartcard, C::NoCard),
            (E::RemovedCard, C::Pulled),
            (E::UnresponsiveCard, C::Unresponsive),
            (E::ProtoMismatch, C::Unresponsive),
        ];
        for (from, expected) in words {
            assert_eq!(error(from), expected);
        }
        assert!(matches!(error(E::SharingViolation), C::Busy { .. }));
        assert!(matches!(error(E::InternalError), C::Service { .. }));
    }

    #[test]
    fn midway_a_card_that_has_gone_was_pulled_whatever_the_service_calls_it() {
        for from in [
            E::NotTransacted,
            E::NoSmartcard,
            E::ReaderUnavailable,
            E::UnpoweredCard,
            E::ResetCard,
        ] {
            assert_eq!(error_midway(from), CardError::Pulled);
        }
        assert_eq!(error_midway(E::ServiceStopped), CardError::ServiceDown);
    }
}
