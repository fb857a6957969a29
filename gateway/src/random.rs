//! Randomness from the system.

use ring::rand::{SecureRandom as _, SystemRandom};
use wardkey_core::key::KeyError;

/// Random bytes.
///
/// # Errors
/// [`KeyError::SigningFailed`] if the system gives none.
pub fn bytes<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut out = [0; N];
    SystemRandom::new()
        .fill(&mut out)
        .map_err(|_| KeyError::SigningFailed)?;
    Ok(out)
}
