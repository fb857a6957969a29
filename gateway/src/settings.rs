//! Settings: a TOML file; the one in `config/` is built in as the default.

use crate::chain::ChainSettings;
use crate::objects::ObjectSettings;
use crate::store::postgres::{Address, AddressError};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use wardkey_core::fault::Coded;

const DEFAULTS: &str = include_str!("../../config/gateway.toml");

/// All settings. A file may leave any of them out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Name of the network.
    pub name: String,
    /// Folder of keys, ledger and data store.
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Certificate and key; needed unless `listen` is a loopback address.
    pub tls: Option<Tls>,
    /// The chain.
    pub chain: ChainSettings,
    /// The log.
    pub log: LogSettings,
    /// The data store.
    pub store: StoreSettings,
    /// Tiles and large documents.
    pub objects: ObjectSettings,
    /// Limits.
    pub limits: Limits,
}

/// Certificate chain and private key, PEM files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// The log of writes and reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// Seconds between two checkpoints.
    pub checkpoint: u64,
}

/// The data store.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// Which database.
    pub backend: Backend,
    /// SQLite: largest size in megabytes; 0 = no limit.
    pub max_megabytes: u32,
    /// PostgreSQL: where it is, without a password.
    pub url: Option<String>,
    /// PostgreSQL: file with the password, which only its owner may read; relative to the data folder.
    pub password_file: Option<PathBuf>,
    /// PostgreSQL: file with the authority's certificate, PEM; relative to the data folder.
    pub root_certificate: Option<PathBuf>,
    /// PostgreSQL: accept a server that may lose what it has confirmed. Only for trials.
    pub accept_loss: bool,
}

/// The databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// A file in the data folder.
    Sqlite,
    /// PostgreSQL, or what speaks its protocol.
    Postgres,
}

/// Limits per request and per hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Largest body of an import, megabytes.
    pub import_megabytes: usize,
    /// Largest single record, megabytes of ciphertext.
    pub record_megabytes: usize,
    /// Largest document or picture beside the records, megabytes of ciphertext.
    pub blob_megabytes: usize,
    /// Sponsored actions per hour and network address.
    pub actions_per_address: u32,
    /// Sponsored actions per hour and institution.
    pub actions_per_institution: u32,
    /// Sponsored actions per hour and signing key of somebody who belongs to no institution.
    pub actions_per_key: u32,
    /// Sponsored actions of one address, institution or key that are carried out at the same time.
    pub actions_at_once: u32,
    /// Connections at once, in all.
    pub connections: u32,
    /// Connections at once from one network address.
    pub connections_per_address: u32,
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("failed to read the settings file {path}: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("the settings are not valid: {0}")]
    Invalid(String),
    /// A public address without encryption.
    #[error("listening on {0}, which is not a loopback address, needs HTTPS")]
    Unencrypted(SocketAddr),
    /// A node would be talked to in clear.
    #[error("endpoint {0} of the chain is not on this machine and needs HTTPS")]
    UnencryptedChain(usize),
    /// The chain's settings are incomplete.
    #[error("the settings under [chain] are not valid: {0}")]
    Chain(&'static str),
    /// The object store would be talked to in clear.
    #[error("the object store {0} is not on this machine and needs HTTPS")]
    UnencryptedObjects(String),
    /// The database's address.
    #[error(transparent)]
    Store(#[from] AddressError),
}

impl Coded for SettingsError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "settings-unreadable",
            Self::Invalid(_) => "settings-invalid",
            Self::Unencrypted(_) => "tls-required",
            Self::UnencryptedChain(_) => "chain-tls-required",
            Self::Chain(_) => "chain-settings",
            Self::UnencryptedObjects(_) => "objects-tls-required",
            Self::Store(_) => "store-address",
        }
    }
    fn action(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "Name an existing file after --config.",
            Self::Invalid(_) => "Correct the file; config/gateway.toml shows every setting.",
            Self::Unencrypted(_) => "Set certificate and key under [tls], or listen on 127.0.0.1.",
            Self::Store(_) => "Correct [store]; config/gateway.toml shows every setting.",
            Self::UnencryptedChain(_) => "Give [chain] endpoints that begin with https://.",
            Self::Chain(_) => "Correct [chain]; `wardkey chain deploy` prints what belongs there.",
            Self::UnencryptedObjects(_) => "Give [objects.s3] an endpoint that begins with https://.",
        }
    }
}

/// A settings file: every table may be left out, and every value in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    data: PathBuf,
    listen: SocketAddr,
    tls: Option<Tls>,
    chain: ChainSettings,
    log: LogSettings,
    store: StoreSettings,
    objects: ObjectSettings,
    limits: Limits,
}

impl Settings {
    /// The defaults.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`] only if the built-in file is broken, which a test excludes.
    pub fn defaults() -> Result<Self, SettingsError> {
        Self::parse("")
    }

