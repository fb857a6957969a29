//! The makers' certificates that we trust, from files that an institution can replace (config/attestation).

use std::path::{Path, PathBuf};
use wardkey_core::fault::Coded;
use x509_parser::pem::Pem;

/// The list of trusted certificates cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// A file or folder.
    #[error("cannot read the attestation certificates in {path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Not PEM, or not a certificate.
    #[error("{path} holds something else than PEM certificates")]
    NotCertificates {
        /// Which.
        path: PathBuf,
    },
}

impl Coded for RootsError {
    fn code(&self) -> &'static str {
        "attestation-roots-unreadable"
    }
    fn action(&self) -> &'static str {
        "Put the card maker's certificates into the folder named in the settings, as PEM files (see config/attestation)."
    }
}

/// Trusted roots and the makers' intermediates, DER.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    pub(crate) makers: Vec<Vec<u8>>,
    pub(crate) test: Vec<Vec<u8>>,
}

impl Roots {
    /// Every certificate in the `*.pem` files of a folder: those issued by themselves are roots, the others intermediates.
    /// A missing folder is an error; an empty one is an empty list.
    ///
    /// # Errors
    /// [`RootsError`].
    pub fn from_pem_dir(folder: &Path) -> Result<Self, RootsError> {
        let unreadable = |source| RootsError::Unreadable {
            path: folder.to_owned(),
            source,
        };
        let mut makers = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "pem") {
                makers.extend(bundle(&path)?);
            }
        }
        Ok(Self {
            makers,
            test: Vec::new(),
        })
    }

    /// Also trusts the test root in this PEM file. Only a setting that names the file may lead here: cards below it can be
    /// copied by anybody.
    ///
    /// # Errors
    /// [`RootsError`].
    pub fn with_test_root(mut self, file: &Path) -> Result<Self, RootsError> {
        self.test = bundle(file)?;
        Ok(self)
    }
}

fn bundle(path: &Path) -> Result<Vec<Vec<u8>>, RootsError> {
    let bytes = std::fs::read(path).map_err(|source| RootsError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let wrong = || RootsError::NotCertificates { path: path.to_owned() };
    let found: Vec<Vec<u8>> = Pem::iter_from_buffer(&bytes)
        .map(|pem| {
            let pem = pem.map_err(|_| wrong())?;
            match (pem.label.as_str(), pem.parse_x509()) {
                ("CERTIFICATE", Ok(_)) => Ok(pem.contents),
                _ => Err(wrong()),
            }
        })
        .collect::<Result<_, _>>()?;
    if found.is_empty() { Err(wrong()) } else { Ok(found) }
}
