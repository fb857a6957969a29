//! `wardkey chain`: the contract on a chain, and the account that pays. Needs no card and no workstation.

use crate::args::{ChainCommand, Deployment};
use crate::exit::Exit;
use crate::out::{Out, notice};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;
use wardkey_chain::rpc::{Deployed, Inspection, Plan, SponsorKey, deploy, inspect};
use wardkey_chain::{ChainError, Network};
use wardkey_core::key::{PublicKey, SoftKey};
use wardkey_core::typed::Domain;
use wardkey_desk::Notice;

/// Longest wait for a block.
const WAIT: Duration = Duration::from_secs(300);

/// Does what was asked. Blocks.
///
/// # Errors
/// [`ChainError`] as a notice.
pub fn chain(out: &Out, command: &ChainCommand) -> Result<Exit, Notice> {
    let done = match command {
        ChainCommand::Key { file } => key(out, file),
        ChainCommand::Deploy {
            deployment,
            key,
            max_fee_gwei,
        } => put(out, deployment, key, *max_fee_gwei),
        ChainCommand::Verify { deployment } => look(out, deployment, None),
        ChainCommand::Status { deployment, key } => look(out, deployment, Some(key)),
    };
    done.map(|()| Exit::Ok).map_err(|error| notice(&error))
}

#[derive(Serialize)]
struct Account {
    address: String,
}

fn key(out: &Out, file: &Path) -> Result<(), ChainError> {
    // A P-256 key's 32 random bytes serve as well: they are below secp256k1's order but for one in 2³².
    let random = SoftKey::generate().map_err(|_| ChainError::Sponsor("the system gives no randomness".into()))?;
    let address = SponsorKey::make(file, *random.to_bytes())?.address().to_string();
    out.result(&Account { address }, |account| account.address.clone());
    Ok(())
}

fn put(out: &Out, asked: &Deployment, key: &Path, max_fee_gwei: u64) -> Result<(), ChainError> {
    let key = SponsorKey::open(key)?;
    let salt = salt(&asked.salt)?;
    let plan = Plan::of(&public(&asked.operator)?, &public(&asked.gateway)?, &salt)?;
    out.say(&format!("the contract's address will be {}", plan.contract));
    let deployed = deploy(&asked.endpoint, asked.chain, &plan, &key, max_fee_gwei, WAIT)?;
    out.result(&deployed, |deployed| snippet(asked, deployed));
    Ok(())
}

/// What belongs into the gateway's settings.
fn snippet(asked: &Deployment, deployed: &Deployed) -> String {
    let endpoints: Vec<_> = asked.endpoint.iter().map(|url| format!("\"{url}\"")).collect();
    let Deployed { contract, block, .. } = deployed;
    format!(
        "[chain]\nbackend = \"rpc\"\nid = {}\nendpoints = [{}]\ncontract = \"{contract}\"\nsalt = \"{}\"\ndeployed_for = \"{}\"\ndeployed_block = {block}",
        asked.chain,
        endpoints.join(", "),
        asked.salt,
        asked.gateway,
    )
}

fn look(out: &Out, asked: &Deployment, key: Option<&Path>) -> Result<(), ChainError> {
    let sponsor = key.map(SponsorKey::open).transpose()?.map(|key| key.address());
    let (operator, gateway, salt) = (public(&asked.operator)?, public(&asked.gateway)?, salt(&asked.salt)?);
    let contract = Plan::of(&operator, &gateway, &salt)?.contract.into_array();
    let domain = Domain {
        chain_id: asked.chain,
        contract,
        salt,
    };
    let network = Network {
        domain,
        operator,
        gateway,
    };
    let found = inspect(&asked.endpoint, &network, sponsor)?;
    out.result(&found, words);
    Ok(())
}

fn words(found: &Inspection) -> String {
    let mut lines = vec![
        format!(
            "contract {} of block {}: its code is this program's",
            found.contract, found.deployed_block
        ),
        format!("newest block {}", found.head),
    ];
    lines.extend(found.balance_gwei.map(|gwei| format!("the sponsor has {gwei} gwei")));
    for node in &found.endpoints {
        lines.push(format!("{}: {}", node.name, node.trouble.as_deref().unwrap_or("well")));
    }
    lines.join("\n")
}

fn public(text: &str) -> Result<PublicKey, ChainError> {
    let key = serde_json::from_value(serde_json::Value::String(text.to_owned()));
    key.map_err(|_| ChainError::Malformed("a key is not a P-256 point in hex"))
}

fn salt(text: &str) -> Result<[u8; 32], ChainError> {
    let digest: Result<wardkey_core::id::Digest, _> =
        serde_json::from_value(serde_json::Value::String(text.to_owned()));
    digest
        .map(|digest| digest.0)
        .map_err(|_| ChainError::Malformed("the salt is not 64 hex digits"))
}
