//! What is logged: our own words, to the terminal. Libraries that could print a PIN, a key or a patient are capped.

use tracing_subscriber::EnvFilter;

/// `RUST_LOG` may raise our own parts; what follows it may not be raised.
const CAPS: &[&str] = &[
    "yubikey=error",
    "pcsc=error",
    "reqwest=warn",
    "hyper=warn",
    "hyper_util=warn",
    "rustls=warn",
    "sled=warn",
];

/// Starts logging to standard error.
pub fn start() {
    let mut filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,wardkey=info"));
    for cap in CAPS {
        if let Ok(directive) = cap.parse() {
            filter = filter.add_directive(directive);
        }
    }
    let writer = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if writer.try_init().is_err() {
        eprintln!("logging was started twice");
    }
}
