//! The API's description (OpenAPI 3.1), made from one table: `operations.rs` what can be asked, `schemas.rs` what it consists of,
//! `problems.rs` what it is refused with. The tests hold every answer that they see against it (decision 24).

mod areas;
mod operation;
mod operations;
mod problems;
mod schemas;

use operation::{By, Gives, Operation, Takes};
use serde_json::{Map, Value, json};

pub use operations::ALL;

/// The whole document.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in ALL {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(operation.method.to_owned(), described(operation));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Wardkey gateway",
            "version": "1",
            "summary": "Sponsors signed actions, keeps ciphertext, logs every read and write.",
            "description": "The whole protocol is docs/protocol.md; the codes of problems are docs/errors.md. Every answer to a signed \
                request, except the stream of events, is signed by the gateway: a client refuses any other.",
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" }
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "headers": schemas::headers(),
            "securitySchemes": {
                "session": signature("session:<session id>, the key that a card or a master key delegated to (POST /v1/sessions)"),
                "patient": signature("patient:<patient id>, with the root key itself in wardkey-key"),
            }
        }
    })
}

/// RFC 9421 has no scheme of its own in OpenAPI: the header that carries the signature stands for it.
fn signature(key: &str) -> Value {
    json!({
        "type": "apiKey",
        "in": "header",
        "name": "signature",
        "description": format!("HTTP message signature (RFC 9421), label `wardkey`, keyid `{key}`; see docs/protocol.md §7."),
    })
}

fn described(operation: &Operation) -> Value {
    let mut out = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": parameters(operation),
        "responses": responses(operation),
    });
    let body = operation.takes.map(|takes| match takes {
        Takes::Json(schema) => json!({ "application/json": { "schema": schemas::reference(schema) } }),
        Takes::Bytes => json!({ "application/octet-stream": {} }),
    });
    if let Some(content) = body {
        out["requestBody"] = json!({ "required": true, "content": content });
    }
    let security: Vec<Value> = operation.by.schemes().iter().map(|name| json!({ *name: [] })).collect();
    out["security"] = Value::Array(security);
    out
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation
        .path
        .split(['{', '}'])
        .skip(1)
        .step_by(2)
        .map(|name| parameter("path", name, true, operation.place(name), ""));
    let in_query = operation
        .query
        .iter()
        .map(|(name, schema, required, text)| parameter("query", name, *required, schemas::query(schema), text));
    let text =
        |name: &str, required: bool, text: &str| parameter("header", name, required, json!({ "type": "string" }), text);
    let signed = match operation.by {
        By::Anyone => vec![],
        _ => vec![
            text("signature-input", true, "RFC 9421 §4.1, label `wardkey`."),
            text("signature", true, "RFC 9421 §4.2, label `wardkey`."),
        ],
    };
    let key = parameter(
        "header",
        "wardkey-key",
        false,
        schemas::reference("PublicKey"),
        "The patient's root key, if a patient signs.",
    );
    let digest = text("content-digest", true, "RFC 9530, `sha-256`.");
    let permission = |required| {
        parameter(
            "header",
            "wardkey-permission",
            required,
            schemas::reference("Id"),
            "Commitment of the grant under which is asked.",
        )
    };
    let reason = text(
        "wardkey-reason",
        false,
        "Why, percent-encoded UTF-8 of at most 500 bytes; a card that reads must give one.",
    );
    let resumed = parameter(
        "header",
        "last-event-id",
        false,
        schemas::reference("Count"),
        "The last event that was heard: what was told since comes first.",
    );
    in_path
        .chain(in_query)
        .chain(signed)
        .chain(operation.by.patient().then_some(key))
        .chain((operation.takes.is_some() && !matches!(operation.by, By::Anyone)).then_some(digest))
        .chain(operation.permission.map(permission))
        .chain(operation.reason.then_some(reason))
        .chain(matches!(operation.gives, Gives::Events).then_some(resumed))
        .collect()
}

fn parameter(place: &str, name: &str, required: bool, schema: Value, text: &str) -> Value {
    let mut out = json!({ "name": name, "in": place, "required": required, "schema": schema });
    if !text.is_empty() {
        out["description"] = text.into();
    }
    out
}

fn responses(operation: &Operation) -> Value {
    let mut out = Map::new();
    let signed = !matches!(operation.by, By::Anyone);
    let headers = || if signed { schemas::signed_headers() } else { json!({}) };
    let (status, mut answer) = match operation.gives {
        Gives::Nothing => ("204", json!({ "description": "Done." })),
        Gives::Json(schema) => ("200", content("application/json", schemas::reference(schema))),
        Gives::List(schema) => {
            let list = json!({ "type": "array", "items": schemas::reference(schema) });
            ("200", content("application/json", list))
        }
        Gives::Any => ("200", content("application/json", json!({ "type": "object" }))),
        Gives::Bytes(kind) => ("200", content(kind, json!({ "type": "string" }))),
        Gives::Events => ("200", content("text/event-stream", json!({ "type": "string" }))),
    };
    if signed && !matches!(operation.gives, Gives::Events) {
        answer["headers"] = headers();
    }
    out.insert(status.to_owned(), answer);
    for (status, codes) in problems::by_status(operation) {
        let mut problem = content("application/problem+json", problem(&codes));
        problem["description"] = codes.join(", ").into();
        if status == 429 {
            problem["headers"] = json!({ "retry-after": { "$ref": "#/components/headers/retry-after" } });
        }
        out.insert(status.to_string(), problem);
    }
    Value::Object(out)
}

fn content(kind: &str, schema: Value) -> Value {
    json!({ "description": "The answer.", "content": { kind: { "schema": schema } } })
}

/// Problem details with one of these codes.
fn problem(codes: &[&str]) -> Value {
    json!({
        "allOf": [
            schemas::reference("Problem"),
            { "type": "object", "properties": { "code": { "enum": codes } } }
        ]
    })
}
