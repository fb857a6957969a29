//! The log's checkpoint as a signed note (c2sp.org/tlog-checkpoint, c2sp.org/signed-note).

use crate::fault::Coded;
use crate::id::Digest;
use crate::key::{PublicKey, Signature, sha256};
use crate::typed::Domain;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tlog_tiles::checkpoint::Checkpoint;

/// Signature type for ECDSA in signed notes: here over P-256 with SHA-256, 64 bytes `r‖s`.
const ECDSA: u8 = 2;

/// A text is no checkpoint of this log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotACheckpoint {
    /// It is not in the form.
    #[error("the log's checkpoint cannot be read")]
    Malformed,
    /// Of another log.
    #[error("the checkpoint is of another log")]
    Elsewhere,
    /// The gateway's key did not sign it.
    #[error("the checkpoint is not signed by the gateway's key")]
    Unsigned,
}

impl Coded for NotACheckpoint {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "log-checkpoint-malformed",
            Self::Elsewhere => "log-checkpoint-elsewhere",
            Self::Unsigned => "log-checkpoint-unsigned",
        }
    }
    fn action(&self) -> &'static str {
        match self {
            Self::Malformed | Self::Unsigned => "Keep the file; tell the network operator.",
            Self::Elsewhere => "Check the address, and which network it is.",
        }
    }
}

/// Name of a deployment's log: the note's first line, and its signer's name.
#[must_use]
pub fn origin(domain: &Domain) -> String {
    format!(
        "wardkey-log/{}/{}/{}",
        domain.chain_id,
        hex::encode(domain.contract),
        hex::encode(domain.salt)
    )
}

/// Size and root of the log, signed by the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// Leaves.
    pub size: u64,
    /// RFC 6962 root.
    pub root: Digest,
}

impl SignedCheckpoint {
    /// The text to be served; `sign` signs bytes with the gateway's key.
    ///
    /// # Errors
    /// What `sign` gives.
    pub fn note<E>(
        &self,
        domain: &Domain,
        gateway: &PublicKey,
        sign: impl FnOnce(&[u8]) -> Result<Signature, E>,
    ) -> Result<String, E> {
        let origin = origin(domain);
        let text = format!("{origin}\n{}\n{}\n", self.size, STANDARD.encode(self.root.0));
        let signature = sign(text.as_bytes())?;
        let signed = [key_id(&origin, gateway).as_slice(), &signature.0].concat();
        Ok(format!("{text}\n— {origin} {}\n", STANDARD.encode(signed)))
    }

    /// Reads a served text; signatures by other keys beside the gateway's are passed over.
    ///
    /// # Errors
    /// [`NotACheckpoint`].
    pub fn read(note: &str, domain: &Domain, gateway: &PublicKey) -> Result<Self, NotACheckpoint> {
        let (text, signatures) = note.split_once("\n\n").ok_or(NotACheckpoint::Malformed)?;
        let text = format!("{text}\n");
        let parsed = Checkpoint::from_bytes(text.as_bytes()).map_err(|_| NotACheckpoint::Malformed)?;
        let origin = origin(domain);
        if parsed.origin() != origin {
            return Err(NotACheckpoint::Elsewhere);
        }
        let id = key_id(&origin, gateway);
        let ours = signatures.lines().filter_map(|line| signature(line, &origin, &id));
        ours.into_iter()
            .find_map(|signature| gateway.verify(text.as_bytes(), &signature).ok())
            .ok_or(NotACheckpoint::Unsigned)?;
        Ok(Self {
            size: parsed.size(),
            root: Digest(parsed.hash().0),
        })
    }
}

/// First four bytes of SHA-256(name ‖ LF ‖ type ‖ key) (c2sp.org/signed-note, "Signatures").
fn key_id(name: &str, key: &PublicKey) -> [u8; 4] {
    let digest = sha256(&[name.as_bytes(), b"\n", &[ECDSA], key.bytes()]);
    [digest[0], digest[1], digest[2], digest[3]]
}

fn signature(line: &str, name: &str, id: &[u8; 4]) -> Option<Signature> {
    let (signer, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
    let bytes = STANDARD.decode(encoded).ok()?;
    let (key, signature) = bytes.split_at_checked(4)?;
    let found = (signer == name && key == id).then(|| <[u8; 64]>::try_from(signature).ok())?;
    found.map(Signature)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use crate::key::SoftKey;

    #[test]
    fn a_checkpoint_is_read_as_it_was_signed_and_no_other() {
        let (key, other) = (SoftKey::generate().unwrap(), SoftKey::generate().unwrap());
        let domain = Domain {
            chain_id: 7077,
            contract: [2; 20],
            salt: [3; 32],
        };
        let elsewhere = Domain { chain_id: 1, ..domain };
        let checkpoint = SignedCheckpoint {
            size: 77,
            root: Digest([9; 32]),
        };
        let sign = |text: &[u8]| key.sign(text);
        let note = checkpoint.note(&domain, &key.public(), sign).unwrap();
        let read = |note: &str| SignedCheckpoint::read(note, &domain, &key.public());
        assert_eq!(read(&note), Ok(checkpoint));
        assert_eq!(
            read(&format!("{note}— someone.else AAAAAAAA\n")),
            Ok(checkpoint),
            "a witness's line"
        );
        assert_eq!(read(&note.replace("\n77\n", "\n78\n")), Err(NotACheckpoint::Unsigned));
        assert_eq!(read(&note.replace("\n77\n", "\n077\n")), Err(NotACheckpoint::Malformed));
        assert_eq!(read(note.split_once("\n\n").unwrap().0), Err(NotACheckpoint::Malformed));
        let by_other = SignedCheckpoint::read(&note, &domain, &other.public());
        assert_eq!(by_other, Err(NotACheckpoint::Unsigned));
        let there = SignedCheckpoint::read(&note, &elsewhere, &key.public());
        assert_eq!(there, Err(NotACheckpoint::Elsewhere));
    }
}
