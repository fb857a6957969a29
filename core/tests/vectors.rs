//! The formats, pinned: `tests/vectors/protocol.json` is read by the browser's tests too. Rewrite it (after a wanted change of
//! the protocol only) with `WARDKEY_WRITE_VECTORS=1 cargo test --release -p wardkey-core --test vectors`.
#![expect(clippy::unwrap_used, reason = "test")]

use serde_json::{Value, json};
use std::path::PathBuf;
use wardkey_core::action::{Action, SignedAction};
use wardkey_core::delegation::{Delegation, PrincipalKind, SignedDelegation};
use wardkey_core::grant::GrantDocument;
use wardkey_core::hpke::{Context, Sealed, open, seal};
use wardkey_core::http_signature::{KeyName, RequestParts, SignatureParams, content_digest, sign_request};
use wardkey_core::id::{Digest, InstitutionId, PatientId, RecordId};
use wardkey_core::key::{Signature, SoftKey};
use wardkey_core::log::{Deed, LogEvent, leaf_hash};
use wardkey_core::record::{Record, RecordHeader, Unsigned};
use wardkey_core::section_keys::{SectionKey, SectionKeys};
use wardkey_core::typed::{Domain, hash_struct, structs};

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/protocol.json")
}

fn domain() -> Domain {
    Domain {
        chain_id: 20_261_123,
        contract: [0xc0; 20],
        salt: [0x5a; 32],
    }
}

fn key(n: u8) -> SoftKey {
    SoftKey::from_bytes(&[n; 32]).unwrap()
}

fn document() -> GrantDocument {
    GrantDocument {
        patient: PatientId::from(key(1).public().id()),
        institution: InstitutionId::from(key(2).public().id()),
        read: 0x0000_ffff,
        write: 0x0002_0008,
        purpose: 1,
        not_before: 1_790_000_000,
        expiry: 1_790_600_000,
        salt: [0x11; 32],
        key: key(3).public(),
        chain_id: domain().chain_id,
        wardkey: domain().contract,
    }
}

fn header() -> RecordHeader {
    RecordHeader {
        record: RecordId([0x22; 32]),
        patient: document().patient,
        section: 2,
        epoch: 0,
        version: 1,
        institution: document().institution,
        device: key(4).public().id().into(),
        time: 1_790_000_100,
        kind: "AllergyIntolerance".into(),
    }
}

fn event() -> LogEvent {
    LogEvent {
        sequence: 3,
        previous: Digest([0x33; 32]),
        action: Deed::Read,
        patient: document().patient,
        institution: document().institution,
        device: key(4).public().id().into(),
        section: 2,
        reason: "Emergency — Notfall — 救急".into(),
        subject: Digest(document().commitment().0),
        time: 1_790_000_200,
        salt: Digest([0x44; 32]),
    }
}

fn delegation() -> SignedDelegation {
    let delegation = Delegation {
        principal: key(4).public().id(),
        kind: PrincipalKind::Device,
        session: key(5).public(),
        audience: key(6).public().id().into(),
        not_before: 1_790_000_000,
        expiry: 1_790_000_900,
    };
    let signature = key(4).sign_digest(&domain().digest(&delegation.typed())).unwrap();
    SignedDelegation {
        delegation,
        signature,
        key: key(4).public(),
    }
}

fn keys() -> Vec<SectionKey> {
    vec![
        SectionKey {
            section: 2,
            epoch: 0,
            key: key(7).public(),
        },
        SectionKey {
            section: 31,
            epoch: 0,
            key: key(8).public(),
        },
    ]
}

/// What every implementation must compute to the letter.
fn computed() -> Value {
    let domain = domain();
    let grant = structs::Grant {
        commitment: document().commitment().0.into(),
        deadline: 1_790_000_300,
    };
    let action = Action::from(grant);
    let typed_keys = SectionKeys::typed(&document().patient, 1, &keys());
    json!({
        "domain": domain,
        "separator": hex::encode(domain.separator()),
        "publicKeys": (1..=8u8).map(|n| key(n).public()).collect::<Vec<_>>(),
        "grantDocument": {
            "canonical": hex::encode(document().canonical()),
            "commitment": document().commitment(),
            "preimage": hex::encode(domain.preimage(&document().typed())),
        },
        "grantAction": { "preimage": hex::encode(action.preimage(&domain)), "digest": action.digest(&domain) },
        "sectionKeys": { "version": 1, "keys": keys(), "preimage": hex::encode(domain.preimage(&typed_keys)) },
        "delegation": { "delegation": delegation().delegation, "preimage": hex::encode(domain.preimage(&delegation().delegation.typed())) },
        "recordHeader": { "header": header(), "hashStruct": hex::encode(header().digest()) },
        "logEvent": { "event": event(), "leaf": event().leaf(), "leafHash": leaf_hash(&event().leaf()) },
        "receipt": { "hashStruct": hex::encode(hash_struct(&wardkey_core::log::Receipt::typed(9, &event().leaf(), 1_790_000_201))) },
    })
}

