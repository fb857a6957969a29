//! Running the gateway: socket, TLS, background work, a graceful end.

use crate::admin;
use crate::certificate;
use crate::clock::Clock;
use crate::connections::{Door, timed};
use crate::keys::{KeysError, must_be_private, private_folder};
use crate::operator;
use crate::routes::app;
use crate::service_manager::{self, READY, STOPPING};
use crate::settings::{Settings, SettingsError};
use crate::state::{Gateway, OpenError};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use wardkey_core::fault::Coded;

/// How long requests in progress may take once the gateway is asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How often other gateways' news are looked for.
const HEAR: Duration = Duration::from_millis(200);
/// How often nonces, counts and news are forgotten that are too old.
const SWEEP: Duration = Duration::from_secs(60);

/// Why the gateway does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Keys, chain or store.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Another gateway runs on the data folder.
    #[error("another gateway runs on the data folder {0}")]
    InUse(PathBuf),
    /// The address cannot be listened on.
    #[error("failed to listen on {address}: {source}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Certificate or key.
    #[error("failed to use the certificate or its key: {0}")]
    Tls(String),
    /// The export of traces.
    #[error("failed to export traces: {0}")]
    Traces(String),
    /// Something else of the system.
    #[error("failed to {doing}: {source}")]
    System {
        /// What.
        doing: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl Coded for ServeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Settings(e) => e.code(),
            Self::Open(e) => e.code(),
            Self::InUse(_) => "data-in-use",
            Self::Listen { .. } => "listen-failed",
            Self::Tls(_) => "tls-unusable",
            Self::Traces(_) => "traces-unusable",
            Self::System { .. } => "system-failed",
        }
    }
    fn action(&self) -> &'static str {
        match self {
            Self::Settings(e) => e.action(),
            Self::Open(e) => e.action(),
            Self::InUse(_) => "Stop the other gateway, or name another data folder.",
            Self::Listen { .. } => "Choose another address or port under `listen`.",
            Self::Traces(_) => "Check the endpoint under [traces], or leave it out.",
            Self::Tls(_) => "Check that both files are PEM and belong together.",
            Self::System { .. } => "Check the data folder and its rights.",
        }
    }
}

impl From<KeysError> for ServeError {
    fn from(error: KeysError) -> Self {
        Self::Open(error.into())
    }
}

fn system(doing: &'static str) -> impl FnOnce(std::io::Error) -> ServeError {
    move |source| ServeError::System { doing, source }
}

/// Takes the data folder for this process alone; the lock ends with the process.
///
/// # Errors
/// [`ServeError::InUse`].
pub fn lock(settings: &Settings) -> Result<File, ServeError> {
    private_folder(&settings.data)?;
    must_be_private(&settings.data)?;
    let file = File::create(settings.data.join("lock")).map_err(system("make the lock file"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServeError::InUse(settings.data.clone())),
        Err(TryLockError::Error(source)) => Err(system("lock the data folder")(source)),
    }
}

