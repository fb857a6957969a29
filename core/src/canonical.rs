//! Small helpers shared by the typed documents: field conversions to Solidity's types.

use alloy_primitives::B256;

/// 32 bytes as Solidity's `bytes32`.
pub(crate) fn b(bytes: &[u8; 32]) -> B256 {
    B256::from(*bytes)
}
