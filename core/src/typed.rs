//! Signed typed structs (protocol §2): EIP-712 structs whose outer digest is SHA-256 instead of Keccak-256, so that WebCrypto,
//! PIV cards and HSMs can sign them.

use crate::key::{KeyError, PublicKey, Signature, SoftKey, sha256};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{Eip712Domain, SolStruct};
use serde::{Deserialize, Serialize};

/// The structs, with the exact names and order of protocol §2; their hashStruct is EIP-712's.
pub mod structs {
    use serde::{Deserialize, Serialize};

    alloy_sol_types::sol! {
        #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
        struct RegisterInstitution { bytes32 institution; string name; string country; bytes32 masterX; bytes32 masterY; bytes32 wrapX; bytes32 wrapY; bytes32 agreementX; bytes32 agreementY; uint64 deadline; }
        #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
        struct SetAccreditation { bytes32 institution; bool accredited; uint64 nonce; uint64 deadline; }
        #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
        struct SetGateway { bytes32 keyX; bytes32 keyY; bool active; uint64 nonce; uint64 deadline; }
        #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
        struct ApproveDevice { bytes32 institution; bytes32 deviceX; bytes32 deviceY; uint8 rights; uint64 notAfter; bytes32 certificate; uint32 masters; uint32 nonce; uint64 deadline; }
        #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
        struct RequestDevice { bytes32 institution; bytes32 certificate; bytes32 challenge; uint64 deadline; }
        #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
        struct RevokeDevice { bytes32 institution; bytes32 device; uint64 deadline; }
        #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
        struct SetSuspension { bytes32 institution; bytes32 device; bool suspended; uint32 masters; uint32 nonce; uint64 deadline; }
        #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
        struct RotateAgreement { bytes32 institution; uint32 epoch; bytes32 agreementX; bytes32 agreementY; uint64 nonce; uint64 deadline; }
        #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
        struct SetMasters { bytes32 institution; bytes keys; uint8 threshold; uint64 nonce; uint64 deadline; }
        #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
        struct Grant { bytes32 commitment; uint64 deadline; }
        #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
        struct Revoke { bytes32 commitment; uint64 deadline; }
        #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
        struct Checkpoint { uint64 size; bytes32 root; uint64 deadline; }

        #[derive(Debug, PartialEq, Eq)]
        struct DeviceCertificate { bytes32 institution; string holder; string role; string card; string firmware; bytes32 deviceX; bytes32 deviceY; bytes32 signatureX; bytes32 signatureY; bytes32 agreementX; bytes32 agreementY; bytes32 evidence; }
        #[derive(Debug, PartialEq, Eq)]
        struct GrantDocument { bytes32 patient; bytes32 institution; uint32 read; uint32 write; uint8 purpose; uint64 notBefore; uint64 expiry; bytes32 salt; bytes32 keyX; bytes32 keyY; uint256 chainId; address wardkey; }
        #[derive(Debug, PartialEq, Eq)]
        struct SectionKeys { bytes32 patient; uint32 version; bytes keys; }
        #[derive(Debug, PartialEq, Eq)]
        struct Delegation { bytes32 principal; uint8 kind; bytes32 sessionX; bytes32 sessionY; bytes32 audience; uint64 notBefore; uint64 expiry; }
        #[derive(Debug, PartialEq, Eq)]
        struct RecordHeader { bytes32 record; bytes32 patient; uint8 section; uint32 epoch; uint32 version; bytes32 institution; bytes32 device; uint64 time; string kind; }
        #[derive(Debug, PartialEq, Eq)]
        struct Record { bytes32 header; bytes32 body; }
        #[derive(Debug, PartialEq, Eq)]
        struct Receipt { uint64 index; bytes32 leaf; uint64 time; }
        #[derive(Debug, PartialEq, Eq)]
        struct UnblockRequest { bytes32 institution; bytes32 device; string card; string terminal; bytes32 keyX; bytes32 keyY; uint64 time; }
        #[derive(Debug, PartialEq, Eq)]
        struct LogEvent { uint64 sequence; bytes32 previous; uint8 action; bytes32 patient; bytes32 institution; bytes32 device; uint8 section; string reason; bytes32 subject; uint64 time; bytes32 salt; }
    }
}

/// One deployment of the contract: the EIP-712 domain, which every signature and every ciphertext is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Address of the contract.
    #[serde(with = "crate::hexbytes::array")]
    pub contract: [u8; 20],
    /// Salt of the deployment.
    #[serde(with = "crate::hexbytes::array")]
    pub salt: [u8; 32],
}

impl Domain {
    /// EIP-712 domainSeparator, Keccak-256, 32 bytes.
    #[must_use]
    pub fn separator(&self) -> [u8; 32] {
        Eip712Domain::new(
            Some("Wardkey".into()),
            Some("1".into()),
            Some(U256::from(self.chain_id)),
            Some(Address::from(self.contract)),
            Some(B256::from(self.salt)),
        )
        .separator()
        .0
    }

    /// The 66 bytes `0x1901 ‖ domainSeparator ‖ hashStruct` that a message signer (WebCrypto, ring) signs.
    #[must_use]
    pub fn preimage(&self, message: &impl SolStruct) -> [u8; 66] {
        let mut out = [0; 66];
        out[0] = 0x19;
        out[1] = 0x01;
        out[2..34].copy_from_slice(&self.separator());
        out[34..].copy_from_slice(&hash_struct(message));
        out
    }

    /// SHA-256 of [`Domain::preimage`]: what a card or an HSM signs.
    #[must_use]
    pub fn digest(&self, message: &impl SolStruct) -> [u8; 32] {
        sha256(&[&self.preimage(message)])
    }

    /// Signs with a key in memory.
    ///
    /// # Errors
    /// [`KeyError::SigningFailed`].
    pub fn sign(&self, key: &SoftKey, message: &impl SolStruct) -> Result<Signature, KeyError> {
        key.sign(&self.preimage(message))
    }

    /// Verifies; refuses high-S.
    ///
    /// # Errors
    /// [`KeyError::Unverified`].
    pub fn verify(&self, key: &PublicKey, message: &impl SolStruct, signature: &Signature) -> Result<(), KeyError> {
        key.verify(&self.preimage(message), signature)
    }
}

/// EIP-712 hashStruct, Keccak-256, 32 bytes.
#[must_use]
pub fn hash_struct(message: &impl SolStruct) -> [u8; 32] {
    message.eip712_hash_struct().0
}
