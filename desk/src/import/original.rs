//! The document itself, byte for byte, as a DocumentReference (R4 §2.43) for the section of documents.

use super::Planned;
use crate::clock::iso;
use base64::engine::{Engine as _, general_purpose::STANDARD};
use serde_json::{Value, json};
use wardkey_core::section::Section;

pub(super) fn wrap(bytes: &[u8], title: &str, now: u64) -> Planned {
    let sha1 = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let resource = json!({
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {
            "coding": [{ "system": "http://loinc.org", "code": "60591-5", "display": "Patient summary Document" }],
            "text": title,
        },
        "date": iso(now),
        "description": "Original of an imported document",
        "content": [{ "attachment": {
            "contentType": "application/fhir+json",
            "data": STANDARD.encode(bytes),
            "size": bytes.len(),
            "hash": STANDARD.encode(sha1.as_ref()),
            "title": title,
        }}],
    });
    Planned {
        section: Section::Documents,
        kind: "DocumentReference".to_owned(),
        bytes: resource.to_string().into_bytes(),
    }
}

/// The original bytes out of such a DocumentReference.
#[must_use]
pub fn unwrap(resource: &Value) -> Option<Vec<u8>> {
    let data = resource.pointer("/content/0/attachment/data")?.as_str()?;
    STANDARD.decode(data).ok()
}
