//! The API's description: what docs/openapi.json says is what the program serves. That answers are as described is held by every
//! other test too (`support/described.rs`).
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use axum::http::Method;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use support::described::operation;
use support::{Place, done};
use wardkey_gateway::bench::stage::Ask;
use wardkey_gateway::description::{ALL, document};

/// Every `/v1` address with its methods, as `routes/mod.rs` names them.
fn routed() -> BTreeSet<(String, String)> {
    let source = include_str!("../src/routes/mod.rs");
    let mut found = BTreeSet::new();
    for route in source.split(".route(").skip(1) {
        let path = route.split('"').nth(1).unwrap().replace("{*", "{");
        let methods = route.split("#[cfg").next().unwrap();
        for method in ["get", "post", "put", "delete", "patch"] {
            if methods.contains(&format!(" {method}("))
                || methods.contains(&format!(").{method}("))
                || methods.contains(&format!("\n            {method}("))
            {
                found.insert((path.clone(), method.to_owned()));
            }
        }
    }
    found
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let described: BTreeSet<_> = ALL.iter().map(|o| (o.path.to_owned(), o.method.to_owned())).collect();
    assert_eq!(described, routed());
    assert_eq!(described.len(), ALL.len(), "each once");
    let ids: BTreeSet<_> = ALL.iter().map(|o| o.id).collect();
    assert_eq!(ids.len(), ALL.len(), "each under its own name");
}

#[tokio::test]
async fn every_described_operation_is_served_and_no_other_method() {
    let place = Place::new();
    for described in ALL {
        let path = described.path.replace("{epoch}", "1").replace("{section}", "1");
        let target: String = path
            .split('/')
            .map(|part| {
                if part.starts_with('{') {
                    "/".to_owned() + &"00".repeat(32)
                } else {
                    format!("/{part}")
                }
            })
            .collect();
        let target = target.trim_start_matches('/');
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            let ask = Ask {
                method: method.clone(),
                ..Ask::get(format!("/{target}"))
            };
            let reply = place.stage.ask(ask).await.unwrap();
            let there = operation(&method, &format!("/{target}")).is_some();
            assert_eq!(
                reply.code() == "method-not-allowed",
                !there,
                "{method} {}",
                described.path
            );
            let may_lack = described.path.starts_with("/log/");
            assert!(may_lack || reply.code() != "not-found", "{method} {}", described.path);
        }
    }
    let served = done(&place.stage.ask(Ask::get("/v1/openapi.json")).await.unwrap());
    assert_eq!(served, document());
}

#[test]
fn the_file_in_docs_is_the_description() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if std::env::var_os("WARDKEY_WRITE_DESCRIPTION").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(
        kept == text,
        "docs/openapi.json is old: run this test with WARDKEY_WRITE_DESCRIPTION=1 and look at the difference"
    );
}

#[test]
fn every_schema_is_sound_and_every_reference_leads_somewhere() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        jsonschema::meta::validate(schema).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    }
    references(&document, &mut |pointer| {
        assert!(
            document.pointer(pointer.trim_start_matches('#')).is_some(),
            "{pointer} leads nowhere"
        );
    });
}

fn references(value: &Value, found: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, inner)| match inner {
            Value::String(pointer) if name == "$ref" => found(pointer),
            inner => references(inner, found),
        }),
        Value::Array(list) => list.iter().for_each(|inner| references(inner, found)),
        _ => {}
    }
}
