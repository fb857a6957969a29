//! Several nodes of one chain: who answers, and what they agree on.

use super::hex_of;
use super::proof;
use super::worker::Worker;
use crate::error::ChainError;
use alloy::rpc::client::RpcClient;
use alloy::rpc::types::Header;
use alloy::transports::RpcError;
use alloy_primitives::{B256, Bytes, Log};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a node that failed is left alone while enough others answer.
const REST: Duration = Duration::from_secs(10);
/// Most calls in one HTTP request.
const BATCH: usize = 64;

/// A node, for showing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// Host and port; paths may hold a customer's key and are left out.
    pub name: String,
    /// Why it is not used now; `None` if it is.
    pub trouble: Option<String>,
}

struct Node {
    name: String,
    client: RpcClient,
    trouble: Mutex<Option<(Instant, String)>>,
}

/// What a node answered that is not a result.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The contract refused, with this data.
    Reverted(Bytes),
    /// Anything else: the node's business.
    Other(String),
}

impl From<Failure> for ChainError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Reverted(data) => match crate::error::Refusal::decode(&data) {
                Some(refusal) => refusal.into(),
                None => Self::Machine(format!("reverted with {data}")),
            },
            Failure::Other(reason) => Self::Unreachable(reason),
        }
    }
}

type Answer = Result<Value, Failure>;

/// The nodes.
pub struct Nodes {
    nodes: Vec<Node>,
    quorum: usize,
    worker: Worker,
    chain_id: u64,
}

impl Nodes {
    /// Makes the clients. A node of another chain is never used; at least one must be of this chain.
    pub fn connect(urls: &[String], quorum: usize, timeout: Duration, chain_id: u64) -> Result<Self, ChainError> {
        let worker = Worker::start()?;
        // TLS by ring, unless the program has chosen before.
        let _chosen_before = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .build()
            .map_err(|e| ChainError::Unreachable(e.to_string()))?;
        let node = |text: &String| {
            let url: reqwest::Url = text
                .parse()
                .map_err(|_| ChainError::OtherDeployment("an endpoint is no URL".into()))?;
            let host = url.host_str().unwrap_or("?");
            Ok(Node {
                name: url
                    .port()
                    .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
                client: RpcClient::new_http_with_client(http.clone(), url),
                trouble: Mutex::default(),
            })
        };
        let nodes: Vec<Node> = urls.iter().map(node).collect::<Result<_, ChainError>>()?;
        let all = Self {
            quorum: quorum.clamp(1, nodes.len().max(1)),
            nodes,
            worker,
            chain_id,
        };
        if all.of_this_chain()?.is_empty() {
            return Err(ChainError::OtherDeployment(format!(
                "no endpoint is of chain {chain_id}"
            )));
        }
        Ok(all)
    }

    pub fn endpoints(&self) -> Vec<Endpoint> {
        let show = |node: &Node| Endpoint {
            name: node.name.clone(),
            trouble: lock(&node.trouble).as_ref().map(|(_, reason)| reason.clone()),
        };
        self.nodes.iter().map(show).collect()
    }

    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    fn of_this_chain(&self) -> Result<Vec<usize>, ChainError> {
        let expected = json!(hex_of(self.chain_id));
        let mut good = Vec::new();
        for (index, answer) in self.ask_each(&(0..self.nodes.len()).collect::<Vec<_>>(), "eth_chainId", &json!([]))? {
            match answer {
                Ok(id) if id == expected => good.push(index),
                Ok(_) => self.blame(index, "it is a node of another chain"),
                Err(_) => {}
            }
        }
        Ok(good)
    }

    /// Nodes to be asked now: those without recent trouble; all if there are too few.
    fn fit(&self) -> Vec<usize> {
        let rested = |node: &Node| {
            lock(&node.trouble)
                .as_ref()
                .is_none_or(|(since, _)| since.elapsed() > REST)
        };
        let fit: Vec<usize> = (0..self.nodes.len())
            .filter(|i| self.nodes.get(*i).is_some_and(rested))
            .collect();
        if fit.len() >= self.quorum {
            fit
        } else {
            (0..self.nodes.len()).collect()
        }
    }

