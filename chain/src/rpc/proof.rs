//! Blocks that prove themselves against one hash.
//!
//! A header's hash is recomputed from the header; each header names its parent's hash; the last one's is the hash that the nodes
//! agreed on. If a header's bloom filter has the contract's address, all receipts of the block are fetched and their root is
//! recomputed and compared with the header's: so the contract's logs can neither be altered nor left out. A bloom filter without
//! the address proves that there are none (Ethereum's yellow paper, §4.4.1 and §4.4.3).

use super::nodes::{Nodes, unreadable};
use super::{digest, hex_of};
use crate::error::ChainError;
use crate::ledger::{Block, Head};
use alloy::consensus::proofs::calculate_receipt_root;
use alloy::rpc::types::{Header, TransactionReceipt};
use alloy_primitives::{Address, B256, BloomInput, Log};
use serde_json::{Value, json};

/// Which blocks.
pub struct Asked {
    pub contract: Address,
    pub first: u64,
    pub last: u64,
    /// Hash of the last one.
    pub anchor: B256,
    /// Whether hashes are recomputed.
    pub header_hash: bool,
}

/// A header from an answer of `eth_getBlockByNumber`.
pub fn header(answer: Value) -> Result<Header, ChainError> {
    if answer.is_null() {
        return Err(ChainError::Unreachable(
            "a node has not the block that was asked for".into(),
        ));
    }
    serde_json::from_value(answer).map_err(unreadable)
}

/// Number, hash and time.
pub const fn place(header: &Header) -> Head {
    Head {
        number: header.inner.number,
        hash: digest(header.hash),
        time: header.inner.timestamp,
    }
}

/// The blocks from one node, proved.
pub fn blocks(nodes: &Nodes, node: usize, asked: &Asked) -> Result<Vec<Block>, ChainError> {
    let calls: Vec<Value> = (asked.first..=asked.last).map(|n| json!([hex_of(n), false])).collect();
    let answers = nodes.ask_many(node, "eth_getBlockByNumber", &calls)?;
    let headers: Vec<Header> = answers.into_iter().map(header).collect::<Result<_, _>>()?;
    must_be_chained(&headers, asked)?;
    let address = BloomInput::Raw(asked.contract.as_slice());
    let full: Vec<&Header> = headers
        .iter()
        .filter(|h| h.logs_bloom.contains_input(address))
        .collect();
    let calls: Vec<Value> = full.iter().map(|h| json!([h.hash])).collect();
    let mut receipts = full
        .iter()
        .map(|h| h.hash)
        .zip(nodes.ask_many(node, "eth_getBlockReceipts", &calls)?)
        .peekable();
    let mut blocks = Vec::with_capacity(headers.len());
    for header in &headers {
        let logs = match receipts.next_if(|(hash, _)| *hash == header.hash) {
            Some((_, answer)) => logs(answer, header, asked.contract)?,
            None => Vec::new(),
        };
        blocks.push(Block {
            head: place(header),
            parent: digest(header.parent_hash),
            logs,
        });
    }
    Ok(blocks)
}

fn must_be_chained(headers: &[Header], asked: &Asked) -> Result<(), ChainError> {
    let wrong = |what: &str| Err(ChainError::Unproven(what.to_owned()));
    for (number, header) in (asked.first..).zip(headers) {
        if header.number != number {
            return wrong("a block has another number than the one asked for");
        }
        if asked.header_hash && header.inner.hash_slow() != header.hash {
            return wrong("a block's hash is not that of its header");
        }
    }
    if headers
        .windows(2)
        .any(|two| matches!(two, [a, b] if b.parent_hash != a.hash))
    {
        return wrong("a block names another parent");
    }
    match headers.last() {
        Some(last) if last.hash == asked.anchor => Ok(()),
        _ => wrong("the last block is not the one that the nodes agreed on"),
    }
}

/// The contract's logs among a block's receipts, whose root is the header's.
fn logs(answer: Value, header: &Header, contract: Address) -> Result<Vec<Log>, ChainError> {
    let receipts: Vec<TransactionReceipt> = serde_json::from_value(answer).map_err(unreadable)?;
    let plain: Vec<_> = receipts
        .into_iter()
        .map(|r| r.into_primitives_receipt().inner)
        .collect();
    if calculate_receipt_root(&plain) != header.receipts_root {
        return Err(ChainError::Unproven(
            "a block's receipts are not those of its header".into(),
        ));
    }
    let all = plain.iter().flat_map(|receipt| receipt.logs());
    Ok(all.filter(|log| log.address == contract).cloned().collect())
}
