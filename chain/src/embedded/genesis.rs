//! What an embedded ledger begins with.

use alloy_primitives::{Address, keccak256};
use serde::{Deserialize, Serialize};
use wardkey_core::hexbytes;
use wardkey_core::key::PublicKey;
use wardkey_core::typed::Domain;

/// The choices made once, at the first start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Salt of the deployment, random.
    pub salt: [u8; 32],
    /// The operator's key.
    pub operator: PublicKey,
    /// The first gateway's key.
    pub gateway: PublicKey,
}

/// Block 0, as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Block0 {
    /// Version of the ledger's format.
    pub format: u32,
    /// EVM rules, by fork name; never changes for a ledger.
    pub spec: String,
    pub chain_id: u64,
    #[serde(with = "hexbytes::array")]
    pub salt: [u8; 32],
    pub operator: PublicKey,
    pub gateway: PublicKey,
}

/// Version of the ledger's format.
pub const FORMAT: u32 = 1;

/// Osaka: the first rules with P256VERIFY at 0x100 (EIP-7951).
pub const SPEC: &str = "Osaka";

impl From<Genesis> for Block0 {
    fn from(g: Genesis) -> Self {
        Self {
            format: FORMAT,
            spec: SPEC.to_owned(),
            chain_id: g.chain_id,
            salt: g.salt,
            operator: g.operator,
            gateway: g.gateway,
        }
    }
}

impl Block0 {
    /// Sender of every transaction. Nobody holds its key: this ledger takes no transactions from outside. It depends on
    /// the genesis, so that the contract's address does.
    pub fn sponsor(&self) -> Address {
        let seed = [
            b"wardkey/embedded/sponsor".as_slice(),
            &self.chain_id.to_be_bytes(),
            &self.salt,
            self.operator.bytes(),
        ]
        .concat();
        Address::from_slice(&keccak256(seed)[12..])
    }

    /// The deployment that block 1 makes.
    pub fn domain(&self) -> Domain {
        Domain {
            chain_id: self.chain_id,
            contract: self.sponsor().create(0).into_array(),
            salt: self.salt,
        }
    }
}
