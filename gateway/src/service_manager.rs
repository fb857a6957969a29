//! What the service manager is told (sd_notify(3)): one datagram to the socket that `NOTIFY_SOCKET` names, if it names one.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Requests are served from now on.
pub const READY: &str = "READY=1";
/// The gateway is ending.
pub const STOPPING: &str = "STOPPING=1";

/// Tells it. Without a service manager nothing happens; a deaf one is no reason not to serve.
pub fn tell(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET").and_then(|name| name.into_string().ok()) else {
        return;
    };
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&name),
    };
    let sent = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
    if let Err(error) = sent {
        tracing::warn!(%error, "the service manager was not told");
    }
}