    fn blame(&self, index: usize, reason: &str) {
        if let Some(node) = self.nodes.get(index) {
            let before = lock(&node.trouble).replace((Instant::now(), reason.to_owned()));
            if before.is_none_or(|(_, old)| old != reason) {
                tracing::warn!(node = node.name, reason, "a node of the chain is not used");
            }
        }
    }

    fn praise(&self, index: usize) {
        if let Some(node) = self.nodes.get(index)
            && lock(&node.trouble).take().is_some()
        {
            tracing::info!(node = node.name, "a node of the chain is used again");
        }
    }

    fn ask_each(
        &self,
        who: &[usize],
        method: &'static str,
        parameters: &Value,
    ) -> Result<Vec<(usize, Answer)>, ChainError> {
        let asked = who
            .iter()
            .filter_map(|index| self.nodes.get(*index).map(|node| (*index, node)));
        let calls: Vec<_> = asked
            .map(|(index, node)| {
                let (client, parameters) = (node.client.clone(), parameters.clone());
                tokio_call(index, client, method, parameters)
            })
            .collect();
        let answers = self.worker.wait(async move {
            let running: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
            let mut answers = Vec::new();
            for call in running {
                answers.extend(call.await);
            }
            answers
        })?;
        for (index, answer) in &answers {
            if let Err(Failure::Other(reason)) = answer {
                self.blame(*index, reason);
            }
        }
        Ok(answers)
    }

    /// One node's answer.
    pub fn ask(&self, index: usize, method: &'static str, parameters: &Value) -> Result<Value, ChainError> {
        let answer = self.ask_each(&[index], method, parameters)?.pop();
        Ok(answer.map_or(Err(Failure::Other("no such node".into())), |(_, answer)| answer)?)
    }

    /// One node's answers to many calls of one method.
    pub fn ask_many(&self, index: usize, method: &'static str, all: &[Value]) -> Result<Vec<Value>, ChainError> {
        let Some(node) = self.nodes.get(index) else {
            return Err(ChainError::Unreachable("no such node".into()));
        };
        let mut answers = Vec::with_capacity(all.len());
        for some in all.chunks(BATCH) {
            let (client, some) = (node.client.clone(), some.to_vec());
            let got = self.worker.wait(async move {
                let mut batch = client.new_batch();
                let waiting: Result<Vec<_>, _> = some.iter().map(|p| batch.add_call::<_, Value>(method, p)).collect();
                let waiting = waiting?;
                batch.send().await?;
                let mut got = Vec::new();
                for one in waiting {
                    got.push(one.await?);
                }
                Ok::<_, RpcError<_>>(got)
            })?;
            answers.extend(got.map_err(|e: alloy::transports::TransportError| {
                self.blame(index, "it does not answer");
                ChainError::Unreachable(e.to_string())
            })?);
        }
        Ok(answers)
    }

    /// What `quorum` nodes answer alike, and more than answer otherwise.
    pub fn agree(&self, method: &'static str, parameters: &Value) -> Result<Value, ChainError> {
        let mut votes: Vec<(Answer, Vec<usize>)> = Vec::new();
        let mut last = Failure::Other("there is no endpoint".into());
        for (index, answer) in self.ask_each(&self.fit(), method, parameters)? {
            if let Err(Failure::Other(_)) | Ok(Value::Null) = &answer {
                last = answer
                    .err()
                    .unwrap_or(Failure::Other("a node has not what was asked for".into()));
                continue;
            }
            match votes.iter_mut().find(|(known, _)| *known == answer) {
                Some((_, who)) => who.push(index),
                None => votes.push((answer, vec![index])),
            }
        }
        votes.sort_by_key(|(_, who)| std::cmp::Reverse(who.len()));
        let (first, second) = (votes.first(), votes.get(1).map_or(0, |(_, who)| who.len()));
        match first {
            None => Err(last.into()),
            Some((answer, who)) if who.len() >= self.quorum && who.len() > second => {
                self.judge(&votes);
                Ok(answer.clone()?)
            }
            Some((_, who)) => Err(self.contradiction(method, who.len(), second)),
        }
    }

    fn judge(&self, votes: &[(Answer, Vec<usize>)]) {
        for (nth, (_, who)) in votes.iter().enumerate() {
            for index in who {
                if nth == 0 {
                    self.praise(*index);
                } else {
                    self.blame(*index, "it contradicts the other nodes");
                }
            }
        }
    }

