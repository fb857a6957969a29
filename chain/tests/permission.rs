//! The permission rule in the contract and in `wardkey_core` are equal: generated cases that reach every code, with
//! flipped bits and high-S signatures. `WARDKEY_CASES` sets another number of cases, `WARDKEY_SEED` another seed.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
use alloy_primitives::{U256, uint};
use common::{Hospital, LATER, START, World, device_id, key};
use std::collections::{BTreeMap, BTreeSet};
use wardkey_chain::{Asked, ChainError, Mirror, Refusal, Verdict};
use wardkey_core::grant::{GrantDocument, SignedGrant};
use wardkey_core::id::{DeviceId, InstitutionId, PatientId};
use wardkey_core::key::{PublicKey, Signature, SoftKey, sha256};
use wardkey_core::permission::{Denial, Request, check};
use wardkey_core::typed::{Domain, structs};

/// SplitMix64: small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }
    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// A document and the keys that belong to it.
struct Prepared {
    document: GrantDocument,
    patient: SoftKey,
}

struct Scene {
    world: World,
    domain: Domain,
    mirror: Mirror,
    institutions: Vec<InstitutionId>,
    /// With the institution that approved them; the first two never were.
    devices: Vec<(InstitutionId, DeviceId)>,
    grants: Vec<Prepared>,
    /// Times at which something begins or ends.
    edges: Vec<u64>,
}

/// Institutions of every standing, devices of every state, grants of every status.
fn scene(random: &mut Random) -> Scene {
    let world = World::new();
    let (harbour, summit) = (world.accredited("Harbour Hospital"), world.accredited("Summit Clinic"));
    let (suspended, registered) = (world.accredited("Suspended Hospital"), world.registered("New Hospital"));
    let mut edges = vec![START - 1, START, START + 50, START + 1_000];
    let nobody = InstitutionId([1; 32]);
    let mut devices = vec![
        (nobody, DeviceId([0; 32])),
        (nobody, device_id(&key("never approved").public())),
    ];
    for (h, hospital) in [&harbour, &summit, &suspended, &registered].into_iter().enumerate() {
        for (rights, not_after, revoked, suspended) in [
            (3, START + 900, false, false),
            (1, START + 900, false, false),
            (2, START + 100, false, false),
            (3, START + 900, true, false),
            (3, START + 100, false, true),
            (3, START + 900, true, true),
        ] {
            let card = key(&format!("card {h} {rights} {not_after} {revoked} {suspended}"));
            world.approve(hospital, &card, rights, not_after).unwrap();
            if suspended {
                let message = world.suspension(hospital, &card.public(), true);
                world.submit(&world.signed_by(&[&hospital.master], message)).unwrap();
            }
            if revoked {
                world.revoke_device(hospital, &card.public()).unwrap();
            }
            devices.push((hospital.id, device_id(&card.public())));
        }
    }
    world.set_accredited(suspended.id, false);
    edges.extend([START + 99, START + 100, START + 899, START + 900]);
    let institutions: Vec<_> = [&harbour, &harbour, &summit, &suspended, &registered]
        .map(|h: &Hospital| h.id)
        .into();
    let institutions = [institutions, vec![nobody]].concat();
    let grants = (0..150)
        .map(|n| prepared(&world, random, &institutions, n, &mut edges))
        .collect();
    let mirror = Mirror::load(&*world.ledger).unwrap();
    Scene {
        domain: world.domain(),
        mirror,
        institutions,
        devices,
        grants,
        edges,
        world,
    }
}

fn prepared(
    world: &World,
    random: &mut Random,
    institutions: &[InstitutionId],
    n: usize,
    edges: &mut Vec<u64>,
) -> Prepared {
    let (patient, one_time) = (key(&format!("patient {}", n % 20)), key(&format!("one-time {n}")));
    let mut document = world.document(&patient, *random.pick(institutions), &one_time);
    document.read = u32::try_from(random.next() >> 32).unwrap();
    document.write = u32::try_from(random.next() >> 32).unwrap();
    document.not_before = START + random.next() % 200;
    document.expiry = document.not_before + random.next() % 800;
    document.salt = [u8::try_from(n % 251).unwrap(); 32];
    edges.extend([
        document.not_before.wrapping_sub(1),
        document.not_before,
        document.expiry.wrapping_sub(1),
        document.expiry,
    ]);
    let commitment = document.commitment().0.into();
    let status = random.below(10);
    if status != 0 {
        world
            .act_by_key(
                &one_time,
                structs::Grant {
                    commitment,
                    deadline: LATER,
                },
            )
            .unwrap();
    }
    if status == 1 {
        world
            .act_by_key(
                &one_time,
                structs::Revoke {
                    commitment,
                    deadline: LATER,
                },
            )
            .unwrap();
    }
    Prepared { document, patient }
}

