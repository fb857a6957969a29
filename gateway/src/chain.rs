//! Which chain the gateway works with, by its settings.

use crate::clock::Clock;
use crate::keys::{Keys, private_file};
use crate::ledger::Patience;
use crate::settings::{Settings, SettingsError};
use crate::state::OpenError;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use wardkey_chain::{Chain, ChainError, Embedded, Finality, Genesis, Network, Rpc, RpcSettings, SponsorSettings};
use wardkey_core::key::PublicKey;
use wardkey_core::typed::Domain;

/// Longest wait for one answer of a node.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where the contract is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// In a ledger of the gateway's own.
    Embedded,
    /// On a chain, over JSON-RPC.
    Rpc,
}

/// From when a block counts as final.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum FinalitySetting {
    /// When so many blocks follow it.
    Confirmations(u64),
    /// `finalized` or `latest`.
    Tag(String),
}

/// The chain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainSettings {
    /// Where the contract is.
    pub backend: Backend,
    /// EIP-155 chain id; for the embedded ledger used when it is made.
    pub id: u64,
    /// Seconds without news after which permissions are refused.
    pub silent_after: u64,
    /// Milliseconds between two looks at the chain.
    pub poll: u64,
    /// Most seconds between two blocks; 0 if blocks come only when needed.
    pub block_time: u64,
    /// URLs of nodes.
    pub endpoints: Vec<String>,
    /// How many nodes must say the same; 0 = one, or two of three and more.
    pub quorum: usize,
    /// Address of the contract.
    pub contract: Option<String>,
    /// Salt of the deployment.
    pub salt: Option<String>,
    /// Gateway's key that the contract was deployed with; this gateway's own if left out.
    pub deployed_for: Option<PublicKey>,
    /// Block of the deployment.
    pub deployed_block: u64,
    /// From when a block counts as final.
    pub finality: FinalitySetting,
    /// Whether a block's hash is Keccak-256 of its header.
    pub header_hash: bool,
    /// File of the sponsor's key, relative to the data folder.
    pub sponsor_key: PathBuf,
    /// Most to be paid a unit of gas.
    pub max_fee_gwei: u64,
    /// Seconds after which a transaction in no block is replaced by one that pays more.
    pub replace_after: u64,
    /// Longest wait for an action to be in a block, seconds.
    pub wait: u64,
    /// Balance of the sponsor under which a warning is given.
    pub low_balance_gwei: u64,
}

impl ChainSettings {
    /// Refuses what is incomplete or not safe.
    ///
    /// # Errors
    /// [`SettingsError::Chain`], [`SettingsError::UnencryptedChain`].
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.backend == Backend::Embedded {
            return Ok(());
        }
        let wrong = |what| Err(SettingsError::Chain(what));
        if let Some(open) = self.endpoints.iter().position(|url| !is_safe(url)) {
            return Err(SettingsError::UnencryptedChain(open + 1));
        }
        if self.endpoints.is_empty() {
            return wrong("endpoints names no node");
        }
        if self.quorum > self.endpoints.len() {
            return wrong("quorum is larger than the number of endpoints");
        }
        if self.finality()? == Finality::Confirmations(0) {
            return wrong("finality of 0 blocks is \"latest\": say so if the chain never replaces a block");
        }
        if self.max_fee_gwei == 0 || self.replace_after == 0 || self.wait == 0 {
            return wrong("max_fee_gwei, replace_after and wait must be more than 0");
        }
        self.domain().map(drop)
    }

    /// How long silence is borne.
    #[must_use]
    pub const fn patience(&self) -> Patience {
        Patience {
            silent_after: self.silent_after,
            block_time: self.block_time,
        }
    }

    fn quorum(&self) -> usize {
        match (self.quorum, self.endpoints.len()) {
            (0, 3..) => 2,
            (0, _) => 1,
            (set, _) => set,
        }
    }

    fn finality(&self) -> Result<Finality, SettingsError> {
        match &self.finality {
            FinalitySetting::Confirmations(count) => Ok(Finality::Confirmations(*count)),
            FinalitySetting::Tag(tag) if tag == "finalized" => Ok(Finality::Tag),
            FinalitySetting::Tag(tag) if tag == "latest" => Ok(Finality::Latest),
            FinalitySetting::Tag(_) => Err(SettingsError::Chain(
                "finality is \"finalized\", \"latest\" or a number",
            )),
        }
    }

    fn domain(&self) -> Result<Domain, SettingsError> {
        let mut domain = Domain {
            chain_id: self.id,
            contract: [0; 20],
            salt: [0; 32],
        };
        fill(self.contract.as_deref(), &mut domain.contract, "contract is no address")?;
        fill(self.salt.as_deref(), &mut domain.salt, "salt is not 64 hex digits")?;
        Ok(domain)
    }
}

