//! The log: to standard error, warnings only, and never from where PINs could pass.

use tracing_subscriber::EnvFilter;
use wardkey_hsm::QUIET_LOG_TARGETS;

/// Starts logging. The level is fixed: no environment variable can make this program talk.
pub fn start() {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter()))
        .with_ansi(false)
        .with_writer(std::io::stderr);
    if subscriber.try_init().is_err() {
        tracing::debug!("a log was there already");
    }
}

fn filter() -> String {
    QUIET_LOG_TARGETS.iter().fold(
        "error,wardkey_pinpad=warn,wardkey_hsm=warn".to_owned(),
        |filter, target| format!("{filter},{target}=error"),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_below_warn_can_be_asked_for() {
        let filter = super::filter();
        assert!(filter.starts_with("error,") && filter.contains("yubikey=error"));
        assert!(!["info", "debug", "trace"].iter().any(|level| filter.contains(level)));
    }
}
