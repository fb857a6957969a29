//! A clean machine is brought to a gateway over PostgreSQL and a chain by docs/operate.md alone: its boxes marked `sh` are run as they
//! stand, one after the other, in one shell.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

#[path = "../../chain/tests/common/anvil.rs"]
mod anvil;
mod support;

use anvil::{Anvil, system_now};
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use support::postgres::Cluster;

const PAPER: &str = include_str!("../../docs/operate.md");
const CHAIN: u64 = 31_337;

/// The boxes, and a shell that stays until it is told to go, so that what it started stays too.
fn script() -> String {
    let boxes = PAPER
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    let all: Vec<_> = boxes.collect();
    assert!(all.len() >= 6, "the paper has lost its boxes");
    format!(
        "set -eu\n{}\ncat > /dev/null\nkill $!\nwait $! || true\n",
        all.join("\n")
    )
}

/// A shell that runs the paper; what it started ends with it.
struct Operator(Child);

impl Operator {
    fn at(folder: &Path, database: &Path, chain: &str) -> Self {
        let programs = Path::new(env!("CARGO_BIN_EXE_wardkey-gateway")).parent().unwrap();
        let postgres = support::postgres::programs();
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{}:{path}", programs.display(), postgres.display());
        let child = Command::new("sh")
            .args(["-c", &script()])
            .current_dir(folder)
            .env("PATH", path)
            .env("PGHOST", database)
            .env("PGUSER", "postgres")
            .env("CHAIN", chain)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("shell.log")).unwrap())
            .spawn();
        Self(child.unwrap())
    }

    /// The gateway's address, once it serves.
    fn ready(&mut self, folder: &Path) -> String {
        loop {
            let said = std::fs::read_to_string(folder.join("ready.json")).unwrap_or_default();
            if let Ok(said) = serde_json::from_str::<Value>(&said) {
                return said["listening"].as_str().unwrap().to_owned();
            }
            if let Some(status) = self.0.try_wait().unwrap() {
                let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
                panic!(
                    "the paper's commands ended with {status}: {}{}",
                    read("shell.log"),
                    read("gateway.log")
                );
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.0.stdin.take();
        let _ended = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_paper_alone_brings_up_a_gateway_over_postgresql_and_a_chain() {
    let folder = tempfile::tempdir().unwrap();
    let (cluster, chain) = (Cluster::start("operate"), Anvil::start(CHAIN, system_now() - 10, &[]));
    let mut operator = Operator::at(folder.path(), &cluster.folder, &chain.url());
    let url = operator.ready(folder.path());
    let network: Value = serde_json::from_str(&get(&url, "/v1/network").await).unwrap();
    assert_eq!(
        (network["chainId"].as_u64(), network["name"].as_str()),
        (Some(CHAIN), Some("Ward network"))
    );
    assert_eq!(get(&url, "/v1/institutions").await, "[]");
    assert_eq!(cluster.sql("wardkey", "SELECT count(*) FROM network"), "1");
}

async fn get(url: &str, path: &str) -> String {
    let _first = rustls::crypto::ring::default_provider().install_default();
    let answer = reqwest::get(format!("{url}{path}")).await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}