fn fill(text: Option<&str>, bytes: &mut [u8], what: &'static str) -> Result<(), SettingsError> {
    let text = text.unwrap_or_default();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode_to_slice(digits, bytes).map_err(|_| SettingsError::Chain(what))
}

/// HTTPS, or an address of this machine.
fn is_safe(url: &str) -> bool {
    let clear = url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
    let local = clear.and_then(|authority| authority.parse::<SocketAddr>().ok());
    url.starts_with("https://") || local.is_some_and(|address| address.ip().is_loopback())
}

/// Opens the chain of the settings.
///
/// # Errors
/// [`OpenError`].
pub fn open(settings: &Settings, clock: &Clock, keys: &Keys) -> Result<Arc<dyn Chain>, OpenError> {
    match settings.chain.backend {
        Backend::Embedded => embedded(settings, clock, keys),
        Backend::Rpc => rpc(settings, clock, keys),
    }
}

fn embedded(settings: &Settings, clock: &Clock, keys: &Keys) -> Result<Arc<dyn Chain>, OpenError> {
    let genesis = Genesis {
        operator: keys.operator.public(),
        gateway: keys.gateway.public(),
        chain_id: settings.chain.id,
        salt: keys.salt,
    };
    let file = settings.data.join("ledger.sqlite");
    private_file(&file)?;
    Ok(Arc::new(Embedded::open(&file, genesis, clock.shared())?))
}

fn rpc(settings: &Settings, clock: &Clock, keys: &Keys) -> Result<Arc<dyn Chain>, OpenError> {
    let chain = &settings.chain;
    let wrong = |error: SettingsError| ChainError::OtherDeployment(error.to_string());
    let outbox = settings.data.join("outbox.sqlite");
    private_file(&outbox)?;
    let rpc = RpcSettings {
        endpoints: chain.endpoints.clone(),
        quorum: chain.quorum(),
        timeout: TIMEOUT,
        network: Network {
            domain: chain.domain().map_err(wrong)?,
            operator: keys.operator.public(),
            gateway: chain.deployed_for.unwrap_or_else(|| keys.gateway.public()),
        },
        deployed_block: chain.deployed_block,
        finality: chain.finality().map_err(wrong)?,
        header_hash: chain.header_hash,
        sponsor: SponsorSettings {
            key: settings.data.join(&chain.sponsor_key),
            outbox,
            max_fee_gwei: chain.max_fee_gwei,
            replace_after: chain.replace_after,
            wait: chain.wait,
            low_balance_gwei: chain.low_balance_gwei,
        },
    };
    Ok(Arc::new(Rpc::open(rpc, clock.shared())?))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use wardkey_core::fault::Coded as _;

    fn check(more: &str) -> Result<(), &'static str> {
        let contract = format!("contract = \"0x{}\"\nsalt = \"{}\"\n", "11".repeat(20), "22".repeat(32));
        let text = format!("[chain]\nbackend = \"rpc\"\n{contract}{more}");
        Settings::parse(&text).unwrap().check().map_err(|error| error.code())
    }

    #[test]
    fn nodes_elsewhere_need_https() {
        for safe in [
            "https://node.example/key",
            "http://127.0.0.1:8545",
            "http://[::1]:8545/",
        ] {
            check(&format!("endpoints = [\"{safe}\"]")).unwrap();
        }
        for open in [
            "http://node.example",
            "http://127.0.0.1.example:80",
            "ws://127.0.0.1:1",
            "http://10.0.0.1:8545",
        ] {
            let endpoints = format!("endpoints = [\"https://a.example\", \"{open}\"]");
            assert_eq!(check(&endpoints), Err("chain-tls-required"), "{open}");
        }
    }

    #[test]
    fn what_is_incomplete_is_refused() {
        let one = "endpoints = [\"https://a.example\"]\n";
        assert_eq!(check(""), Err("chain-settings"));
        for wrong in [
            "quorum = 2",
            "finality = 0",
            "finality = \"safe\"",
            "max_fee_gwei = 0",
            "wait = 0",
        ] {
            assert_eq!(check(&format!("{one}{wrong}")), Err("chain-settings"), "{wrong}");
        }
        for right in ["finality = 12", "finality = \"latest\"", "quorum = 1"] {
            check(&format!("{one}{right}")).unwrap();
        }
        let without = Settings::parse(&format!("[chain]\nbackend = \"rpc\"\n{one}")).unwrap();
        assert_eq!(without.check().unwrap_err().code(), "chain-settings");
    }

    #[test]
    fn two_of_three_nodes_must_agree_unless_said_otherwise() {
        let quorum = |more: &str| Settings::parse(&format!("[chain]\n{more}")).unwrap().chain.quorum();
        assert_eq!(quorum("endpoints = [\"a\", \"b\"]"), 1);
        assert_eq!(quorum("endpoints = [\"a\", \"b\", \"c\"]"), 2);
        assert_eq!(quorum("endpoints = [\"a\", \"b\", \"c\"]\nquorum = 3"), 3);
    }
}
