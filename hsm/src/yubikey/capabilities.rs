//! What a YubiKey can do beyond a PIV card.

use crate::store::{Capabilities, KeyMaking, StoreKind};

/// From what was found out of it as a PIV card. It attests if its attestation key has a certificate (firmware 4.3 and later).
pub(super) fn of(card: Capabilities, has_issuer: bool) -> Capabilities {
    Capabilities {
        kind: StoreKind::YubiKey,
        generates: KeyMaking::ByPreparing,
        attests: has_issuer,
        ..card
    }
}