    fn contradiction(&self, what: &str, most: usize, next: usize) -> ChainError {
        let quorum = self.quorum;
        if next == 0 {
            return ChainError::Unreachable(format!("{what}: {most} answered, {quorum} must"));
        }
        ChainError::Disagreement(format!(
            "{what}: {most} say one thing, {next} another; {quorum} must agree"
        ))
    }

    /// The newest block that `quorum` nodes have and that no more nodes contradict.
    pub fn head(&self) -> Result<Header, ChainError> {
        let mut heads = Vec::new();
        for (index, answer) in self.ask_each(&self.fit(), "eth_getBlockByNumber", &json!(["latest", false]))? {
            match answer.map_err(ChainError::from).and_then(proof::header) {
                Ok(header) => heads.push((index, header)),
                Err(_) => continue,
            }
        }
        heads.sort_by_key(|(_, header)| std::cmp::Reverse(header.number));
        let Some(target) = heads.get(self.quorum - 1).map(|(_, header)| header.number) else {
            let (most, quorum) = (heads.len(), self.quorum);
            return Err(ChainError::Unreachable(format!("{most} nodes answer, {quorum} must")));
        };
        let mut groups: Vec<(Header, Vec<usize>)> = Vec::new();
        for (index, header) in heads.iter().filter(|(_, header)| header.number >= target) {
            let header = if header.number == target {
                header.clone()
            } else {
                self.header_of(*index, target)?
            };
            match groups.iter_mut().find(|(known, _)| known.hash == header.hash) {
                Some((_, who)) => who.push(*index),
                None => groups.push((header, vec![*index])),
            }
        }
        groups.sort_by_key(|(_, who)| std::cmp::Reverse(who.len()));
        let mut groups = groups.into_iter();
        let Some((best, mut who)) = groups.next() else {
            return Err(ChainError::Unreachable("no node has a block".into()));
        };
        let against: Vec<usize> = groups.flat_map(|(_, who)| who).collect();
        self.weigh(&best, &mut who, against, &heads)?;
        Ok(best)
    }

    /// Counts the nodes that are behind: for, if their newest block is on the same line.
    fn weigh(
        &self,
        best: &Header,
        who: &mut Vec<usize>,
        mut against: Vec<usize>,
        heads: &[(usize, Header)],
    ) -> Result<(), ChainError> {
        let voter = who.first().copied().unwrap_or(0);
        let enough = who.len() >= self.quorum;
        for (index, header) in heads.iter().filter(|(_, header)| header.number < best.number) {
            if self.header_of(voter, header.number)?.hash == header.hash {
                who.push(*index);
            } else {
                against.push(*index);
            }
        }
        if !enough || who.len() <= against.len() {
            return Err(self.contradiction("the newest block", who.len(), against.len()));
        }
        who.iter().for_each(|index| self.praise(*index));
        against
            .iter()
            .for_each(|index| self.blame(*index, "it is on another fork of the chain"));
        Ok(())
    }

    fn header_of(&self, index: usize, number: u64) -> Result<Header, ChainError> {
        let answer = self.ask(index, "eth_getBlockByNumber", &json!([hex_of(number), false]))?;
        proof::header(answer)
    }

    /// The hash of the block at a height, as the nodes agree on it.
    pub fn hash_at(&self, number: u64) -> Result<B256, ChainError> {
        let head = self.head()?;
        if head.number == number {
            return Ok(head.hash);
        }
        let parameters = json!([hex_of(number), false]);
        let mut votes: Vec<(B256, usize)> = Vec::new();
        for (_, answer) in self.ask_each(&self.fit(), "eth_getBlockByNumber", &parameters)? {
            let Ok(header) = answer.map_err(ChainError::from).and_then(proof::header) else {
                continue;
            };
            match votes.iter_mut().find(|(hash, _)| *hash == header.hash) {
                Some((_, count)) => *count += 1,
                None => votes.push((header.hash, 1)),
            }
        }
        votes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let second = votes.get(1).map_or(0, |(_, count)| *count);
        match votes.first() {
            Some((hash, count)) if *count >= self.quorum && *count > second => Ok(*hash),
            first => Err(self.contradiction("a block's hash", first.map_or(0, |(_, count)| *count), second)),
        }
    }

