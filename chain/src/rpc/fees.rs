//! What a transaction pays (EIP-1559), never more than the cap.

use super::nodes::Nodes;
use crate::error::ChainError;
use serde_json::{Value, json};

const GWEI: u128 = 1_000_000_000;

/// Wei a unit of gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    pub most: u128,
    pub tip: u128,
}

/// Base fee of the newest block, and the tip that the nodes advise.
pub struct Market {
    pub base: u128,
    pub tip: u128,
}

impl Market {
    pub fn ask(nodes: &Nodes) -> Result<Self, ChainError> {
        let base = nodes.head()?.inner.base_fee_per_gas.unwrap_or(0);
        let tip = nodes.any("eth_maxPriorityFeePerGas", &json!([])).ok();
        Ok(Self {
            base: u128::from(base),
            tip: tip.as_ref().and_then(wei).unwrap_or(GWEI),
        })
    }

    /// Twice the base fee and the tip, so that six full blocks in a row do not price it out; at most the cap.
    ///
    /// # Errors
    /// [`ChainError::FeeCap`] if not even the base fee may be paid.
    pub fn fees(&self, cap: u128) -> Result<Fees, ChainError> {
        if self.base > cap {
            return Err(too_dear(self.base, cap));
        }
        let most = self.base.saturating_mul(2).saturating_add(self.tip).min(cap);
        Ok(Fees {
            most,
            tip: self.tip.min(most),
        })
    }

    /// At least an eighth more than before, as nodes demand of a replacement.
    ///
    /// # Errors
    /// [`ChainError::FeeCap`] if that may not be paid.
    pub fn more(&self, before: Fees, cap: u128) -> Result<Fees, ChainError> {
        let raised = |old: u128| old.saturating_add(old / 8).saturating_add(1);
        let now = self.fees(cap)?;
        let most = raised(before.most).max(now.most);
        if most > cap {
            return Err(too_dear(most, cap));
        }
        Ok(Fees {
            most,
            tip: raised(before.tip).max(now.tip).min(most),
        })
    }
}

/// Gwei as wei.
pub const fn gwei(number: u64) -> u128 {
    number as u128 * GWEI
}

/// Wei in gwei, rounded down.
pub fn in_gwei(wei: u128) -> u64 {
    u64::try_from(wei / GWEI).unwrap_or(u64::MAX)
}

fn too_dear(asked: u128, cap: u128) -> ChainError {
    ChainError::FeeCap {
        asked: in_gwei(asked.saturating_add(GWEI - 1)),
        cap: in_gwei(cap),
    }
}

/// A number as JSON-RPC writes it.
pub fn wei(answer: &Value) -> Option<u128> {
    u128::from_str_radix(answer.as_str()?.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn never_more_than_the_cap_and_always_an_eighth_more() {
        let market = Market {
            base: gwei(10),
            tip: gwei(1),
        };
        let first = market.fees(gwei(50)).unwrap();
        assert_eq!((first.most, first.tip), (gwei(21), gwei(1)));
        let mut fees = first;
        loop {
            match market.more(fees, gwei(50)) {
                Ok(more) => {
                    assert!(
                        more.most * 8 >= fees.most * 9 && more.tip * 8 >= fees.tip * 9,
                        "{more:?}"
                    );
                    assert!(more.most <= gwei(50) && more.tip <= more.most);
                    fees = more;
                }
                Err(error) => {
                    assert!(matches!(error, ChainError::FeeCap { cap: 50, .. }), "{error}");
                    break;
                }
            }
        }
        assert!(fees.most > gwei(40));
        assert_eq!(market.fees(gwei(15)).unwrap().most, gwei(15));
        assert!(matches!(
            market.fees(gwei(9)),
            Err(ChainError::FeeCap { asked: 10, cap: 9 })
        ));
    }
}
