//! Measures the projection on a chain that is made up in memory, and prints rows `[{figure, value, unit, target, met}]` as JSON on standard
//! output: catching up from events into memory and file, memory for a grant, time for a decision.

use alloy_primitives::{Address, B256, Bytes, Log, keccak256};
use alloy_sol_types::SolEvent;
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;
use std::sync::{PoisonError, RwLock};
use std::time::Instant;
use wardkey_chain::abi;
use wardkey_chain::{Block, Chain, ChainError, Follower, Head, Network, Projection, Receipt, When};
use wardkey_core::action::SignedAction;
use wardkey_core::grant::{GrantDocument, SignedGrant};
use wardkey_core::id::{Commitment, DeviceId, Digest, InstitutionId, PatientId};
use wardkey_core::key::{PublicKey, SoftKey};
use wardkey_core::permission::{Request, SignatureChecked};
use wardkey_core::typed::Domain;

const GRANTS: u64 = 1_000_000;
const DEVICES: u64 = 100_000;
/// Grants and devices that decisions are asked of, spread over all.
const ASKED: u64 = 1000;
/// Events in a block.
const FULL: u64 = 200;
const EXPIRY: u64 = 4_000_000_000;
const NOW: u64 = 2_000_000_000;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let made_up = MadeUp::new()?;
    let folder = std::env::temp_dir().join(format!("wardkey-bench-chain-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure(&made_up, &folder.join("projection.sqlite"));
    std::fs::remove_dir_all(&folder)?;
    println!("{}", Value::Array(measured?));
    Ok(())
}

fn measure(chain: &MadeUp, file: &Path) -> Outcome<Vec<Value>> {
    let (mut follower, projection) = Follower::open(file, chain)?;
    let projection = RwLock::new(projection);
    let before = resident()?;
    let begun = Instant::now();
    follower.look(chain, &projection)?;
    let took = begun.elapsed().as_secs_f64();
    let a_grant = (resident()? - before) / count(GRANTS);
    let decision = decisions(chain, &projection)?;
    let per_second = count(chain.events()) / took;
    Ok(vec![
        row(
            "catch-up from chain events, into memory and file",
            per_second,
            "1/s",
            20_000.0,
            per_second >= 20_000.0,
        ),
        row(
            "memory for a grant, 1 M grants and 100 k devices",
            a_grant,
            "B",
            600.0,
            a_grant <= 600.0,
        ),
        row(
            "permission decision without signature",
            decision,
            "µs",
            5.0,
            decision <= 5.0,
        ),
    ])
}

/// Microseconds for one, all of them granted.
fn decisions(chain: &MadeUp, projection: &RwLock<Projection>) -> Outcome<f64> {
    let view = projection.read().unwrap_or_else(PoisonError::into_inner);
    let asked = (0..ASKED)
        .map(|n| {
            let checked =
                SignatureChecked::new(&chain.domain, chain.grant(n)?).map_err(|denial| format!("{denial}"))?;
            let device = device(n * (DEVICES / ASKED));
            Ok((
                checked,
                Request {
                    device,
                    section: 2,
                    right: 1,
                    now: NOW,
                },
            ))
        })
        .collect::<Outcome<Vec<_>>>()?;
    let (begun, rounds) = (Instant::now(), 200);
    for _ in 0..rounds {
        for (checked, request) in &asked {
            checked
                .check(&*view, request)
                .map_err(|denial| format!("refused: {denial}"))?;
        }
    }
    Ok(begun.elapsed().as_secs_f64() * 1e6 / count(rounds * ASKED))
}

fn row(figure: &str, value: f64, unit: &str, target: f64, met: bool) -> Value {
    let digits = if value < 100.0 { 100.0 } else { 1.0 };
    json!({ "figure": figure, "value": (value * digits).round() / digits, "unit": unit, "target": target, "met": met })
}

#[expect(clippy::cast_precision_loss, reason = "counts of some millions")]
const fn count(n: u64) -> f64 {
    n as f64
}

/// Bytes of memory in use.
fn resident() -> Outcome<f64> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = text.split(' ').nth(1).ok_or("statm")?.parse()?;
    Ok(count(pages) * 4096.0)
}

fn device(n: u64) -> DeviceId {
    DeviceId(keccak256(n.to_be_bytes()).0)
}

/// One institution, its devices, and grants to it. Block n's hash is made of n, so that blocks can be made when they are asked for.
struct MadeUp {
    domain: Domain,
    institution: InstitutionId,
    patient: SoftKey,
    key: PublicKey,
}

