//! The log: to standard error, warnings only, and never from where PINs could pass.

use tracing_subscriber::EnvFilter;
use wardkey_hsm::QUIET_LOG_TARGETS;

/// Starts logging. The level is fixed, as in the PIN window.
pub fn start() {
    let filter = QUIET_LOG_TARGETS
        .iter()
        .fold("error".to_owned(), |filter, target| format!("{filter},{target}=error"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr);
    if subscriber.try_init().is_err() {
        tracing::debug!("a log was there already");
    }
}