/// What is presented, in bytes.
struct Case {
    document: Vec<u8>,
    signature: [u8; 64],
    key: Vec<u8>,
    request: Request,
    how: &'static str,
}

fn case(scene: &Scene, random: &mut Random) -> Case {
    let chosen = random.pick(&scene.grants);
    let mut document = chosen.document.clone();
    let change = random.below(16);
    let how = match change {
        0 => "bit of the document",
        1 => "bit of the signature",
        2 => "bit of the key",
        3 => "high s",
        4 => "another's key",
        5 => "other chain, signed",
        6 => "other contract, signed",
        7 => "never recorded, signed",
        8 => "signed by a stranger",
        _ => "as granted",
    };
    match change {
        5 => document.chain_id += 1 + random.next() % 3,
        6 => document.wardkey[random.below(20)] ^= 1,
        7 => document.institution = *random.pick(&scene.institutions),
        _ => {}
    }
    let stranger = key("stranger");
    let signer = if change == 8 { &stranger } else { &chosen.patient };
    let mut signature = signer.sign_digest(&scene.domain.digest(&document.typed())).unwrap().0;
    let mut patient_key = chosen.patient.public().bytes().to_vec();
    let mut bytes = document.canonical();
    match change {
        0 => flip(&mut bytes, random),
        1 => flip(&mut signature, random),
        2 => flip(&mut patient_key, random),
        3 => negate_s(&mut signature),
        4 => patient_key = stranger.public().bytes().to_vec(),
        _ => {}
    }
    Case {
        document: bytes,
        signature,
        key: patient_key,
        request: request(scene, random, &document),
        how,
    }
}

fn request(scene: &Scene, random: &mut Random, document: &GrantDocument) -> Request {
    // Mostly within the grant, so that the later reasons are reached as well.
    let within = document.not_before + random.next() % (document.expiry - document.not_before).max(1);
    let own: Vec<_> = scene
        .devices
        .iter()
        .filter(|(of, _)| *of == document.institution)
        .collect();
    let device = if own.is_empty() || random.one_in(3) {
        random.pick(&scene.devices)
    } else {
        *random.pick(&own)
    };
    Request {
        device: device.1,
        section: if random.one_in(8) {
            u8::try_from(random.below(256)).unwrap()
        } else {
            u8::try_from(random.below(32)).unwrap()
        },
        right: if random.one_in(10) {
            *random.pick(&[0, 3, 4, 5, 6, 129, 255])
        } else {
            *random.pick(&[1, 2])
        },
        now: if random.one_in(3) {
            *random.pick(&scene.edges)
        } else {
            within
        },
    }
}

fn flip(bytes: &mut [u8], random: &mut Random) {
    let bit = random.below(8 * bytes.len());
    bytes[bit / 8] ^= 1 << (bit % 8);
}

/// s → n − s: the other signature that plain ECDSA accepts.
fn negate_s(signature: &mut [u8; 64]) {
    let n = uint!(0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551_U256);
    let s = U256::from_be_slice(&signature[32..]);
    signature[32..].copy_from_slice(&(n - s).to_be_bytes::<32>());
}

/// The rule in Rust; `None` if the bytes are refused before the rule is asked.
fn native(scene: &Scene, case: &Case) -> Option<Verdict> {
    let document = GrantDocument::from_canonical(&case.document).ok()?;
    let patient_key = PublicKey::from_sec1(&case.key).ok()?;
    let grant = SignedGrant {
        document,
        patient_key,
        signature: Signature(case.signature),
    };
    Some(match check(&scene.domain, &scene.mirror, &grant, &case.request) {
        Ok(_) => Verdict::Granted,
        Err(denial) => Verdict::Denied(denial),
    })
}

