//! What a key file can do.

use crate::PinPolicy;
use crate::store::{Capabilities, KeyMaking, StoreKind, TriesTold};

/// The same for every file.
pub(super) fn capabilities() -> Capabilities {
    Capabilities {
        kind: StoreKind::Soft,
        name: "Key file, for trials only".to_owned(),
        signs: true,
        agrees: true,
        pin: PinPolicy::Once,
        signature_pin: PinPolicy::Once,
        stays_unlocked: false,
        tries: TriesTold::Always,
        generates: KeyMaking::WithPin,
        creates: true,
        attests: false,
        touch: false,
        changes_pin: true,
        unblocks: false,
        survives_reconnect: true,
        trial: true,
    }
}
