//! What requests and answers consist of, area by area.

use super::schemas::{
    Member, Named, action, base64url, count, hex, id, key, list, number, object, proof, reference, signature, text,
    whole, with_sealed, word,
};
use serde_json::{Value, json};

fn institution() -> Vec<Member<'static>> {
    vec![
        ("id", id(), true),
        ("name", text(), true),
        ("country", text(), true),
        ("status", word(&["registered", "accredited", "suspended"]), true),
        ("masters", list(key()), true),
        ("threshold", number(u8::MAX.into()), true),
        ("mastersVersion", count(), true),
        ("agreement", whole(&[("epoch", count()), ("key", key())]), true),
        ("nonce", count(), true),
        ("block", count(), true),
    ]
}

fn device(certificate: Value) -> Vec<Member<'static>> {
    vec![
        ("id", id(), true),
        ("key", key(), true),
        ("institution", id(), true),
        ("status", word(&["active", "revoked", "suspended", "expired"]), true),
        ("rights", number(3), true),
        ("notAfter", count(), true),
        ("nonce", count(), true),
        ("certificate", certificate, true),
    ]
}

fn device_request() -> Vec<Member<'static>> {
    vec![
        ("certificate", reference("DeviceCertificate"), true),
        ("challenge", id(), true),
        ("deadline", count(), true),
        ("signature", signature(), true),
        ("attestation", reference("Attestation"), true),
    ]
}

fn unblock() -> Vec<Member<'static>> {
    vec![
        ("institution", id(), true),
        ("device", id(), true),
        ("card", text(), true),
        ("terminal", text(), true),
        ("key", key(), true),
        ("time", count(), true),
    ]
}

fn delegation() -> Value {
    whole(&[
        ("principal", id()),
        ("kind", word(&["device", "master"])),
        ("session", key()),
        ("audience", id()),
        ("notBefore", count()),
        ("expiry", count()),
    ])
}

pub(super) fn enrolment() -> Named {
    let der = base64url;
    let words = [
        ("holder", text()),
        ("role", text()),
        ("card", text()),
        ("firmware", text()),
    ];
    let keys = [
        ("device", key()),
        ("signature", key()),
        ("agreement", key()),
        ("evidence", id()),
    ];
    vec![
        (
            "DeviceCertificate",
            whole(&[&[("institution", id())][..], &words, &keys].concat()),
        ),
        (
            "Attestation",
            whole(&[
                ("leaf9a", der()),
                ("leaf9c", der()),
                ("leaf9d", der()),
                ("issuer", der()),
            ]),
        ),
        (
            "ProvedDevice",
            object(&[device(id()), vec![("approval", reference("SignedAction"), false)]].concat()),
        ),
        (
            "WholeDevice",
            object(
                &[
                    device(reference("DeviceCertificate")),
                    vec![("lastUse", count(), false), ("note", text(), false)],
                ]
                .concat(),
            ),
        ),
        ("DeviceRequest", object(&device_request())),
        (
            "WaitingRequest",
            object(
                &[
                    vec![("request", id(), true), ("submitted", count(), true)],
                    device_request(),
                ]
                .concat(),
            ),
        ),
        ("Challenge", whole(&[("challenge", id()), ("expires", count())])),
        ("Requested", whole(&[("request", id())])),
        (
            "Progress",
            object(&[
                ("state", word(&["waiting", "approved", "refused"]), true),
                ("reason", text(), false),
            ]),
        ),
        (
            "SignedDelegation",
            whole(&[("delegation", delegation()), ("signature", signature()), ("key", key())]),
        ),
        ("Opened", whole(&[("session", id()), ("expires", count())])),
        ("UnblockRequest", object(&unblock())),
        ("Waiting", whole(&[("request", id()), ("expires", count())])),
        (
            "Unblock",
            object(&[unblock(), vec![("answer", reference("Sealed"), false)]].concat()),
        ),
    ]
}

fn section_keys() -> Vec<Member<'static>> {
    let one = whole(&[
        ("section", reference("Section")),
        ("epoch", reference("Count32")),
        ("key", key()),
    ]);
    vec![
        ("version", reference("Count32"), true),
        ("keys", list(one), true),
        ("signature", signature(), true),
    ]
}

/// The parts of a grant; the document in its canonical bytes.
fn grant() -> Vec<Member<'static>> {
    let document =
        json!({ "type": "string", "pattern": "^([0-9a-f]{2})+$", "description": "Canonical bytes (protocol §2)." });
    vec![
        ("document", document, true),
        ("patientKey", key(), true),
        ("signature", signature(), true),
        ("sectionKeys", list(reference("SectionWrap")), true),
        ("label", reference("Sealed"), true),
        ("agreementEpoch", reference("Count32"), true),
    ]
}