fn contract(scene: &Scene, case: &Case) -> Option<Verdict> {
    let asked = Asked {
        document: &case.document,
        signature: &case.signature,
        key: &case.key,
        request: case.request,
    };
    match scene.world.ledger.permission(&asked) {
        Ok(verdict) => Some(verdict),
        Err(ChainError::Refused(Refusal::GrantMalformed)) => None,
        Err(other) => panic!("{other}"),
    }
}

fn number(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Granted => 0,
        Verdict::Denied(denial) => denial as u8,
    }
}

/// Over a chain every case is a call of its own to a node.
const CASES: u64 = if common::OVER_RPC { 1_200 } else { 14_000 };

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn contract_and_core_give_the_same_verdict() {
    let (seed, count) = (setting("WARDKEY_SEED", 20_261_123), setting("WARDKEY_CASES", CASES));
    let mut random = Random(seed);
    let scene = scene(&mut random);
    let mut codes: BTreeMap<u8, u64> = BTreeMap::new();
    let (mut unreadable, mut ways) = (0u64, BTreeSet::new());
    for n in 0..count {
        let case = case(&scene, &mut random);
        let (native, contract) = (native(&scene, &case), contract(&scene, &case));
        ways.insert(case.how);
        match native {
            Some(verdict) => {
                assert_eq!(
                    Some(verdict),
                    contract,
                    "case {n} of seed {seed}: {}, {:?}",
                    case.how,
                    case.request
                );
                *codes.entry(number(verdict)).or_default() += 1;
            }
            // What Rust's types cannot even hold, the contract must not grant.
            None => {
                assert_ne!(
                    contract,
                    Some(Verdict::Granted),
                    "case {n} of seed {seed}: {}",
                    case.how
                );
                unreadable += 1;
            }
        }
    }
    println!("codes {codes:?}, unreadable {unreadable}");
    assert_eq!(
        codes.keys().copied().collect::<Vec<_>>(),
        (0..=16).collect::<Vec<_>>(),
        "every code occurs"
    );
    assert_eq!(ways.len(), 10);
    assert!(unreadable > 0 && codes.values().sum::<u64>() >= count * 8 / 10);
}

#[test]
fn odd_lengths_are_never_granted() {
    let mut random = Random(1);
    let scene = scene(&mut random);
    let granted = std::iter::repeat_with(|| case(&scene, &mut random))
        .find(|case| contract(&scene, case) == Some(Verdict::Granted))
        .unwrap();
    let ask = |document: &[u8], signature: &[u8], key: &[u8]| {
        scene.world.ledger.permission(&Asked {
            document,
            signature,
            key,
            request: granted.request,
        })
    };
    let (d, s, k) = (&granted.document[..], &granted.signature[..], &granted.key[..]);
    assert_eq!(ask(d, s, k).unwrap(), Verdict::Granted);
    for document in [&d[..383], &[d, &[0]].concat(), &[]] {
        assert!(matches!(
            ask(document, s, k),
            Err(ChainError::Refused(Refusal::GrantMalformed))
        ));
    }
    for signature in [&s[..63], &[s, &[0]].concat(), &[]] {
        assert_eq!(ask(d, signature, k).unwrap(), Verdict::Denied(Denial::BadSignature));
    }
    for key in [&k[..64], &[k, &[0]].concat(), &[]] {
        assert_eq!(ask(d, s, key).unwrap(), Verdict::Denied(Denial::WrongPatient));
    }
    let mut dirty = d.to_vec();
    dirty[2 * 32] = 1; // above the 32 bits of `read`
    assert!(matches!(
        ask(&dirty, s, k),
        Err(ChainError::Refused(Refusal::GrantMalformed))
    ));
}

#[test]
fn a_key_has_one_encoding() {
    let mut random = Random(1);
    let scene = scene(&mut random);
    let patient = &scene.grants[0].patient;
    let mut odd = *patient.public().bytes();
    odd[0] = 5;
    let mut document = scene.grants[0].document.clone();
    document.patient = PatientId(sha256(&[&odd]));
    let signature = patient.sign_digest(&scene.domain.digest(&document.typed())).unwrap().0;
    let request = request(&scene, &mut random, &document);
    let asked = Asked {
        document: &document.canonical(),
        signature: &signature,
        key: &odd,
        request,
    };
    assert_eq!(
        scene.world.ledger.permission(&asked).unwrap(),
        Verdict::Denied(Denial::BadSignature)
    );
}
