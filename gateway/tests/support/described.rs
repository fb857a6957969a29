//! Holds every answer that a test sees against the API's description: status, code, media type, headers, and each member of the body.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use wardkey_gateway::description::document;

static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let mut document = document();
    strict(&mut document);
    document
});
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// What is not described is not to be there.
fn strict(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(strict);
            let closed = map.contains_key("properties") && map.contains_key("required");
            if closed && map.get("type") == Some(&json!("object")) {
                map.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(strict),
        _ => {}
    }
}

/// The description's operation for a request; `None` if there is no such path or it lacks the method.
pub fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let fits = |template: &str| {
        let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
        template.len() == path.len() && template.iter().zip(&path).all(|(t, p)| t.starts_with('{') || t == p)
    };
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    let exact = paths.get(path);
    let described = exact.or_else(|| {
        paths
            .iter()
            .find(|(template, _)| fits(template))
            .map(|(_, methods)| methods)
    });
    described?.get(method.as_str().to_lowercase())
}

/// As a middleware around the gateway's routes.
pub async fn held(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let signed = request.headers().contains_key("signature");
    let (parts, body) = next.run(request).await.into_parts();
    let Some(operation) = operation(&method, &path) else {
        return Response::from_parts(parts, body);
    };
    let kind = parts
        .headers
        .get("content-type")
        .map(|kind| kind.to_str().unwrap().to_owned());
    if kind.as_deref() == Some("text/event-stream") {
        return Response::from_parts(parts, body);
    }
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    hold(
        operation,
        (parts.status, kind.as_deref()),
        &parts.headers,
        &bytes,
        signed,
    );
    Response::from_parts(parts, Body::from(bytes))
}

fn hold(
    operation: &Value,
    (status, kind): (StatusCode, Option<&str>),
    headers: &HeaderMap,
    body: &Bytes,
    signed: bool,
) {
    let id = operation["operationId"].as_str().unwrap();
    let said = String::from_utf8_lossy(body);
    let answer = &operation["responses"][status.as_str()];
    assert!(answer.is_object(), "{id} does not describe {status}: {said}");
    let Some(content) = answer.get("content") else {
        assert!(body.is_empty(), "{id} describes no body with {status}: {said}");
        return;
    };
    let kind = kind.unwrap_or_else(|| panic!("{id}: no media type with {status}"));
    let schema = &content[kind]["schema"];
    assert!(schema.is_object(), "{id} does not describe {kind} with {status}");
    if !kind.ends_with("json") {
        return;
    }
    let value: Value = serde_json::from_slice(body).unwrap();
    let validator = validator(&format!("{id} {status}"), schema);
    let faults: Vec<_> = validator.iter_errors(&value).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{id} {status}: {faults:?}\n{said}");
    if signed {
        for (name, _) in answer["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| *name != "retry-after")
        {
            assert!(headers.contains_key(name), "{id} {status} lacks {name}");
        }
    }
}

fn validator(name: &str, schema: &Value) -> Arc<Validator> {
    let mut all = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let made = all.entry(name.to_owned()).or_insert_with(|| {
        let whole = json!({ "allOf": [schema], "components": { "schemas": DESCRIPTION["components"]["schemas"] } });
        Arc::new(jsonschema::draft202012::new(&whole).unwrap())
    });
    Arc::clone(made)
}
