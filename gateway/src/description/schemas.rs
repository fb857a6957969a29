//! What requests and answers consist of (JSON Schema 2020-12). The domain's own types know nothing of this description.

use super::areas::{enrolment, institutions, patients, records};
use serde_json::{Map, Value, json};

/// A member of an object: name, schema, whether it must be there.
pub(super) type Member<'a> = (&'a str, Value, bool);

/// A reference to a schema.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The schema of a parameter in the query: the text of the value.
pub(super) fn query(name: &str) -> Value {
    match name {
        "Start" => hex(8),
        "Tag" => hex(16),
        "Ticket" => hex(40),
        "Sections" => json!({ "type": "string", "pattern": "^[0-9]{1,2}(,[0-9]{1,2})*$" }),
        _ => reference(name),
    }
}

/// The headers of signed answers, and that of a refusal for a while.
pub(super) fn headers() -> Value {
    let text =
        |description: &str| json!({ "description": description, "required": true, "schema": { "type": "string" } });
    json!({
        "content-digest": text("RFC 9530, `sha-256` of the answer's bytes."),
        "signature-input": text("RFC 9421 §4.1, label `wardkey`, by the gateway's key."),
        "signature": text("RFC 9421 §4.2: over status, content-digest, and of the request method, path, query and signature."),
        "retry-after": { "description": "Seconds to wait (RFC 9110 §10.2.3).", "schema": { "type": "integer", "minimum": 0 } },
    })
}

/// References to the headers of signed answers.
pub(super) fn signed_headers() -> Value {
    let one = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    json!({ "content-digest": one("content-digest"), "signature-input": one("signature-input"), "signature": one("signature") })
}

pub(super) fn hex(bytes: usize) -> Value {
    json!({ "type": "string", "pattern": format!("^[0-9a-f]{{{}}}$", 2 * bytes) })
}

pub(super) fn base64url() -> Value {
    json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]*$" })
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

pub(super) fn number(most: u64) -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": most })
}

pub(super) fn count() -> Value {
    reference("Count")
}

pub(super) fn id() -> Value {
    reference("Id")
}

pub(super) fn key() -> Value {
    reference("PublicKey")
}

pub(super) fn signature() -> Value {
    reference("Signature")
}

pub(super) fn word(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

pub(super) fn list(of: Value) -> Value {
    json!({ "type": "array", "items": of })
}

pub(super) fn object(members: &[Member<'_>]) -> Value {
    let properties: Map<String, Value> = members
        .iter()
        .map(|(name, schema, _)| ((*name).to_owned(), schema.clone()))
        .collect();
    let required: Vec<&str> = members.iter().filter(|m| m.2).map(|m| m.0).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// An object with all these members.
pub(super) fn whole(members: &[(&str, Value)]) -> Value {
    let members: Vec<Member<'_>> = members
        .iter()
        .map(|(name, schema)| (*name, schema.clone(), true))
        .collect();
    object(&members)
}

fn sealed() -> [Member<'static>; 2] {
    [("enc", base64url(), true), ("ct", base64url(), true)]
}

/// An object with a sealed thing among its members.
pub(super) fn with_sealed(members: &[Member<'static>]) -> Value {
    object(&[members, &sealed()].concat())
}

/// All schemas by name.
pub(super) fn all() -> Value {
    let areas = [basics(), chain(), enrolment(), patients(), records(), institutions()];
    let schemas: Map<String, Value> = areas
        .into_iter()
        .flatten()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect();
    Value::Object(schemas)
}

/// Schemas with their names.
pub(super) type Named = Vec<(&'static str, Value)>;

fn basics() -> Named {
    vec![
        ("Id", hex(32)),
        (
            "PublicKey",
            json!({ "type": "string", "pattern": "^04[0-9a-f]{128}$", "description": "P-256, uncompressed (SEC 1 §2.3.3)." }),
        ),
        (
            "Signature",
            json!({ "type": "string", "pattern": "^[0-9a-f]{128}$", "description": "ECDSA P-256, r‖s, low s." }),
        ),
        ("Count", number(i64::MAX as u64)),
        ("Count32", number(u32::MAX.into())),
        ("Section", number(u8::MAX.into())),
        ("Sealed", with_sealed(&[])),
        (
            "Problem",
            object(&[
                (
                    "type",
                    json!({ "type": "string", "pattern": "^urn:wardkey:problem:[a-z0-9-]+$" }),
                    true,
                ),
                ("title", text(), true),
                ("status", number(599), true),
                ("detail", text(), false),
                ("code", json!({ "type": "string", "pattern": "^[a-z0-9-]+$" }), true),
                ("action", text(), true),
            ]),
        ),
        ("Reason", whole(&[("reason", text())])),
        ("Note", whole(&[("note", text())])),
    ]
}

fn head() -> Value {
    whole(&[("number", count()), ("hash", id()), ("time", count())])
}

fn chain() -> Named {
    vec![
        (
            "Network",
            whole(&[
                ("name", text()),
                ("chainId", count()),
                ("contract", hex(20)),
                ("salt", id()),
                ("operator", key()),
                ("gateway", key()),
                ("head", head()),
                ("heard", count()),
            ]),
        ),
        (
            "CheckpointState",
            whole(&[("size", count()), ("root", id()), ("block", count()), ("time", count())]),
        ),
        ("Action", action(&[])),
        (
            "SignedAction",
            action(&[
                ("signatures", list(signature()), true),
                ("keys", list(key()), false),
                ("proof", proof(), false),
            ]),
        ),
        (
            "Outcome",
            whole(&[("tx", id()), ("block", count()), ("gas", count()), ("digest", id())]),
        ),
    ]
}

pub(super) fn action(more: &[Member<'static>]) -> Value {
    let kinds = [
        "RegisterInstitution",
        "SetAccreditation",
        "SetGateway",
        "ApproveDevice",
        "RevokeDevice",
        "SetSuspension",
        "RotateAgreement",
        "SetMasters",
        "Grant",
        "Revoke",
        "Checkpoint",
    ];
    let message = json!({ "type": "object", "description": "The fields of the typed struct of this name (protocol §2), bytes as 0x and hex." });
    object(&[&[("type", word(&kinds), true), ("message", message, true)], more].concat())
}

pub(super) fn proof() -> Value {
    whole(&[
        (
            "message",
            json!({ "type": "object", "description": "RequestDevice, protocol §2." }),
        ),
        ("signature", signature()),
    ])
}
