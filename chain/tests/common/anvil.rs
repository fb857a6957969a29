//! A chain of its own: anvil (Foundry), as pinned in chain/contracts/package.json, on a free port; ended when dropped.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "test support; no test uses all of it"
)]

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use wardkey_chain::rpc::{Plan, SponsorKey, deploy};
use wardkey_chain::{Finality, Genesis, Network, Rpc, RpcSettings, SponsorSettings};
use wardkey_core::typed::Domain;

/// Key of the first account that anvil gives money to; known to everybody.
const RICH: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// Its address.
pub const RICH_ADDRESS: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

pub struct Anvil {
    child: Child,
    pub port: u16,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _may_have_ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn program() -> PathBuf {
    let machine = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../chain/contracts/node_modules/@foundry-rs");
    let path = packages.join(format!("anvil-linux-{machine}/bin/anvil"));
    assert!(
        path.exists(),
        "anvil is missing: `cargo xtask test` installs it, or `npm ci` in chain/contracts"
    );
    path
}

impl Anvil {
    /// Starts a chain whose first block has this time, seconds since 1970.
    pub fn start(chain_id: u64, time: u64, more: &[&str]) -> Self {
        Self::start_on(0, chain_id, time, more)
    }

    pub fn start_on(port: u16, chain_id: u64, time: u64, more: &[&str]) -> Self {
        let mut child = Command::new(program())
            .args([
                "--host",
                "127.0.0.1",
                "--hardfork",
                "osaka",
                "--accounts",
                "2",
                "--no-request-size-limit",
            ])
            .args([
                "--port",
                &port.to_string(),
                "--chain-id",
                &chain_id.to_string(),
                "--timestamp",
                &time.to_string(),
            ])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned))
            .unwrap();
        // What it prints later is read and dropped, so that the pipe never fills.
        std::thread::spawn(move || lines.for_each(drop));
        let port = address.rsplit_once(':').unwrap().1.trim().parse().unwrap();
        Self { child, port }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the node.
    pub fn ask(&self, method: &str, parameters: &Value) -> Value {
        ask(self.port, method, parameters).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// The newest block has this time, if that is possible, and the next one will have.
    pub fn stay_at(&self, time: u64) {
        self.next_at(time);
        self.ask("evm_mine", &json!([]));
        self.next_at(time);
    }

    /// The next block has this time, or that of the newest one, if blocks that were mined freely have got ahead of it.
    pub fn next_at(&self, time: u64) {
        let newest = self.ask("eth_getBlockByNumber", &json!(["latest", false]));
        let newest = newest["timestamp"].as_str().unwrap();
        let newest = u64::from_str_radix(&newest[2..], 16).unwrap();
        self.ask("evm_setNextBlockTimestamp", &json!([time.max(newest)]));
    }

    pub fn head(&self) -> u64 {
        let number = self.ask("eth_blockNumber", &json!([]));
        u64::from_str_radix(&number.as_str().unwrap()[2..], 16).unwrap()
    }

    /// Deploys the contract and connects to it. Files of the sponsor are in `dir`.
    pub fn ledger(&self, dir: &Path, genesis: Genesis) -> Rpc {
        Rpc::open(self.deployed(dir, genesis), Arc::new(system_now)).unwrap()
    }

    /// Deploys the contract; the settings for it.
    pub fn deployed(&self, dir: &Path, genesis: Genesis) -> RpcSettings {
        let plan = Plan::of(&genesis.operator, &genesis.gateway, &genesis.salt).unwrap();
        let key = sponsor_key(dir);
        let wait = Duration::from_secs(20);
        let deployed = deploy(&[self.url()], genesis.chain_id, &plan, &key, 100, wait).unwrap();
        RpcSettings {
            endpoints: vec![self.url()],
            quorum: 1,
            timeout: Duration::from_secs(5),
            network: Network {
                domain: Domain {
                    chain_id: genesis.chain_id,
                    contract: deployed.contract.into_array(),
                    salt: genesis.salt,
                },
                operator: genesis.operator,
                gateway: genesis.gateway,
            },
            deployed_block: deployed.block,
            finality: Finality::Latest,
            header_hash: true,
            sponsor: SponsorSettings {
                key: dir.join("sponsor.key"),
                outbox: dir.join("outbox.sqlite"),
                max_fee_gwei: 100,
                replace_after: 1,
                wait: 20,
                low_balance_gwei: 1_000_000_000,
            },
        }
    }
}

pub fn system_now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// The rich account's key, in a file in `dir`.
pub fn sponsor_key(dir: &Path) -> SponsorKey {
    let mut bytes = [0; 32];
    hex::decode_to_slice(RICH, &mut bytes).unwrap();
    SponsorKey::make(&dir.join("sponsor.key"), bytes).unwrap()
}

/// One JSON-RPC call over a connection of its own.
pub fn ask(port: u16, method: &str, parameters: &Value) -> Result<Value, String> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
    let answer = post(port, &body.to_string()).map_err(|e| e.to_string())?;
    let answer: Value = serde_json::from_str(&answer).map_err(|e| e.to_string())?;
    match answer.get("error") {
        Some(error) => Err(error.to_string()),
        None => Ok(answer["result"].clone()),
    }
}

/// Posts JSON; gives the answer's body.
pub fn post(port: u16, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let length = body.len();
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::InvalidData)?;
    if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return Ok(unchunked(body));
    }
    Ok(body.to_owned())
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        whole.push_str(&rest[..size]);
        body = rest.get(size + 2..).unwrap_or("");
        if size == 0 {
            break;
        }
    }
    whole
}