pub(super) fn patients() -> Named {
    let state = || word(&["live", "revoked", "expired"]);
    let document = grant().swap_remove(0);
    vec![
        ("SectionKeys", object(&section_keys())),
        (
            "PatientKeys",
            object(&[section_keys(), vec![("patientKey", key(), true)]].concat()),
        ),
        ("Published", whole(&[("version", reference("Count32"))])),
        (
            "SectionWrap",
            with_sealed(&[
                ("section", reference("Section"), true),
                ("epoch", reference("Count32"), true),
            ]),
        ),
        (
            "NewGrant",
            object(&[grant(), vec![("action", reference("SignedAction"), true)]].concat()),
        ),
        (
            "Granted",
            whole(&[("commitment", id()), ("tx", id()), ("block", count())]),
        ),
        (
            "Given",
            object(&[
                ("commitment", id(), true),
                document,
                ("state", state(), true),
                ("block", count(), true),
            ]),
        ),
        (
            "Received",
            object(
                &[
                    grant(),
                    vec![
                        ("commitment", id(), true),
                        ("since", count(), true),
                        ("state", state(), true),
                    ],
                ]
                .concat(),
            ),
        ),
    ]
}

fn receipt() -> Vec<Member<'static>> {
    vec![
        ("index", count(), true),
        ("leaf", id(), true),
        ("time", count(), true),
        ("signature", signature(), true),
    ]
}

fn record() -> Value {
    let header = whole(&[
        ("record", id()),
        ("patient", id()),
        ("section", reference("Section")),
        ("epoch", reference("Count32")),
        ("version", reference("Count32")),
        ("institution", id()),
        ("device", id()),
        ("time", count()),
        ("kind", text()),
    ]);
    let in_session = whole(&[
        ("by", json!({ "const": "session" })),
        ("delegation", delegation()),
        ("delegationSignature", signature()),
        ("deviceKey", key()),
        ("signature", signature()),
    ]);
    let by_card = whole(&[("by", json!({ "const": "signature" })), ("signature", signature())]);
    with_sealed(&[
        ("header", header, true),
        ("author", json!({ "oneOf": [in_session, by_card] }), true),
    ])
}

pub(super) fn records() -> Named {
    let path = || list(id());
    let read = [
        ("section", reference("Section"), true),
        ("index", count(), true),
        ("leaf", id(), true),
        ("size", count(), true),
    ];
    let proof = [
        ("root", id(), true),
        ("path", path(), true),
        ("receipt", reference("Receipt"), true),
    ];
    let written = [vec![("record", id(), true)], receipt()].concat();
    let checkpoint = whole(&[("size", count()), ("root", id()), ("block", count())]);
    let line = [
        ("sequence", count(), true),
        ("index", count(), true),
        ("leaf", id(), true),
    ];
    let promise = [("receipt", reference("Receipt"), true), ("path", path(), false)];
    vec![
        ("Receipt", object(&receipt())),
        ("Record", record()),
        ("NewRecords", whole(&[("records", list(reference("Record")))])),
        (
            "Reading",
            whole(&[
                ("records", list(reference("Record"))),
                ("log", list(object(&[&read[..], &proof].concat()))),
            ]),
        ),
        (
            "BlobReading",
            whole(&[
                ("section", reference("Section")),
                ("size", count()),
                ("ticket", hex(40)),
                ("expires", count()),
                ("log", list(object(&[&read[..], &proof].concat()))),
            ]),
        ),
        ("KeptBlob", object(&[vec![("blob", id(), true)], receipt()].concat())),
        ("Written", whole(&[("receipts", list(object(&written)))])),
        (
            "Log",
            whole(&[
                ("entries", list(with_sealed(&[&line[..], &promise].concat()))),
                ("checkpoint", json!({ "oneOf": [checkpoint, { "type": "null" }] })),
            ]),
        ),
    ]
}

pub(super) fn institutions() -> Named {
    let wrap = [("epoch", reference("Count32"), true), ("key", key(), true)];
    let wrap_to = [&[("recipient", id(), true)][..], &wrap].concat();
    let states = || word(&["open", "done", "withdrawn", "stale"]);
    let signed = whole(&[("key", key()), ("signature", signature()), ("at", count())]);
    vec![
        ("Institution", object(&institution())),
        (
            "ProvedInstitution",
            object(&[institution(), vec![("actions", list(reference("SignedAction")), true)]].concat()),
        ),
        ("Wrap", with_sealed(&wrap)),
        (
            "OlderKey",
            with_sealed(&[("epoch", reference("Count32"), true), ("next", key(), true)]),
        ),
        (
            "NewProposal",
            object(&[
                ("action", reference("SignedAction"), true),
                ("wraps", list(with_sealed(&wrap_to)), false),
            ]),
        ),
        ("Added", whole(&[("signature", signature())])),
        (
            "Became",
            object(&[
                ("proposal", id(), true),
                ("state", states(), true),
                ("block", count(), false),
            ]),
        ),
        (
            "Proposal",
            action(&[
                ("proposal", id(), true),
                ("proof", proof(), false),
                ("signatures", list(signed), true),
                ("proposer", key(), true),
                ("proposed", count(), true),
                ("state", states(), true),
                ("reason", text(), false),
                ("by", key(), false),
            ]),
        ),
        (
            "Ink",
            with_sealed(&[("id", hex(16), true), ("epoch", count(), true), ("made", count(), true)]),
        ),
        ("Use", whole(&[("number", count()), ("ct", base64url())])),
    ]
}
