//! Paying for actions: at most once each, never more than the cap, and judged by their effect.

use super::account::{SponsorKey, SponsorStatus};
use super::fees::{Fees, Market, gwei, in_gwei, wei};
use super::nodes::Place;
use super::outbox::{self, Pending};
use super::{Rpc, SponsorSettings, digest, hex_of};
use crate::call::{call_data, identity, must_carry_no_more};
use crate::embedded::Clock;
use crate::error::ChainError;
use crate::event::Event;
use crate::ledger::{Chain as _, Receipt};
use alloy::consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use wardkey_core::action::SignedAction;
use wardkey_core::typed::Domain;

/// Between two looks for an action's effect.
const LOOK: Duration = Duration::from_millis(250);

/// The account, and what is on its way.
pub struct Sponsor {
    settings: SponsorSettings,
    key: SponsorKey,
    domain: Domain,
    clock: Clock,
    outbox: Mutex<Connection>,
    status: Mutex<SponsorStatus>,
    /// Nonces that were sent since this process started.
    sent: Mutex<HashSet<u64>>,
}

impl Sponsor {
    pub fn open(settings: SponsorSettings, domain: Domain, clock: Clock) -> Result<Self, ChainError> {
        let key = SponsorKey::open(&settings.key)?;
        let status = SponsorStatus {
            address: key.address(),
            balance_gwei: None,
            low: false,
            pending: 0,
            at_the_cap: false,
        };
        Ok(Self {
            outbox: Mutex::new(outbox::open(&settings.outbox)?),
            settings,
            key,
            domain,
            clock,
            status: Mutex::new(status),
            sent: Mutex::default(),
        })
    }

    pub fn status(&self) -> SponsorStatus {
        lock(&self.status).clone()
    }