    /// Reads a file over the defaults.
    ///
    /// # Errors
    /// [`SettingsError::Unreadable`], [`SettingsError::Invalid`].
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Lays a TOML text over the defaults.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`].
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let invalid = |error: toml::de::Error| SettingsError::Invalid(error.to_string());
        let mut table: toml::Table = toml::from_str(DEFAULTS).map_err(invalid)?;
        lay_over(&mut table, toml::from_str(text).map_err(invalid)?);
        let file: File = table.try_into().map_err(invalid)?;
        let File {
            name,
            data,
            listen,
            tls,
            chain,
            log,
            store,
            objects,
            limits,
        } = file;
        Ok(Self {
            name,
            data,
            listen,
            tls,
            chain,
            log,
            store,
            objects,
            limits,
        })
    }

    /// Refuses to serve or use the network in clear.
    ///
    /// # Errors
    /// [`SettingsError::Unencrypted`], [`SettingsError::UnencryptedObjects`], [`SettingsError::Store`]; those of the chain.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.tls.is_none() && !self.listen.ip().is_loopback() {
            return Err(SettingsError::Unencrypted(self.listen));
        }
        if self.store.backend == Backend::Postgres {
            Address::of(&self.store, &self.data)?;
        }
        self.chain.check()?;
        match &self.objects.s3 {
            Some(s3) if !s3.is_safe() => Err(SettingsError::UnencryptedObjects(s3.endpoint.clone())),
            _ => Ok(()),
        }
    }
}

fn lay_over(below: &mut toml::Table, above: toml::Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn the_file_in_config_is_the_default_and_loopback() {
        let settings = Settings::defaults().unwrap();
        settings.check().unwrap();
        assert_eq!(settings.listen.port(), 8080);
        assert_eq!(settings.limits.import_megabytes, 64);
    }

    #[test]
    fn a_file_changes_what_it_names_and_nothing_else() {
        let settings = Settings::parse("name = \"Net\"\n[chain]\nsilent_after = 5\n").unwrap();
        assert_eq!(
            (settings.name.as_str(), settings.chain.silent_after, settings.chain.poll),
            ("Net", 5, 500)
        );
        assert!(Settings::parse("nmae = \"typing error\"").is_err());
        assert!(Settings::parse("[chain]\nsilent = 5").is_err());
    }

    #[test]
    fn a_public_address_needs_https() {
        let settings = Settings::parse("listen = \"0.0.0.0:8080\"").unwrap();
        assert_eq!(settings.check().unwrap_err().code(), "tls-required");
        let settings = Settings::parse("listen = \"0.0.0.0:443\"\n[tls]\ncertificate = \"a\"\nkey = \"b\"").unwrap();
        settings.check().unwrap();
    }

    #[test]
    fn a_database_elsewhere_needs_tls_and_no_password_is_written_in_clear() {
        let check = |url: &str, more: &str| {
            let text = format!("[store]\nbackend = \"postgres\"\nurl = \"{url}\"\n{more}");
            Settings::parse(&text).unwrap().check()
        };
        for here in [
            "postgresql://ward@127.0.0.1/wardkey",
            "postgresql://ward@localhost:5433,[::1]:5434/wardkey?target_session_attrs=read-write",
            "host=/run/postgresql user=ward",
        ] {
            check(here, "").unwrap();
        }
        for elsewhere in [
            "postgresql://ward@10.0.0.7/wardkey",
            "postgresql://ward@10.0.0.7/wardkey?sslmode=require",
            "postgresql://ward@127.0.0.1,db.hospital.example/wardkey",
        ] {
            let error = check(elsewhere, "").unwrap_err();
            assert!(error.to_string().contains("sslmode=require"), "{error}");
        }
        let error = check("postgresql://ward:secret@127.0.0.1/wardkey", "").unwrap_err();
        assert!(error.to_string().contains("password_file") && error.code() == "store-address");
        let error = check("postgresql://ward@127.0.0.1/wardkey", "password_file = \"nowhere\"").unwrap_err();
        assert!(error.to_string().contains("password file"), "{error}");
    }

    #[test]
    fn an_object_store_elsewhere_needs_https() {
        let check = |endpoint: &str| {
            let s3 =
                format!("[objects.s3]\nendpoint = \"{endpoint}\"\nregion = \"r\"\nbucket = \"b\"\ncredentials = \"c\"");
            Settings::parse(&s3).unwrap().check()
        };
        for safe in [
            "https://s3.hospital.example",
            "http://127.0.0.1:9000",
            "http://[::1]:9000",
        ] {
            check(safe).unwrap();
        }
        for unsafe_one in [
            "http://10.0.0.1:9000",
            "http://127.0.0.1.hospital.example",
            "s3.hospital.example",
        ] {
            assert_eq!(
                check(unsafe_one).unwrap_err().code(),
                "objects-tls-required",
                "{unsafe_one}"
            );
        }
    }
}
