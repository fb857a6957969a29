//! Backup and restore as the operator orders them: a folder with `store.jsonl`, the embedded ledger, and `manifest.json`.
//! The gateway's keys are not in it: they are kept apart.

use crate::keys::{Keys, KeysError, private_file, private_folder};
use crate::log::Scribe;
use crate::settings::{Backend, Settings, SettingsError};
use crate::store::StoreError;
use crate::store::postgres::{Address, Postgres, prepare_version};
use crate::store::sql::{BackupError, Manifest, back_up, restore, verify_backup};
use crate::store::sqlite::Sqlite;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::sync::Arc;
use wardkey_chain::{Chain, ChainError, Embedded, Genesis};
use wardkey_core::fault::{Coded as _, Fault};

const ROWS: &str = "store.jsonl";
const LEDGER: &str = "ledger.sqlite";
const MANIFEST: &str = "manifest.json";

fn io(error: std::io::Error) -> Fault {
    BackupError::Io(error).fault()
}

fn sqlite(error: rusqlite::Error) -> Fault {
    StoreError::from(error).fault()
}

fn postgres_at(settings: &Settings) -> Result<Postgres, Fault> {
    let address = Address::of(&settings.store, &settings.data).map_err(|e| SettingsError::from(e).fault())?;
    let database = Postgres::at(address, settings.store.accept_loss).map_err(|e| e.fault())?;
    prepare_version(&database).map_err(|e| e.fault())?;
    Ok(database)
}

/// Makes a backup in a new folder, beside a running gateway or without one.
///
/// # Errors
/// What went wrong; the folder is then of no use.
pub fn make(settings: &Settings, to: &Path, progress: &mut dyn FnMut(&str, u64)) -> Result<Manifest, Fault> {
    if to.join(MANIFEST).exists() {
        return Err(BackupError::NotEmpty.fault());
    }
    private_folder(to).map_err(|e| e.fault())?;
    // The ledger first: its newest checkpoint is then never ahead of the log.
    let ledger = settings.data.join(LEDGER);
    if ledger.exists() {
        let copy = to.join(LEDGER);
        private_file(&copy).map_err(|e| e.fault())?;
        let from = rusqlite::Connection::open(&ledger).map_err(sqlite)?;
        from.execute("VACUUM INTO ?1", [copy.to_string_lossy()])
            .map_err(sqlite)?;
    }
    let rows = to.join(ROWS);
    private_file(&rows).map_err(|e| e.fault())?;
    let file = File::options().write(true).open(&rows).map_err(io)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let manifest = match settings.store.backend {
        Backend::Sqlite => back_up(&Sqlite::at(&settings.data.join("store.sqlite"), 0), &mut out, progress),
        Backend::Postgres => back_up(&postgres_at(settings)?, &mut out, progress),
    }
    .map_err(|e| e.fault())?;
    out.get_ref().sync_all().map_err(io)?;
    // Last, so that a folder with a manifest is a whole backup.
    let text = serde_json::to_vec_pretty(&manifest).map_err(|e| io(e.into()))?;
    private_file(&to.join(MANIFEST)).map_err(|e| e.fault())?;
    std::fs::write(to.join(MANIFEST), text).map_err(io)?;
    Ok(manifest)
}

fn manifest(from: &Path) -> Result<Manifest, Fault> {
    let text = std::fs::read(from.join(MANIFEST)).map_err(io)?;
    serde_json::from_slice(&text).map_err(|_| BackupError::Damaged("its manifest").fault())
}

fn rows(from: &Path) -> Result<BufReader<File>, Fault> {
    Ok(BufReader::with_capacity(
        1 << 20,
        File::open(from.join(ROWS)).map_err(io)?,
    ))
}

/// Checks a backup.
///
/// # Errors
/// What is wrong with it.
pub fn verify(from: &Path) -> Result<Manifest, Fault> {
    let manifest = manifest(from)?;
    verify_backup(&manifest, &mut rows(from)?).map_err(|e| e.fault())?;
    Ok(manifest)
}

/// Takes a backup into the empty store of the settings, whose data folder holds the keys already. Call it without a gateway.
///
/// # Errors
/// What went wrong; nothing was changed then.
pub fn take_in(settings: &Settings, from: &Path, now: Arc<dyn Fn() -> u64 + Send + Sync>) -> Result<Manifest, Fault> {
    let manifest = verify(from)?;
    let keys = Keys::open(&settings.data).map_err(|e| e.fault())?;
    let genesis = Genesis {
        operator: keys.operator.public(),
        gateway: keys.gateway.public(),
        chain_id: settings.chain.id,
        salt: keys.salt,
    };
    let ledger = settings.data.join(LEDGER);
    if from.join(LEDGER).exists() && !ledger.exists() {
        private_file(&ledger).map_err(|e| e.fault())?;
        std::fs::copy(from.join(LEDGER), &ledger).map_err(io)?;
    }
    let chain = Embedded::open(&ledger, genesis, now).map_err(|e| e.fault())?;
    let published = chain
        .checkpoint()
        .map_err(|e: ChainError| e.fault())?
        .map_or(0, |c| c.size);
    if manifest.size < published {
        let size = manifest.size;
        return Err(BackupError::Shorter { size, published }.fault());
    }
    let scribe = Scribe::new(chain.network().domain, &keys.gateway).map_err(|e| KeysError::from(e).fault())?;
    let mut rows = rows(from)?;
    match settings.store.backend {
        Backend::Sqlite => {
            let file = settings.data.join("store.sqlite");
            private_file(&file).map_err(|e| e.fault())?;
            restore(&Sqlite::at(&file, 0), &scribe, &manifest, &mut rows)
        }
        Backend::Postgres => restore(&postgres_at(settings)?, &scribe, &manifest, &mut rows),
    }
    .map_err(|e| e.fault())?;
    Ok(manifest)
}