    /// Number of the block with this tag that `quorum` nodes have reached.
    pub fn number(&self, tag: &str) -> Result<u64, ChainError> {
        let mut numbers = Vec::new();
        for (_, answer) in self.ask_each(&self.fit(), "eth_getBlockByNumber", &json!([tag, false]))? {
            numbers.extend(
                answer
                    .map_err(ChainError::from)
                    .and_then(proof::header)
                    .map(|header| header.number),
            );
        }
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        let none = || ChainError::Unreachable(format!("too few nodes know a block that is {tag}"));
        numbers.get(self.quorum - 1).copied().ok_or_else(none)
    }

    /// The result of the first node that can prove it.
    pub fn first_that_proves<T>(&self, ask: impl Fn(usize) -> Result<T, ChainError>) -> Result<T, ChainError> {
        let mut last = ChainError::Unreachable("there is no endpoint".into());
        for index in self.fit() {
            match ask(index) {
                Ok(proved) => return Ok(proved),
                Err(error) => {
                    if let ChainError::Unproven(reason) = &error {
                        self.blame(index, reason);
                    }
                    last = error;
                }
            }
        }
        Err(last)
    }

    /// The first result that is no failure of the node, for what needs no agreement.
    pub fn any(&self, method: &'static str, parameters: &Value) -> Result<Value, ChainError> {
        let mut last = ChainError::Unreachable("there is no endpoint".into());
        for index in self.fit() {
            match self.ask(index, method, parameters) {
                Err(error @ ChainError::Unreachable(_)) => last = error,
                other => return other,
            }
        }
        Err(last)
    }

    /// Tells every node; one that takes it is enough.
    pub fn tell(&self, method: &'static str, parameters: &Value) -> Result<(), ChainError> {
        let mut result = Err(Failure::Other("there is no endpoint".into()));
        for index in 0..self.nodes.len() {
            match self.ask_quietly(index, method, parameters)? {
                Ok(_) => result = Ok(()),
                Err(error) if result.is_err() => result = Err(error),
                Err(_) => {}
            }
        }
        Ok(result?)
    }

    fn ask_quietly(&self, index: usize, method: &'static str, parameters: &Value) -> Result<Answer, ChainError> {
        let Some(node) = self.nodes.get(index) else {
            return Ok(Err(Failure::Other("no such node".into())));
        };
        let call = tokio_call(index, node.client.clone(), method, parameters.clone());
        Ok(self.worker.wait(call)?.1)
    }
}

async fn tokio_call(index: usize, client: RpcClient, method: &'static str, parameters: Value) -> (usize, Answer) {
    let answer = client.request::<Value, Value>(method, parameters).await;
    (index, answer.map_err(|error| failure(&error)))
}

fn failure(error: &alloy::transports::TransportError) -> Failure {
    match error.as_error_resp() {
        Some(payload) => match payload.as_revert_data() {
            Some(data) => Failure::Reverted(data),
            None => Failure::Other(payload.message.to_string()),
        },
        None => Failure::Other("it does not answer".to_owned()),
    }
}

/// A log and the transaction that made it.
#[derive(Clone, Debug)]
pub struct Place {
    pub log: Log,
    pub block: u64,
    pub tx: B256,
}

/// The logs of an answer to `eth_getLogs`.
pub fn places(answer: &Value) -> Result<Vec<Place>, ChainError> {
    let logs: Vec<alloy::rpc::types::Log> = serde_json::from_value(answer.clone()).map_err(unreadable)?;
    let place = |log: alloy::rpc::types::Log| {
        let missing = || ChainError::Unproven("a log without a place".into());
        Ok(Place {
            block: log.block_number.ok_or_else(missing)?,
            tx: log.transaction_hash.ok_or_else(missing)?,
            log: log.into_inner(),
        })
    };
    logs.into_iter().map(place).collect()
}

/// An answer of bytes.
pub fn bytes(answer: &Value) -> Result<Bytes, ChainError> {
    serde_json::from_value(answer.clone()).map_err(unreadable)
}

pub fn unreadable(error: serde_json::Error) -> ChainError {
    ChainError::Unproven(format!("it cannot be read: {error}"))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
