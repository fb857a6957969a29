//! Why a request to the gateway gave nothing.

use wardkey_core::fault::Fault;
use wardkey_core::http_signature::HttpSignatureError;
use wardkey_core::institution::Unproved;

/// A request that gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// No answer, or an answer that is not the gateway's for a passing reason.
    #[error("the gateway cannot be reached")]
    Offline,
    /// The gateway refused, in its own signed words.
    #[error("{fault}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its words.
        fault: Fault,
    },
    /// The answer is not signed by the gateway, or badly.
    #[error("{0}")]
    Untrusted(HttpSignatureError),
    /// What it says of an institution or a card is not proved by the institution's signatures.
    #[error("{0}")]
    Unproved(Unproved),
    /// The answer is signed but makes no sense here.
    #[error("the gateway's answer cannot be read")]
    Unreadable,
}

impl GatewayError {
    /// True if the same request may succeed later without anybody doing anything.
    #[must_use]
    pub const fn passes(&self) -> bool {
        match self {
            Self::Offline | Self::Untrusted(_) | Self::Unproved(_) | Self::Unreadable => true,
            Self::Refused { status, .. } => matches!(status, 401 | 408 | 425 | 429 | 500..),
        }
    }

    /// The gateway's code, if it refused.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { fault, .. } => Some(&fault.code),
            _ => None,
        }
    }

    /// True if the gateway has no such thing.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

impl From<HttpSignatureError> for GatewayError {
    fn from(error: HttpSignatureError) -> Self {
        Self::Untrusted(error)
    }
}

impl From<Unproved> for GatewayError {
    fn from(error: Unproved) -> Self {
        Self::Unproved(error)
    }
}
