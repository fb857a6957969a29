//! Settings: a TOML file; the one in `config/` is built in as the default.

use crate::chain::ChainSettings;
use crate::objects::ObjectSettings;
use crate::store::postgres::{Address, AddressError};
use serde::Deserialize;
use std::net::SocketAddr;
use std::num::NonZeroU32;
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
    /// Health, readiness and figures.
    pub admin: AdminSettings,
    /// Traces.
    pub traces: TraceSettings,
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
    /// The oldest version of TLS that is spoken.
    #[serde(default)]
    pub oldest: Oldest,
}

/// Versions of TLS. Older ones are not spoken at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Oldest {
    /// TLS 1.2, with authenticated ciphers and fresh keys only.
    #[default]
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    Tls13,
}

/// The admin listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminSettings {
    /// Where to listen, loopback only; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Seconds from "not ready" to the end of what is served, so that a balancer can turn away.
    pub drain: u64,
}

/// The export of traces.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceSettings {
    /// The collector's whole address for OTLP over HTTP; without it nothing is exported.
    pub endpoint: Option<String>,
}

impl TraceSettings {
    /// Whether the collector is on this machine or is spoken to in TLS.
    fn is_safe(&self) -> bool {
        let Some(endpoint) = &self.endpoint else {
            return true;
        };
        let host = |rest: &str| {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            authority
                .parse()
                .is_ok_and(|address: SocketAddr| address.ip().is_loopback())
        };
        endpoint.starts_with("https://") || endpoint.strip_prefix("http://").is_some_and(host)
    }
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
    /// Requests per second from one network address, four times as many at once.
    pub requests_per_address: NonZeroU32,
    /// Requests per second of one session or patient, four times as many at once.
    pub requests_per_session: NonZeroU32,
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
    /// Health and figures for everybody.
    #[error("the admin listener on {0} is not a loopback address; it tells figures to whoever asks")]
    PublicAdmin(SocketAddr),
    /// The same address twice.
    #[error("the admin listener has the public listener's address {0}")]
    SharedAdmin(SocketAddr),
    /// Traces in clear over the network.
    #[error("the collector of traces {0} is not on this machine and needs HTTPS")]
    UnencryptedTraces(String),
    /// A limit that lets nothing through.
    #[error("{0} is 0, so that nothing would be served")]
    NothingServed(&'static str),
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
            Self::PublicAdmin(_) => "admin-public",
            Self::SharedAdmin(_) => "admin-shared",
            Self::UnencryptedTraces(_) => "traces-tls-required",
            Self::NothingServed(_) => "limit-zero",
            Self::Store(_) => "store-address",
        }
    }
    fn action(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "Name an existing file after --config.",
            Self::Invalid(_) => "Correct the file; config/gateway.toml shows every setting.",
            Self::Unencrypted(_) => "Set certificate and key under [tls], or listen on 127.0.0.1.",
            Self::PublicAdmin(_) => {
                "Let [admin] listen on 127.0.0.1; reach it from elsewhere through a tunnel or an agent on this machine."
            }
            Self::SharedAdmin(_) => "Give [admin] listen a port of its own.",
            Self::UnencryptedTraces(_) => {
                "Give [traces] an endpoint that begins with https://, or run a collector on 127.0.0.1."
            }
            Self::NothingServed(_) => {
                "Set the limit under [limits] to the largest number that is still right, or leave it out."
            }
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
    admin: AdminSettings,
    traces: TraceSettings,
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
            admin,
            traces,
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
            admin,
            traces,
            tls,
            chain,
            log,
            store,
            objects,
            limits,
        })
    }

    /// Refuses to serve or use the network in clear, to tell figures to the network, and to serve nothing.
    ///
    /// # Errors
    /// Any [`SettingsError`] but those of reading.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.tls.is_none() && !self.listen.ip().is_loopback() {
            return Err(SettingsError::Unencrypted(self.listen));
        }
        if !self.admin.listen.ip().is_loopback() {
            return Err(SettingsError::PublicAdmin(self.admin.listen));
        }
        if self.admin.listen == self.listen && self.listen.port() != 0 {
            return Err(SettingsError::SharedAdmin(self.listen));
        }
        if !self.traces.is_safe() {
            let endpoint = self.traces.endpoint.clone().unwrap_or_default();
            return Err(SettingsError::UnencryptedTraces(endpoint));
        }
        self.limits.check()?;
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

impl Limits {
    /// The rates cannot be 0 by their type.
    fn check(&self) -> Result<(), SettingsError> {
        let limits = [
            ("connections", self.connections as usize),
            ("connections_per_address", self.connections_per_address as usize),
            ("import_megabytes", self.import_megabytes),
            ("record_megabytes", self.record_megabytes),
        ];
        match limits.iter().find(|(_, limit)| *limit == 0) {
            Some((name, _)) => Err(SettingsError::NothingServed(name)),
            None => Ok(()),
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
    fn what_would_be_unsafe_is_refused_with_the_reason() {
        let code = |text: &str| {
            Settings::parse(text)
                .and_then(|settings| settings.check())
                .map_err(|error| error.code())
        };
        let tls = "certificate = \"a\"\nkey = \"b\"";
        for (text, refused) in [
            ("[admin]\nlisten = \"0.0.0.0:8081\"", "admin-public"),
            ("[admin]\nlisten = \"10.0.0.1:8081\"", "admin-public"),
            ("[admin]\nlisten = \"127.0.0.1:8080\"", "admin-shared"),
            (
                "[traces]\nendpoint = \"http://collector.example:4318/v1/traces\"",
                "traces-tls-required",
            ),
            (
                "[traces]\nendpoint = \"http://127.0.0.1:4318@collector.example/\"",
                "traces-tls-required",
            ),
            ("[limits]\nconnections = 0", "limit-zero"),
            ("[limits]\nimport_megabytes = 0", "limit-zero"),
            ("[limits]\nrequests_per_address = 0", "settings-invalid"),
            ("[limits]\nrequests_per_session = 0", "settings-invalid"),
            (&format!("[tls]\n{tls}\noldest = \"1.1\""), "settings-invalid"),
            (&format!("[tls]\n{tls}\noldest = \"1.0\""), "settings-invalid"),
        ] {
            assert_eq!(code(text), Err(refused), "{text}");
        }
        for text in [
            "[traces]\nendpoint = \"http://127.0.0.1:4318/v1/traces\"",
            "[traces]\nendpoint = \"https://collector.example/v1/traces\"",
            &format!("[tls]\n{tls}\noldest = \"1.3\""),
            "[admin]\nlisten = \"[::1]:8081\"",
        ] {
            assert_eq!(code(text), Ok(()), "{text}");
        }
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
