//! PKCS#11 modules: each is loaded once and initialised once in a process (PKCS #11 §5.4), whatever is done with it.

use super::error::failed;
use crate::CardError;
use crate::store::StoreFault;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

static LOADED: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());
static TURN: Mutex<()> = Mutex::new(());

/// A loaded module. It stays loaded until the process ends: unloading one under open sessions crashes many of them.
#[derive(Clone)]
pub(super) struct Module(Pkcs11);

impl Module {
    /// Loads and initialises it, or takes the one that is loaded.
    pub(super) fn load(path: &Path) -> Result<Self, CardError> {
        let missing = |detail: String| StoreFault::ModuleMissing {
            path: path.display().to_string(),
            detail,
        };
        // Two names of one file are one module.
        let real = path.canonicalize().map_err(|error| missing(error.to_string()))?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(context) = loaded.get(&real) {
            return Ok(Self(context.clone()));
        }
        let context = Pkcs11::new(&real).map_err(|error| missing(error.to_string()))?;
        initialise(&context).map_err(|error| missing(error.to_string()))?;
        loaded.insert(real, context.clone());
        Ok(Self(context))
    }

    /// Asks the module something that changes nothing; initialises it again if somebody in this process has ended it.
    pub(super) fn ask<T>(&self, question: impl Fn(&Pkcs11) -> Result<T, Error>) -> Result<T, CardError> {
        let answer = match question(&self.0) {
            Err(Error::Pkcs11(RvError::CryptokiNotInitialized, _)) => {
                initialise(&self.0).map_err(|error| failed(&error))?;
                question(&self.0)
            }
            answer => answer,
        };
        answer.map_err(|error| failed(&error))
    }
}

impl Module {
    /// Ends the module and begins it anew: some look for tokens only then. Sessions of this process are gone after it, so the
    /// caller has the [`turn`].
    pub(super) fn begin_anew(&self) -> Result<(), CardError> {
        let _ = self.0.clone().finalize();
        initialise(&self.0).map_err(|error| failed(&error))
    }
}

fn initialise(context: &Pkcs11) -> Result<(), Error> {
    match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // Somebody else in this process was first.
        Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
        outcome => outcome,
    }
}

/// One at a time in this process: a login counts for all sessions of a process, so without turns one job's PIN would open the
/// other's keys.
pub(super) fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