/// What is random when made (signatures, HPKE), made once and pinned; checked by verifying and opening.
fn made() -> Value {
    let domain = domain();
    let grant = structs::Grant {
        commitment: document().commitment().0.into(),
        deadline: 1_790_000_300,
    };
    let signature = domain.sign(&key(3), &grant).unwrap();
    let aad = b"place";
    let sealed = seal(
        &key(7).public(),
        &Context {
            label: "wardkey/section/1",
            domain: &domain,
            aad,
        },
        b"sealed by Rust",
    )
    .unwrap();
    let record = Unsigned::seal(
        &domain,
        header(),
        &key(7).public(),
        br#"{"resourceType":"AllergyIntolerance"}"#,
    )
    .unwrap()
    .sign_in_session(&domain, &key(5), &delegation())
    .unwrap();
    let digest = content_digest(b"{}");
    let parts = RequestParts {
        method: "POST",
        path: "/v1/grants",
        query: None,
        content_digest: Some(&digest),
        permission: None,
        reason: None,
    };
    let params = SignatureParams {
        created: 1_790_000_000,
        nonce: Some("AAAA".into()),
        key: KeyName::Patient(document().patient),
    };
    let http = sign_request(&parts, &params, |m| key(1).sign(m)).unwrap();
    json!({
        "grantDocumentSignature": domain.sign(&key(1), &document().typed()).unwrap(),
        "grantAction": SignedAction::by_key(grant, key(3).public(), signature),
        "sectionKeysSignature": domain.sign(&key(1), &SectionKeys::typed(&document().patient, 1, &keys())).unwrap(),
        "sealed": { "label": "wardkey/section/1", "aad": hex::encode(aad), "recipient": 7, "sealed": sealed },
        "record": record,
        "httpRequest": { "contentDigest": digest, "signatureInput": http.input, "signature": http.signature },
    })
}

#[test]
fn formats_are_as_pinned() {
    if std::env::var_os("WARDKEY_WRITE_VECTORS").is_some() {
        let all = json!({ "note": "private keys are 32 bytes of the value 1 to 8; see core/tests/vectors.rs", "computed": computed(), "made": made() });
        std::fs::write(file(), serde_json::to_string_pretty(&all).unwrap() + "\n").unwrap();
    }
    let pinned: Value = serde_json::from_str(&std::fs::read_to_string(file()).unwrap()).unwrap();
    assert_eq!(pinned["computed"], computed());
}

#[test]
fn what_was_made_once_still_holds() {
    let pinned: Value = serde_json::from_str(&std::fs::read_to_string(file()).unwrap()).unwrap();
    let made = &pinned["made"];
    let domain = domain();
    let signature: Signature = serde_json::from_value(made["grantDocumentSignature"].clone()).unwrap();
    domain
        .verify(&key(1).public(), &document().typed(), &signature)
        .unwrap();
    let action: SignedAction = serde_json::from_value(made["grantAction"].clone()).unwrap();
    action
        .action
        .verify(&domain, &action.keys[0], &action.signatures[0])
        .unwrap();
    let sealed: Sealed = serde_json::from_value(made["sealed"]["sealed"].clone()).unwrap();
    let context = Context {
        label: "wardkey/section/1",
        domain: &domain,
        aad: b"place",
    };
    assert_eq!(open(&key(7), &context, &sealed).unwrap().as_slice(), b"sealed by Rust");
    let record: Record = serde_json::from_value(made["record"].clone()).unwrap();
    record.verify(&domain, None).unwrap();
    assert_eq!(
        record.open(&domain, &key(7)).unwrap().as_slice(),
        br#"{"resourceType":"AllergyIntolerance"}"#
    );
}

#[test]
fn an_altered_record_is_refused() {
    let pinned: Value = serde_json::from_str(&std::fs::read_to_string(file()).unwrap()).unwrap();
    let record: Record = serde_json::from_value(pinned["made"]["record"].clone()).unwrap();
    let domain = domain();
    let mut other_section = record.clone();
    other_section.header.section = 3;
    let mut other_patient = record.clone();
    other_patient.header.patient = PatientId([9; 32]);
    let mut later = record.clone();
    later.header.time = 1_790_001_000;
    let mut body = record;
    body.sealed.ct[0] ^= 1;
    for altered in [other_section, other_patient, later, body] {
        assert!(altered.verify(&domain, None).is_err());
    }
}

#[test]
fn a_grant_document_has_one_encoding() {
    let canonical = document().canonical();
    assert_eq!(canonical.len(), 384);
    assert_eq!(GrantDocument::from_canonical(&canonical).unwrap(), document());
    assert!(GrantDocument::from_canonical(&canonical[..383]).is_err());
    let mut longer = canonical.clone();
    longer.push(0);
    assert!(GrantDocument::from_canonical(&longer).is_err());
    let mut dirty = canonical;
    dirty[2 * 32] = 1; // beyond the 32 bits of `read`
    assert!(GrantDocument::from_canonical(&dirty).is_err());
}
