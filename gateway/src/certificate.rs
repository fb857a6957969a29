//! The certificate: read at the start, and again on SIGHUP or when its file changes, without an end to any connection.

use crate::keys::must_be_private;
use crate::serve::ServeError;
use crate::settings::{Oldest, Tls};
use axum_server::tls_rustls::RustlsConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Reads certificate and key.
///
/// # Errors
/// [`ServeError::Tls`], [`ServeError::Open`] if others can read the key.
pub fn read(tls: &Tls) -> Result<Arc<ServerConfig>, ServeError> {
    let bad = |error: &dyn std::fmt::Display| ServeError::Tls(error.to_string());
    must_be_private(&tls.key)?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| bad(&error))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| bad(&error))?;
    let versions: &[&SupportedProtocolVersion] = match tls.oldest {
        Oldest::Tls12 => &[&TLS13, &TLS12],
        Oldest::Tls13 => &[&TLS13],
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| bad(&error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// When the two files were written last, as far as that can be seen.
fn written(tls: &Tls) -> [Option<SystemTime>; 2] {
    [&tls.certificate, &tls.key].map(|path| std::fs::metadata(path).and_then(|about| about.modified()).ok())
}

/// The signal that asks for the files to be read again.
///
/// # Errors
/// The system's.
pub fn hangup() -> std::io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Follows the files for as long as the gateway runs. What cannot be used changes nothing: the certificate before stays.
pub async fn follow(tls: Tls, served: RustlsConfig, mut hangup: Signal) {
    let mut known = written(&tls);
    loop {
        let asked = tokio::select! {
            _ = hangup.recv() => true,
            () = tokio::time::sleep(LOOK) => false,
        };
        let now = written(&tls);
        if !asked && now == known {
            continue;
        }
        known = now;
        match read(&tls) {
            Ok(config) => {
                served.reload_from_config(config);
                tracing::info!("the certificate was read again");
            }
            Err(error) => tracing::error!(%error, "the new certificate cannot be used; the one before stays"),
        }
    }
}