impl MadeUp {
    fn new() -> Outcome<Self> {
        let patient = SoftKey::generate()?;
        Ok(Self {
            domain: Domain {
                chain_id: 1,
                contract: [2; 20],
                salt: [3; 32],
            },
            institution: InstitutionId(patient.public().id().0),
            key: patient.public(),
            patient,
        })
    }

    const fn events(&self) -> u64 {
        2 + DEVICES + GRANTS
    }

    const fn blocks_in_all(&self) -> u64 {
        self.events().div_ceil(FULL)
    }

    fn document(&self, n: u64) -> GrantDocument {
        GrantDocument {
            patient: PatientId(self.key.id().0),
            institution: self.institution,
            read: u32::MAX >> 1,
            write: 0,
            purpose: 1,
            not_before: 0,
            expiry: EXPIRY,
            salt: keccak256(n.to_le_bytes()).0,
            key: self.key,
            chain_id: self.domain.chain_id,
            wardkey: self.domain.contract,
        }
    }

    /// The n-th of those that are asked for, signed.
    fn grant(&self, n: u64) -> Outcome<SignedGrant> {
        let document = self.document(n);
        let signature = self.patient.sign(&self.domain.preimage(&document.typed()))?;
        Ok(SignedGrant {
            document,
            patient_key: self.key,
            signature,
        })
    }

    /// Those that are asked for are real documents; the others are named by number only.
    fn commitment(&self, n: u64) -> Commitment {
        let every = GRANTS / ASKED;
        if n.is_multiple_of(every) {
            self.document(n / every).commitment()
        } else {
            Commitment(keccak256(n.to_be_bytes()).0)
        }
    }

    fn log(&self, n: u64) -> Log {
        let (x, y): (B256, B256) = (self.key.x().into(), self.key.y().into());
        let (digest, institution) = (keccak256(n.to_be_bytes()), B256::from(self.institution.0));
        let data = match n {
            0 => abi::InstitutionRegistered {
                digest,
                institution,
                name: "Bench Hospital".into(),
                country: "DE".into(),
                masterX: x,
                masterY: y,
                wrapX: x,
                wrapY: y,
                agreementX: x,
                agreementY: y,
            }
            .encode_log_data(),
            1 => abi::AccreditationSet {
                digest,
                institution,
                accredited: true,
            }
            .encode_log_data(),
            n if n < 2 + DEVICES => abi::DeviceApproved {
                digest,
                institution,
                device: device(n - 2).0.into(),
                deviceX: x,
                deviceY: y,
                rights: 3,
                notAfter: EXPIRY,
                certificate: digest,
            }
            .encode_log_data(),
            n => abi::Granted {
                digest,
                commitment: self.commitment(n - 2 - DEVICES).0.into(),
                keyX: x,
                keyY: y,
            }
            .encode_log_data(),
        };
        Log {
            address: Address::from(self.domain.contract),
            data,
        }
    }
}

fn hash(number: u64) -> Digest {
    Digest(keccak256(number.to_be_bytes()).0)
}

fn nowhere<T>() -> Result<T, ChainError> {
    Err(ChainError::Machine("this chain is made up".into()))
}

impl Chain for MadeUp {
    fn network(&self) -> Network {
        Network {
            domain: self.domain,
            operator: self.key,
            gateway: self.key,
        }
    }
    fn submit(&self, _: &SignedAction) -> Result<Receipt, ChainError> {
        nowhere()
    }
    fn head(&self) -> Result<Head, ChainError> {
        let number = self.blocks_in_all();
        Ok(Head {
            number,
            hash: hash(number),
            time: NOW,
        })
    }
    fn finalized(&self, head: &Head) -> Result<u64, ChainError> {
        Ok(head.number)
    }
    fn first(&self) -> u64 {
        1
    }
    fn own(&self) -> bool {
        true
    }
    fn blocks(&self, first: u64, last: u64) -> Result<Vec<Block>, ChainError> {
        let block = |number: u64| Block {
            head: Head {
                number,
                hash: hash(number),
                time: NOW,
            },
            parent: hash(number - 1),
            logs: ((number - 1) * FULL..(number * FULL).min(self.events()))
                .map(|n| self.log(n))
                .collect(),
        };
        Ok((first..=last).map(block).collect())
    }
    fn call(&self, _: Vec<u8>, _: When) -> Result<Bytes, ChainError> {
        nowhere()
    }
    fn device_key(&self, _: &DeviceId) -> Result<Option<PublicKey>, ChainError> {
        nowhere()
    }
    fn institution_actions(&self, _: &InstitutionId) -> Result<Vec<SignedAction>, ChainError> {
        nowhere()
    }
    fn device_approval(&self, _: &DeviceId) -> Result<Option<SignedAction>, ChainError> {
        nowhere()
    }
}
