//! Asking a server over real sockets on loopback: connections kept open, each asking again as soon as it is answered.

use anyhow::Context as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a server answered.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    /// How long each answer took, shortest first.
    pub took: Vec<Duration>,
    /// From the first question to the last answer.
    pub time: Duration,
}

impl Answered {
    /// Answers per second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        count(self.took.len()) / self.time.as_secs_f64()
    }

    /// Number of answers.
    #[must_use]
    pub fn answers(&self) -> f64 {
        count(self.took.len())
    }

    /// The time within which this share of the answers came, 0 to 1.
    #[must_use]
    pub fn within(&self, share: f64) -> Duration {
        let place = (count(self.took.len()) * share).floor();
        let last = self.took.len().saturating_sub(1);
        // A share of a count is a count.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ place ≤ len")]
        let place = (place as usize).min(last);
        self.took.get(place).copied().unwrap_or_default()
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
const fn count(n: usize) -> f64 {
    n as f64
}

/// Asks over so many connections for as long as `time`, or until there is no further request.
///
/// # Errors
/// A request that cannot be made; an answer that is not 200.
pub async fn load(
    address: SocketAddr,
    connections: usize,
    time: Duration,
    request: impl Fn() -> anyhow::Result<Option<Vec<u8>>> + Send + Sync + 'static,
) -> anyhow::Result<Answered> {
    let (request, stop) = (Arc::new(request), Arc::new(AtomicBool::new(false)));
    let start = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|_| {
            let (request, stop) = (Arc::clone(&request), Arc::clone(&stop));
            tokio::task::spawn_blocking(move || client(address, request.as_ref(), &stop))
        })
        .collect();
    let all = futures::future::join_all(clients);
    tokio::pin!(all);
    let ended = tokio::select! {
        ended = &mut all => ended,
        () = tokio::time::sleep(time) => {
            stop.store(true, Ordering::Relaxed);
            all.await
        }
    };
    let time = start.elapsed();
    let mut took = Vec::new();
    for client in ended {
        took.extend(client??);
    }
    took.sort_unstable();
    Ok(Answered { took, time })
}

fn client(
    address: SocketAddr,
    request: &(dyn Fn() -> anyhow::Result<Option<Vec<u8>>> + Sync),
    stop: &AtomicBool,
) -> anyhow::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut took = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let Some(request) = request()? else { break };
        let asked = Instant::now();
        stream.write_all(&request)?;
        answer(&mut reader)?;
        took.push(asked.elapsed());
    }
    Ok(took)
}

/// Reads one answer, which must be 200 with a known length.
fn answer(reader: &mut BufReader<TcpStream>) -> anyhow::Result<()> {
    let (mut line, mut length, mut first) = (String::new(), 0, true);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        if std::mem::take(&mut first) {
            anyhow::ensure!(line.starts_with("HTTP/1.1 200"), "the server answered {line}");
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().context("content-length")?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(())
}
