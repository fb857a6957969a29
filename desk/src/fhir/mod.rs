//! FHIR R4 read leniently: real documents break rules, so every reader here has a fall-back and none fails.

mod dose;
mod entry;
mod lens;
mod observation;

pub use entry::{Facts, facts};
pub use lens::{code_text, codes, human_name, reference, text, when};

use serde_json::Value;
use std::collections::HashMap;

/// Resources of one chart or document, by the names under which references find them.
#[derive(Default)]
pub struct Index<'a> {
    by_name: HashMap<String, &'a Value>,
}

impl<'a> Index<'a> {
    /// Makes a resource findable by `Type/id`, by its id, and by its entry's `fullUrl`.
    pub fn add(&mut self, resource: &'a Value, full_url: Option<&str>) {
        if let Some(id) = text(resource, "id") {
            let kind = text(resource, "resourceType").unwrap_or_default();
            self.by_name.entry(format!("{kind}/{id}")).or_insert(resource);
            self.by_name.entry(id.to_owned()).or_insert(resource);
        }
        if let Some(url) = full_url {
            self.by_name.insert(url.to_owned(), resource);
        }
    }

    /// Finds what a reference names; `within` is the resource that refers, for contained ones (`#id`).
    #[must_use]
    pub fn find(&self, within: &'a Value, reference: &str) -> Option<&'a Value> {
        if let Some(id) = reference.strip_prefix('#') {
            return within
                .get("contained")?
                .as_array()?
                .iter()
                .find(|r| text(r, "id") == Some(id));
        }
        let plain = reference.split("/_history/").next().unwrap_or(reference);
        self.by_name
            .get(plain)
            .or_else(|| self.by_name.get(&last_names(plain)))
            .copied()
    }
}

/// `Type/id` of a URL, the uuid of a `urn:uuid:`.
fn last_names(reference: &str) -> String {
    if let Some(id) = reference
        .strip_prefix("urn:uuid:")
        .or_else(|| reference.strip_prefix("urn:oid:"))
    {
        return id.to_owned();
    }
    let mut parts: Vec<&str> = reference.rsplit('/').take(2).collect();
    parts.reverse();
    parts.join("/")
}

/// The resource and the `fullUrl` of a sealed record: the resource itself, or its Bundle entry (protocol §4).
#[must_use]
pub fn unwrap_entry(value: &Value) -> (&Value, Option<&str>) {
    match value.get("resource") {
        Some(resource) if value.get("resourceType").is_none() => (resource, text(value, "fullUrl")),
        _ => (value, None),
    }
}