    /// See [`crate::Chain::submit`].
    pub fn submit(&self, rpc: &Rpc, action: &SignedAction) -> Result<Receipt, ChainError> {
        must_carry_no_more(action)?;
        if let Some(receipt) = self.effect(rpc, action)? {
            return Ok(receipt);
        }
        self.enqueue(rpc, action)?;
        let until = Instant::now() + Duration::from_secs(self.settings.wait);
        loop {
            if let Some(receipt) = self.effect(rpc, action)? {
                return Ok(receipt);
            }
            self.must_not_have_failed(rpc, action)?;
            if Instant::now() >= until {
                return Err(ChainError::Pending);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// The event with the action's digest and key, whoever brought it there.
    fn effect(&self, rpc: &Rpc, action: &SignedAction) -> Result<Option<Receipt>, ChainError> {
        let name = action.action.digest(&self.domain);
        let places = rpc.logs(&json!([null, B256::from(name.0)]))?;
        let mut found: Option<Place> = None;
        let mut events = Vec::new();
        for place in places {
            let (_, event) = Event::decode(&place.log)?;
            let own = match &event {
                Event::Granted { key, .. } | Event::Revoked { key, .. } => action.keys.contains(key),
                _ => true,
            };
            if own && found.as_ref().is_none_or(|first| first.tx == place.tx) {
                events.push(event);
                found = Some(place);
            }
        }
        let Some(place) = found else { return Ok(None) };
        let receipt = rpc.nodes.any("eth_getTransactionReceipt", &json!([place.tx]))?;
        let gas = receipt.get("gasUsed").and_then(wei).unwrap_or(0);
        Ok(Some(Receipt {
            tx: digest(place.tx),
            block: place.block,
            gas: u64::try_from(gas).unwrap_or(u64::MAX),
            digest: name,
            events,
        }))
    }

    /// Asks the contract first, writes the transaction down, and sends it. One that is on its way already is left alone.
    fn enqueue(&self, rpc: &Rpc, action: &SignedAction) -> Result<(), ChainError> {
        let name = identity(&action.action.digest(&self.domain), action);
        let mut outbox = lock(&self.outbox);
        if outbox::of(&outbox, &name)?.is_some() {
            return Ok(());
        }
        let data = Bytes::from(call_data(action)?);
        self.rehearse(rpc, &data)?;
        let fees = Market::ask(&rpc.nodes)?.fees(gwei(self.settings.max_fee_gwei))?;
        let estimate = rpc.nodes.any("eth_estimateGas", &json!([self.call(&data)]))?;
        let estimate = wei(&estimate).and_then(|gas| u64::try_from(gas).ok()).unwrap_or(0);
        let used = self.count(rpc, "latest")?;
        let waiting = outbox::all(&outbox)?.last().map_or(0, |last| last.nonce + 1);
        let pending = Pending {
            nonce: used.max(waiting),
            identity: name,
            action: action.clone(),
            // A quarter more than the estimate: the state may have changed when it is mined.
            gas: estimate + estimate / 4,
            fees,
            at: (self.clock)(),
            raw: Bytes::new(),
        };
        self.send(rpc, &mut outbox, pending)
    }

    /// The contract's own refusal, before anything is paid.
    fn rehearse(&self, rpc: &Rpc, data: &Bytes) -> Result<(), ChainError> {
        rpc.nodes
            .agree("eth_call", &json!([self.call(data), "latest"]))
            .map(drop)
    }

    fn call(&self, data: &Bytes) -> Value {
        json!({ "from": self.key.address(), "to": Address::from(self.domain.contract), "data": data })
    }

    /// Signs an attempt, writes it down, then sends it. What a node says to it is not believed: the outbox tries again.
    fn send(&self, rpc: &Rpc, outbox: &mut Connection, pending: Pending) -> Result<(), ChainError> {
        let Fees { most, tip } = pending.fees;
        let (hash, raw) = self.key.sign(TxEip1559 {
            chain_id: self.domain.chain_id,
            nonce: pending.nonce,
            gas_limit: pending.gas,
            max_fee_per_gas: most,
            max_priority_fee_per_gas: tip,
            to: TxKind::Call(Address::from(self.domain.contract)),
            value: U256::ZERO,
            access_list: alloy::eips::eip2930::AccessList::default(),
            input: call_data(&pending.action)?.into(),
        })?;
        let pending = Pending { raw, ..pending };
        outbox::put(outbox, &pending, hash)?;
        self.post(rpc, &pending);
        Ok(())
    }

    fn post(&self, rpc: &Rpc, pending: &Pending) {
        lock(&self.sent).insert(pending.nonce);
        if let Err(error) = rpc.nodes.tell("eth_sendRawTransaction", &json!([pending.raw])) {
            tracing::info!(%error, nonce = pending.nonce, "no node took a transaction; it will be sent again");
        }
    }

    /// A transaction of ours that was mined without effect: the contract's reason, as it is now.
    fn must_not_have_failed(&self, rpc: &Rpc, action: &SignedAction) -> Result<(), ChainError> {
        let name = identity(&action.action.digest(&self.domain), action);
        let mut outbox = lock(&self.outbox);
        let Some(pending) = outbox::of(&outbox, &name)? else {
            return Ok(());
        };
        for hash in outbox::attempts(&outbox, pending.nonce)? {
            let receipt = rpc.nodes.any("eth_getTransactionReceipt", &json!([hash]))?;
            if receipt.get("status").and_then(Value::as_str) == Some("0x0") {
                outbox::remove(&mut outbox, pending.nonce)?;
                self.rehearse(rpc, &call_data(action)?.into())?;
                return Err(ChainError::Machine(
                    "a transaction failed, and would not now: try again".into(),
                ));
            }
        }
        Ok(())
    }

    /// Sends again what is in no block, for more after a while; forgets what is final; looks at the balance.
    pub fn tend(&self, rpc: &Rpc) -> Result<(), ChainError> {
        let mut outbox = lock(&self.outbox);
        let all = outbox::all(&outbox)?;
        let mut at_the_cap = false;
        if !all.is_empty() {
            let head = rpc.head()?;
            let used = self.count(rpc, "latest")?;
            let final_number = rpc.finalized(&head)?;
            let settled = self.count(rpc, &hex_of(final_number)).unwrap_or(0);
            for pending in all {
                if pending.nonce < settled {
                    outbox::remove(&mut outbox, pending.nonce)?;
                } else if pending.nonce >= used {
                    at_the_cap |= self.push(rpc, &mut outbox, pending)?;
                }
            }
        }
        let pending = outbox::all(&outbox)?.len();
        drop(outbox);
        self.weigh(rpc, pending, at_the_cap)
    }

    /// Sends one again; tells whether it waits at the cap.
    fn push(&self, rpc: &Rpc, outbox: &mut Connection, pending: Pending) -> Result<bool, ChainError> {
        let now = (self.clock)();
        if !lock(&self.sent).contains(&pending.nonce) {
            self.post(rpc, &pending);
            return Ok(false);
        }
        if now.saturating_sub(pending.at) < self.settings.replace_after {
            return Ok(false);
        }
        match Market::ask(&rpc.nodes)?.more(pending.fees, gwei(self.settings.max_fee_gwei)) {
            Ok(fees) => {
                tracing::info!(
                    nonce = pending.nonce,
                    most_gwei = in_gwei(fees.most),
                    "a transaction is replaced by one that pays more"
                );
                self.send(
                    rpc,
                    outbox,
                    Pending {
                        fees,
                        at: now,
                        ..pending
                    },
                )?;
                Ok(false)
            }
            Err(error @ ChainError::FeeCap { .. }) => {
                tracing::warn!(%error, nonce = pending.nonce, "a transaction waits");
                self.post(rpc, &pending);
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    fn weigh(&self, rpc: &Rpc, pending: usize, at_the_cap: bool) -> Result<(), ChainError> {
        let address = self.key.address();
        let balance = rpc.nodes.any("eth_getBalance", &json!([address, "latest"]))?;
        let balance = in_gwei(wei(&balance).unwrap_or(0));
        let low = balance < self.settings.low_balance_gwei;
        let mut status = lock(&self.status);
        if low && !status.low {
            tracing::warn!(%address, balance_gwei = balance, "the sponsor's balance is low: actions will soon fail");
        }
        *status = SponsorStatus {
            address,
            balance_gwei: Some(balance),
            low,
            pending,
            at_the_cap,
        };
        Ok(())
    }

    /// Transactions of the account up to a block.
    fn count(&self, rpc: &Rpc, block: &str) -> Result<u64, ChainError> {
        let count = rpc
            .nodes
            .agree("eth_getTransactionCount", &json!([self.key.address(), block]))?;
        let count = wei(&count).and_then(|count| u64::try_from(count).ok());
        count.ok_or_else(|| ChainError::Unproven("a count is no number".into()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
