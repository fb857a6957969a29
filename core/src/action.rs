//! Signed actions: everything that reaches the chain (protocol §2 and `POST /v1/actions` in §7).

use crate::id::Digest;
use crate::key::{KeyError, PublicKey, Signature};
use crate::typed::{Domain, structs};
use serde::{Deserialize, Serialize};

macro_rules! actions {
    ($($name:ident),+ $(,)?) => {
        /// One action's message.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "type", content = "message")]
        pub enum Action { $(#[doc = concat!("See protocol §2, `", stringify!($name), "`.")] $name(structs::$name),)+ }

        impl Action {
            /// The type's name, as in EIP-712.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)+ }
            }

            /// The 66 bytes that a message signer signs.
            #[must_use]
            pub fn preimage(&self, domain: &Domain) -> [u8; 66] {
                match self { $(Self::$name(m) => domain.preimage(m),)+ }
            }

            /// The last second at which the chain accepts it.
            #[must_use]
            pub const fn deadline(&self) -> u64 {
                match self { $(Self::$name(m) => m.deadline,)+ }
            }
        }
        $(impl From<structs::$name> for Action { fn from(message: structs::$name) -> Self { Self::$name(message) } })+
    };
}

actions!(
    RegisterInstitution,
    SetAccreditation,
    SetGateway,
    ApproveDevice,
    RevokeDevice,
    SetSuspension,
    RotateAgreement,
    SetMasters,
    Grant,
    Revoke,
    Checkpoint,
);

impl Action {
    /// What a card or an HSM signs, and the action's name in the chain's events.
    #[must_use]
    pub fn digest(&self, domain: &Domain) -> Digest {
        Digest(crate::key::sha256(&[&self.preimage(domain)]))
    }

    /// Verifies one signature over the action.
    ///
    /// # Errors
    /// [`KeyError::Unverified`].
    pub fn verify(&self, domain: &Domain, key: &PublicKey, signature: &Signature) -> Result<(), KeyError> {
        key.verify(&self.preimage(domain), signature)
    }
}

/// Proof of possession that goes with ApproveDevice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The device's request.
    pub message: structs::RequestDevice,
    /// By the device key.
    pub signature: Signature,
}

/// An action with its signatures, as it is posted and as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedAction {
    /// What is to happen.
    #[serde(flatten)]
    pub action: Action,
    /// One signature; for ApproveDevice, SetSuspension and SetMasters those of protocol §2, in the order of the masters list.
    pub signatures: Vec<Signature>,
    /// The one-time key of Grant and Revoke; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<PublicKey>,
    /// The device's request, for ApproveDevice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

impl SignedAction {
    /// An action with one signature and nothing else.
    #[must_use]
    pub fn one(action: impl Into<Action>, signature: Signature) -> Self {
        Self {
            action: action.into(),
            signatures: vec![signature],
            keys: vec![],
            proof: None,
        }
    }

    /// Grant or Revoke, with the one-time key.
    #[must_use]
    pub fn by_key(action: impl Into<Action>, key: PublicKey, signature: Signature) -> Self {
        Self {
            keys: vec![key],
            ..Self::one(action, signature)
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use crate::key::SoftKey;

    #[test]
    fn json_round_trip_with_and_without_0x() {
        let domain = Domain {
            chain_id: 7,
            contract: [1; 20],
            salt: [2; 32],
        };
        let key = SoftKey::generate().unwrap();
        let grant = structs::Grant {
            commitment: [9; 32].into(),
            deadline: 5,
        };
        let signature = domain.sign(&key, &grant).unwrap();
        let signed = SignedAction::by_key(grant, key.public(), signature);
        let json = serde_json::to_string(&signed).unwrap();
        assert!(
            json.starts_with(r#"{"type":"Grant","message":{"commitment":"0x0909"#),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<SignedAction>(&json).unwrap(), signed);
        assert_eq!(
            serde_json::from_str::<SignedAction>(&json.replace("0x", "")).unwrap(),
            signed
        );
        signed.action.verify(&domain, &key.public(), &signature).unwrap();
    }
}
