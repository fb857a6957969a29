//! The sponsor's account: a secp256k1 key in a file that only its owner may read.

use crate::error::ChainError;
use alloy::consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy::eips::Encodable2718 as _;
use alloy::signers::SignerSync as _;
use alloy::signers::local::PrivateKeySigner;
use alloy_primitives::{Address, B256, Bytes};
use serde::Serialize;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// What the sponsor has and owes, for showing and for metrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SponsorStatus {
    /// Its address.
    pub address: Address,
    /// Gwei; `None` before it was first asked for.
    pub balance_gwei: Option<u64>,
    /// Whether the balance is under the warning's threshold.
    pub low: bool,
    /// Actions that are not yet final on the chain.
    pub pending: usize,
    /// Whether one of them waits because the chain asks for more than may be paid.
    pub at_the_cap: bool,
}

/// The key. Its bytes are never printed.
pub struct SponsorKey(PrivateKeySigner);

impl SponsorKey {
    /// Reads the file: 32 bytes in hex.
    ///
    /// # Errors
    /// [`ChainError::Sponsor`] if there is none, others may read it, or it is no key.
    pub fn open(path: &Path) -> Result<Self, ChainError> {
        let wrong = |what: &str| ChainError::Sponsor(what.to_owned());
        let about = std::fs::metadata(path).map_err(|e| ChainError::Sponsor(format!("its key file: {e}")))?;
        if about.permissions().mode() & 0o077 != 0 {
            return Err(wrong("others may read its key file; its mode must be 600"));
        }
        let text = std::fs::read_to_string(path).map_err(|e| ChainError::Sponsor(format!("its key file: {e}")))?;
        let bytes: B256 = text.trim().parse().map_err(|_| wrong("its key file holds no key"))?;
        Ok(Self(
            PrivateKeySigner::from_bytes(&bytes).map_err(|_| wrong("its key file holds no key"))?,
        ))
    }

    /// Makes the file from 32 random bytes, mode 600; an existing one is left alone.
    ///
    /// # Errors
    /// [`ChainError::Sponsor`].
    pub fn make(path: &Path, random: [u8; 32]) -> Result<Self, ChainError> {
        let failed = |e: std::io::Error| ChainError::Sponsor(format!("its key file: {e}"));
        match std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
        {
            Ok(mut file) => {
                writeln!(file, "{}", B256::from(random)).map_err(failed)?;
                file.sync_all().map_err(failed)?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        Self::open(path)
    }

    /// Its account's address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.0.address()
    }

    /// Signs a transaction; gives its hash and its bytes.
    pub(super) fn sign(&self, transaction: TxEip1559) -> Result<(B256, Bytes), ChainError> {
        let failed = |_| ChainError::Sponsor("its key does not sign".into());
        let signature = self.0.sign_hash_sync(&transaction.signature_hash()).map_err(failed)?;
        let signed = TxEnvelope::from(transaction.into_signed(signature));
        Ok((*signed.tx_hash(), signed.encoded_2718().into()))
    }
}
