//! Where the database is, and how the way there is protected.

use crate::keys::is_private;
use crate::settings::StoreSettings;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long one host may take to answer.
const KNOCK: Duration = Duration::from_secs(3);

/// Why an address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// None given.
    #[error("backend = \"postgres\" needs a url")]
    Missing,
    /// It cannot be read.
    #[error("the url of the database is malformed")]
    Malformed,
    /// A password where others can read it.
    #[error("the url of the database holds a password; it belongs in a file of its own (password_file)")]
    Password,
    /// The password's file.
    #[error("the database's password file cannot be read, or can be read by others than its owner")]
    PasswordFile,
    /// In clear over a network.
    #[error(
        "the database is not on this machine: its url needs sslmode=require, and root_certificate the authority's file"
    )]
    Unencrypted,
    /// The authority's certificate.
    #[error("the database's root certificate cannot be read")]
    Certificate,
}

/// An address that may be used.
#[derive(Clone)]
pub struct Address {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").finish_non_exhaustive()
    }
}

impl Address {
    /// Reads the settings; files that they name are relative to the data folder.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn of(settings: &StoreSettings, data: &Path) -> Result<Self, AddressError> {
        let url = settings.url.as_ref().ok_or(AddressError::Missing)?;
        let mut config: Config = url.parse().map_err(|_| AddressError::Malformed)?;
        if config.get_password().is_some() {
            return Err(AddressError::Password);
        }
        let here = config.get_hosts().iter().all(is_here) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
        let tls = settings.root_certificate.as_ref();
        if !here && (tls.is_none() || config.get_ssl_mode() != SslMode::Require) {
            return Err(AddressError::Unencrypted);
        }
        if let Some(file) = &settings.password_file {
            let file = data.join(file);
            let text = is_private(&file).then(|| std::fs::read_to_string(&file).ok()).flatten();
            config.password(text.ok_or(AddressError::PasswordFile)?.trim_end_matches(['\r', '\n']));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(KNOCK);
        }
        config.application_name("wardkey-gateway");
        let tls = tls.map(|file| trusting(&data.join(file))).transpose()?;
        Ok(Self { config, tls })
    }

    /// Connects; `home` moves the bytes.
    pub(super) async fn connect(&self, home: &Handle) -> Result<Client, tokio_postgres::Error> {
        if let Some(tls) = &self.tls {
            let (client, line) = self.config.connect(tls.clone()).await?;
            home.spawn(line);
            Ok(client)
        } else {
            let (client, line) = self.config.connect(NoTls).await?;
            home.spawn(line);
            Ok(client)
        }
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
    }
}

/// TLS with servers whose certificate is for their name and from this authority alone.
fn trusting(file: &Path) -> Result<MakeRustlsConnect, AddressError> {
    let bad = || AddressError::Certificate;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|_| bad())? {
        roots.add(certificate.map_err(|_| bad())?).map_err(|_| bad())?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| bad())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
