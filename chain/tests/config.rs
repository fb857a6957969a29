//! The chains' files in `config/`: what can be held without running Besu or geth.
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use wardkey_chain::rpc::{PROXY, PROXY_CODE};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config").join(name)
}

fn text(name: &str) -> String {
    let file = folder(name);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn json(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

fn toml(name: &str) -> toml::Table {
    text(name).parse().unwrap()
}

/// An item of RLP.
#[derive(Debug, PartialEq)]
enum Item {
    Bytes(Vec<u8>),
    List(Vec<Item>),
}

/// One item and what follows it; every length must be the shortest that holds and lie within the input.
fn item(input: &[u8]) -> (Item, &[u8]) {
    let (first, rest) = input.split_first().unwrap();
    let long = |base: u8| {
        let (size, rest) = rest.split_at(usize::from(first - base));
        let length = size.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        assert!(length > 55 && size[0] != 0, "not the shortest form");
        rest.split_at(length)
    };
    let short = |base: u8| rest.split_at(usize::from(first - base));
    match first {
        0x00..=0x7f => (Item::Bytes(vec![*first]), rest),
        0x80..=0xb7 => (Item::Bytes(short(0x80).0.to_vec()), short(0x80).1),
        0xb8..=0xbf => (Item::Bytes(long(0xb7).0.to_vec()), long(0xb7).1),
        0xc0..=0xf7 => (Item::List(items(short(0xc0).0)), short(0xc0).1),
        0xf8..=0xff => (Item::List(items(long(0xf7).0)), long(0xf7).1),
    }
}

fn items(mut input: &[u8]) -> Vec<Item> {
    let mut list = Vec::new();
    while !input.is_empty() {
        let (next, rest) = item(input);
        list.push(next);
        input = rest;
    }
    list
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap().strip_prefix("0x").unwrap()).unwrap()
}

#[test]
fn besu_starts_with_the_four_validators_of_the_list() {
    let extra = bytes(&json("besu/genesis.json")["extraData"]);
    let (found, rest) = item(&extra);
    assert!(rest.is_empty(), "nothing after the list");
    let validators: Vec<Vec<u8>> = json("besu/validators.json")
        .as_array()
        .unwrap()
        .iter()
        .map(bytes)
        .collect();
    assert_eq!(validators.len(), 4, "QBFT bears one failure from four on");
    assert!(validators.iter().all(|address| address.len() == 20), "addresses");
    let distinct: std::collections::BTreeSet<_> = validators.iter().collect();
    assert_eq!(distinct.len(), 4, "four different ones");
    // QBFT: vanity, validators, no vote, round zero, no seals.
    let wanted = Item::List(vec![
        Item::Bytes(vec![0; 32]),
        Item::List(validators.into_iter().map(Item::Bytes).collect()),
        Item::List(vec![]),
        Item::Bytes(vec![]),
        Item::List(vec![]),
    ]);
    assert_eq!(found, wanted);
}

#[test]
fn besu_has_the_precompile_from_the_first_block() {
    let genesis = json("besu/genesis.json");
    let config = &genesis["config"];
    for fork in ["shanghaiTime", "cancunTime", "pragueTime", "osakaTime"] {
        assert_eq!(config[fork], 0, "{fork}");
    }
    for fork in ["homesteadBlock", "berlinBlock", "londonBlock"] {
        assert_eq!(config[fork], 0, "{fork}");
    }
    assert_eq!(config["zeroBaseFee"], true, "with min-gas-price 0 in besu.toml");
    assert!(config["qbft"]["blockperiodseconds"].as_u64().unwrap() >= 1);
    assert!(
        config["qbft"]["requesttimeoutseconds"].as_u64() > config["qbft"]["blockperiodseconds"].as_u64(),
        "a round lasts longer than a block"
    );
    // The word that marks a chain of Besu's BFT protocols.
    assert_eq!(&bytes(&genesis["mixHash"]), b"ctical byzantine fault tolerance");
    let limit = u64::from_str_radix(&genesis["gasLimit"].as_str().unwrap()[2..], 16).unwrap();
    assert!(limit >= 16_777_216, "room for the deployment of the contract");
}

/// The deployment proxy stands there from the start: its own transaction costs a fee that a chain without fees has no account for.
#[test]
fn besu_begins_with_the_deployment_proxy() {
    let genesis = json("besu/genesis.json");
    let (address, account) = genesis["alloc"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(address.parse::<alloy_primitives::Address>().unwrap(), PROXY);
    assert_eq!(bytes(&account["code"]), PROXY_CODE);
    assert_eq!(genesis["alloc"].as_object().unwrap().len(), 1, "and nobody has money");
}

#[test]
fn besus_node_shows_itself_to_its_own_machine_only() {
    let node = toml("besu/besu.toml");
    assert_eq!(node["min-gas-price"].as_integer(), Some(0));
    assert_eq!(node["discovery-enabled"].as_bool(), Some(false));
    let apis: Vec<_> = node["rpc-http-api"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();
    assert_eq!(
        apis,
        ["ETH", "NET", "QBFT", "WEB3"],
        "neither ADMIN nor DEBUG nor MINER"
    );
    let hosts = node["host-allowlist"].as_array().unwrap();
    assert!(hosts.iter().all(|host| host.as_str() != Some("*")));

    let compose = text("besu/compose.yaml");
    for port in ["rpc-http-port", "metrics-port"] {
        let port = node[port].as_integer().unwrap();
        assert!(compose.contains(&format!("\"127.0.0.1:{port}:{port}/tcp\"")), "{port}");
    }
    let mounted = [
        "genesis-file",
        "static-nodes-file",
        "data-path",
        "node-private-key-file",
    ];
    for path in mounted.map(|key| node[key].as_str().unwrap()) {
        let name = path.rsplit('/').next().unwrap();
        let known = compose.contains(&format!(":{path}")) || compose.contains(&format!("secrets: [{name}]"));
        assert!(known, "compose.yaml does not bring {path}");
    }
}

#[test]
fn besus_nodes_are_four_with_public_keys() {
    let nodes = json("besu/static-nodes.json");
    let nodes: Vec<_> = nodes
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node.as_str().unwrap())
        .collect();
    assert_eq!(nodes.len(), 4);
    for node in nodes {
        let (key, address) = node.strip_prefix("enode://").unwrap().split_once('@').unwrap();
        assert_eq!(hex::decode(key).unwrap().len(), 64, "{node}");
        assert!(address.parse::<std::net::SocketAddr>().is_ok(), "{node}");
    }
}

#[test]
fn no_private_key_is_among_the_files() {
    for entry in std::fs::read_dir(folder("besu")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(!name.contains("key"), "{name}");
        let words = std::fs::read_to_string(&path).unwrap();
        let secret = words
            .split(|c: char| !c.is_ascii_hexdigit())
            .any(|word| word.len() == 64 && name != "genesis.json");
        assert!(!secret, "{name} holds 32 bytes in hex");
    }
}

#[test]
fn what_was_not_run_says_so_and_names_files_that_are_there() {
    for page in ["besu/README.md", "geth/README.md"] {
        assert!(text(page).contains("**Not run here.**"), "{page}");
    }
    let runbook = text("besu/README.md");
    for entry in std::fs::read_dir(folder("besu")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name == "README.md" || runbook.contains(&format!("`{name}`")),
            "the runbook does not name {name}"
        );
    }
}

#[test]
fn geths_node_answers_its_own_machine_only() {
    let node = toml("geth/geth.toml");
    let node = node["Node"].as_table().unwrap();
    assert_eq!(node["HTTPHost"].as_str(), Some("127.0.0.1"));
    let modules: Vec<_> = node["HTTPModules"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();
    assert_eq!(modules, ["eth", "net", "web3"]);
}

#[test]
fn anvils_arguments_ask_for_the_precompile_and_the_own_machine() {
    let line = text("anvil/arguments.txt");
    let arguments: Vec<_> = line.split_whitespace().collect();
    assert!(arguments.windows(2).any(|pair| pair == ["--hardfork", "osaka"]));
    assert!(arguments.windows(2).any(|pair| pair == ["--host", "127.0.0.1"]));
    assert!(text("anvil/README.md").contains("arguments.txt"));
}
