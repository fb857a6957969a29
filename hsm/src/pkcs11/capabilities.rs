//! What a token can do, by its flags and its mechanisms.

use super::module::Module;
use super::token;
use crate::store::{Capabilities, KeyMaking, StoreKind, TriesTold};
use crate::uri::{Kdf, Pkcs11Uri};
use crate::{CardError, PinPolicy};
use cryptoki::mechanism::MechanismType;

/// Asks the token that is meant.
pub(super) fn probe(module: &Module, uri: &Pkcs11Uri) -> Result<Capabilities, CardError> {
    let (slot, found) = token::find(module, uri)?;
    // One by one: reading the whole list makes the crate complain of every mechanism that it does not know.
    let knows = |one| module.ask(|context| context.get_mechanism_info(slot, one)).is_ok();
    let makes = knows(MechanismType::ECC_KEY_PAIR_GEN) && !found.write_protected();
    Ok(Capabilities {
        kind: StoreKind::Pkcs11,
        name: format!("{}, {}", found.model().trim(), found.label().trim()),
        signs: knows(MechanismType::ECDSA),
        // A hashed secret is none that RFC 9180 could use.
        agrees: knows(MechanismType::ECDH1_DERIVE) && uri.kdf.unwrap_or_default() == Kdf::Null,
        pin: PinPolicy::Once,
        signature_pin: PinPolicy::Once,
        stays_unlocked: false,
        tries: TriesTold::NearTheEnd,
        generates: if makes {
            KeyMaking::WithPin
        } else {
            KeyMaking::Elsewhere
        },
        creates: false,
        attests: false,
        touch: false,
        changes_pin: !found.write_protected(),
        unblocks: false,
        survives_reconnect: true,
        trial: false,
    })
}