/// Serves until SIGTERM or SIGINT. Prints one JSON line with the addresses on standard output when ready.
///
/// # Errors
/// Any [`ServeError`], before anything is served.
pub async fn serve(settings: Settings, clock: Clock) -> Result<(), ServeError> {
    settings.check()?;
    let tls = settings
        .tls
        .as_ref()
        .map(certificate::read)
        .transpose()?
        .map(RustlsConfig::from_config);
    let _lock = lock(&settings)?;
    let (listener, address) = listen(settings.listen)?;
    let (for_admin, admin_address) = listen(settings.admin.listen)?;
    let for_operator = operator::listen(&settings.data).map_err(system("open the operator's socket"))?;
    let gateway = open(settings, clock).await?;

    let handle = Handle::new();
    let stop = tokio::spawn(stop_on_signal(gateway.clone(), handle.clone())?);
    let mut background = vec![
        tokio::spawn(gateway.clone().attend_operator(for_operator)),
        tokio::spawn(watch_chain(gateway.clone())),
        tokio::spawn(publish_checkpoints(gateway.clone())),
        tokio::spawn(forget_idle(gateway.clone())),
        tokio::spawn(attend_admin(gateway.clone(), for_admin)),
        tokio::spawn(hear_news(gateway.clone())),
        tokio::spawn(sweep(gateway.clone())),
    ];
    if let (Some(files), Some(served)) = (gateway.settings.tls.clone(), tls.clone()) {
        let hangup = certificate::hangup().map_err(system("listen to signals"))?;
        background.push(tokio::spawn(certificate::follow(files, served, hangup)));
    }
    announce(address, admin_address, tls.is_some()).map_err(system("print the address"))?;
    service_manager::tell(READY);
    let service = app(gateway.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let door = Door::new(&gateway.settings.limits);
    let result = match tls {
        Some(tls) => {
            let server = axum_server::from_tcp_rustls(listener, tls).map_err(system("listen"))?;
            timed(server.map(|tls| tls.acceptor(door)))
                .handle(handle)
                .serve(service)
                .await
        }
        None => {
            let server = axum_server::from_tcp(listener).map_err(system("listen"))?;
            timed(server.acceptor(door)).handle(handle).serve(service).await
        }
    };
    stop.abort();
    background.iter().for_each(tokio::task::JoinHandle::abort);
    let _socket_may_be_gone = std::fs::remove_file(operator::socket(&gateway.settings.data));
    result.map_err(system("serve"))
}

async fn open(settings: Settings, clock: Clock) -> Result<Gateway, ServeError> {
    let opened = tokio::task::spawn_blocking(move || Gateway::open(settings, clock)).await;
    let gateway = opened.map_err(|error| system("open the data folder")(std::io::Error::other(error)))??;
    // After a quick restart the second of the last request may not be over: better to wait than to refuse.
    for _ in 0..20 {
        if gateway.replay.must_wait(gateway.clock.now()) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(gateway)
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn announce(address: SocketAddr, admin: SocketAddr, encrypted: bool) -> std::io::Result<()> {
    let scheme = if encrypted { "https" } else { "http" };
    tracing::info!(%address, %admin, scheme, "listening");
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{}",
        serde_json::json!({ "listening": format!("{scheme}://{address}"), "admin": format!("http://{admin}") })
    )?;
    out.flush()
}

fn stop_on_signal(
    gateway: Gateway,
    handle: Handle<SocketAddr>,
) -> Result<impl Future<Output = ()> + Send + 'static, ServeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(system("listen to signals"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(system("listen to signals"))?;
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        let drain = gateway.settings.admin.drain;
        tracing::info!(drain, "stopping");
        service_manager::tell(STOPPING);
        gateway.draining.send_replace(true);
        tokio::time::sleep(Duration::from_secs(drain)).await;
        gateway.closing.send_replace(true);
        handle.graceful_shutdown(Some(GRACE));
    })
}

/// Answers on the admin listener.
async fn attend_admin(gateway: Gateway, listener: TcpListener) {
    if let Err(error) = admin::serve(gateway, listener).await {
        tracing::error!(%error, "the admin listener failed");
    }
}

/// Keeps the counts of requests small.
async fn forget_idle(gateway: Gateway) {
    loop {
        tokio::time::sleep(Duration::from_secs(10)).await;
        gateway.rates.forget_idle();
    }
}

/// Looks at the chain at its cadence.
pub async fn watch_chain(gateway: Gateway) {
    let mut silent = false;
    loop {
        let looked = gateway.blocking(|g| Ok(g.look()?)).await;
        let _only_a_panic = gateway
            .blocking(|g| {
                g.ledger.mind();
                Ok(())
            })
            .await;
        match (&looked, silent) {
            (Err(problem), false) => tracing::warn!(%problem.fault, "the chain is silent"),
            (Ok(()), true) => tracing::info!("the chain is heard again"),
            _ => {}
        }
        silent = looked.is_err();
        tokio::time::sleep(Duration::from_millis(gateway.settings.chain.poll)).await;
    }
}

/// Hears what other gateways tell.
pub async fn hear_news(gateway: Gateway) {
    while gateway.store.is_shared() {
        tokio::time::sleep(HEAR).await;
        if let Err(problem) = gateway.blocking(Gateway::hear).await {
            tracing::warn!(%problem.fault, "other gateways' news were not heard");
        }
    }
}

/// Forgets what is too old.
async fn sweep(gateway: Gateway) {
    loop {
        tokio::time::sleep(SWEEP).await;
        if let Err(problem) = gateway.blocking(|g| Ok(g.store.sweep(g.clock.now())?)).await {
            tracing::warn!(%problem.fault, "what is too old was not forgotten");
        }
    }
}

/// Publishes checkpoints at their cadence, and the tiles up to the newest one that is on the chain.
pub async fn publish_checkpoints(gateway: Gateway) {
    loop {
        tokio::time::sleep(Duration::from_secs(gateway.settings.log.checkpoint.max(1))).await;
        match gateway.blocking(Gateway::publish_checkpoint).await {
            Ok(Some(outcome)) => tracing::debug!(block = outcome.block, "checkpoint published"),
            Ok(None) => {}
            Err(problem) => tracing::warn!(%problem.fault, "the checkpoint was not published"),
        }
        match gateway.publish_tiles().await {
            Ok(Some(size)) => tracing::debug!(size, "tiles published"),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the log's tiles were not published"),
        }
    }
}
