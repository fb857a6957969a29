//! What a key store can do, as plain data: asked before anything is offered to a person, and held to by the contract tests.

use crate::PinPolicy;
use serde::{Deserialize, Serialize};

/// The four kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StoreKind {
    /// A PIV card of any maker.
    Piv,
    /// A YubiKey: a PIV card that also attests.
    YubiKey,
    /// An HSM or token behind a PKCS#11 module.
    Pkcs11,
    /// A sealed file.
    Soft,
}

impl StoreKind {
    /// For sentences.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Piv => "a PIV card",
            Self::YubiKey => "a YubiKey",
            Self::Pkcs11 => "an HSM",
            Self::Soft => "a key file",
        }
    }
}

/// How far a store tells the tries that are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TriesTold {
    /// The number, at any time.
    Always,
    /// Only that it is the last, or that there is none (PKCS#11 flags), and not every module says even that.
    NearTheEnd,
    /// Nothing before a wrong PIN.
    Never,
}

/// How keys get into a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyMaking {
    /// By its maker's own tool.
    Elsewhere,
    /// By [`super::Keys::generate`], with the PIN.
    WithPin,
    /// By [`crate::prepare`], with the management key.
    ByPreparing,
}

/// What a store can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is an answer of its own")]
pub struct Capabilities {
    /// Its kind.
    pub kind: StoreKind,
    /// What it calls itself, for the screen: maker, model, firmware or token.
    pub name: String,
    /// It signs with 9A and 9C.
    pub signs: bool,
    /// It agrees with 9D and gives out the X coordinate.
    pub agrees: bool,
    /// When 9A and 9D ask for the PIN.
    pub pin: PinPolicy,
    /// When 9C asks for it; a store that asks always is given the PIN again within one job.
    pub signature_pin: PinPolicy,
    /// The PIN stays accepted after [`super::KeyStore::with_pin`], for [`super::KeyStore::sign_unlocked`] with 9A.
    pub stays_unlocked: bool,
    /// How far it tells the tries that are left.
    pub tries: TriesTold,
    /// How keys get into it.
    pub generates: KeyMaking,
    /// A holder can make the store itself under a PIN of their own, with [`super::KeyStore::create`].
    pub creates: bool,
    /// It proves where its keys were made.
    pub attests: bool,
    /// A key of it wants to be touched.
    pub touch: bool,
    /// [`super::KeyStore::change_pin`] works.
    pub changes_pin: bool,
    /// [`super::KeyStore::unblock_pin`] works.
    pub unblocks: bool,
    /// The open store works again after its device was away.
    pub survives_reconnect: bool,
    /// Software keys: every screen says "trial".
    pub trial: bool,
}
