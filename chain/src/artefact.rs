//! The compiled contract, as committed in `contracts/out/Wardkey.json`.

use crate::error::ChainError;
use alloy_primitives::B256;
use alloy_sol_types::SolValue as _;
use serde::Deserialize;
use wardkey_core::hexbytes;
use wardkey_core::key::PublicKey;

/// What the compiler made of `contracts/src/Wardkey.sol`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artefact {
    /// Compiler version.
    pub compiler: String,
    /// Version of the OpenZeppelin contracts.
    pub openzeppelin: String,
    /// The ABI, as solc writes it.
    pub abi: serde_json::Value,
    /// Creation bytecode, without constructor arguments.
    #[serde(with = "hexbytes::bytes")]
    pub bytecode: Vec<u8>,
    /// Runtime bytecode; immutables are zero.
    #[serde(with = "hexbytes::bytes")]
    pub deployed_bytecode: Vec<u8>,
}

/// The artefact this program was built with.
///
/// # Errors
/// [`ChainError::Corrupt`] if the committed file is no artefact.
pub fn artefact() -> Result<Artefact, ChainError> {
    serde_json::from_str(include_str!("../contracts/out/Wardkey.json"))
        .map_err(|e| ChainError::Corrupt(format!("the compiled contract cannot be read: {e}")))
}

impl Artefact {
    /// Creation bytecode with its constructor arguments.
    #[must_use]
    pub fn init_code(&self, operator: &PublicKey, gateway: &PublicKey, salt: &[u8; 32]) -> Vec<u8> {
        let word = |bytes: [u8; 32]| B256::from(bytes);
        let arguments = (
            word(operator.x()),
            word(operator.y()),
            word(gateway.x()),
            word(gateway.y()),
            word(*salt),
        )
            .abi_encode_params();
        [self.bytecode.as_slice(), &arguments].concat()
    }
}
