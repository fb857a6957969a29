//! Bad days on real sockets: garbage as fast as it can be sent, and clients that dawdle. A good client beside them is served.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use reqwest::Client;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::process::Process;

/// Only a guard.
const GUARD: Duration = Duration::from_secs(30);
/// Requests that are no requests of ours: unknown addresses, broken signatures, bodies that are no JSON.
const GARBAGE: [&str; 4] = [
    "GET /v1/nothing HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /v1/grants HTTP/1.1\r\nhost: x\r\nsignature: wardkey=:AAAA:\r\nsignature-input: wardkey=(\"@method\")\r\n\r\n",
    "POST /v1/actions HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\n{\"a\":[",
    "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
];
const SENDERS: usize = 4;
/// Each sender's requests, sent in groups without waiting for an answer between.
const GROUPS: usize = 150;
const GROUP: usize = 64;

/// A client from another address of this machine than the flood's.
fn good_client() -> Client {
    let _first = rustls::crypto::ring::default_provider().install_default();
    let from = Client::builder().local_address(Some([127, 0, 0, 2].into()));
    from.timeout(GUARD).no_proxy().build().unwrap()
}

fn resident(gateway: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Sends garbage over one connection and counts the answers; connects again when it is shut out.
fn flood(address: &str, which: usize, answered: &AtomicU64) {
    let group = GARBAGE[which % GARBAGE.len()].repeat(GROUP);
    for _ in 0..GROUPS {
        let Ok(mut stream) = TcpStream::connect(address) else {
            continue;
        };
        if stream.write_all(group.as_bytes()).is_err() {
            continue;
        }
        let _half_closed = stream.shutdown(std::net::Shutdown::Write);
        let mut answers = Vec::new();
        let _cut_off = stream.read_to_end(&mut answers);
        let count = answers.windows(9).filter(|window| window == b"HTTP/1.1 ").count();
        answered.fetch_add(count as u64, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_without_end_does_not_stop_a_good_client_or_fill_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Process::start(&folder.path().join("data"), &[]);
    let address: Arc<str> = gateway.url.trim_start_matches("http://").into();
    let before = resident(&gateway);
    let (answered, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let start = Instant::now();
    let senders: Vec<_> = (0..SENDERS)
        .map(|which| {
            let (address, answered) = (Arc::clone(&address), Arc::clone(&answered));
            std::thread::spawn(move || flood(&address, which, &answered))
        })
        .collect();
    let ended = Arc::clone(&over);
    let waiting = std::thread::spawn(move || {
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        ended.store(true, Ordering::Relaxed);
    });
    let (client, mut served) = (good_client(), 0);
    while !over.load(Ordering::Relaxed) {
        let answer = client.get(format!("{}/v1/network", gateway.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        served += 1;
    }
    waiting.join().unwrap();
    let (answered, seconds) = (answered.load(Ordering::Relaxed), start.elapsed().as_secs_f64());
    let grown = resident(&gateway).saturating_sub(before);
    println!(
        "{answered} garbage requests in {seconds:.1} s, {served} good ones beside them, {} KiB more memory",
        grown / 1024
    );
    assert!(answered >= 10_000, "the flood was none: {answered}");
    assert!(served > 10, "the good client was served {served} times");
    assert!(grown < 96 << 20, "{grown} bytes more memory");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_send_a_byte_now_and_then_hold_up_nobody_and_are_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Process::start(&folder.path().join("data"), &[]);
    let address = gateway.url.trim_start_matches("http://");
    let heads = [
        "GET /v1/network HTTP/1.1\r\nhost:",
        "POST /v1/actions HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n{",
    ];
    let mut slow: Vec<_> = (0..200)
        .map(|n| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(heads[n % 2].as_bytes()).unwrap();
            stream.set_nonblocking(true).unwrap();
            Some(stream)
        })
        .collect();
    let client = good_client();
    let start = Instant::now();
    while slow.iter().any(Option::is_some) {
        let answer = client.get(format!("{}/v1/network", gateway.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        for place in &mut slow {
            let gone = place.as_mut().is_some_and(|stream| {
                let mut end = [0; 256];
                let closed = matches!(stream.read(&mut end), Ok(0));
                closed
                    || stream
                        .write_all(b"x")
                        .is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock)
            });
            if gone {
                *place = None;
            }
        }
        assert!(start.elapsed() < 2 * GUARD, "slow clients are held for ever");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
