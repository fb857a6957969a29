//! The Bundle: entries with their exact bytes beside what they mean.

use super::ImportError;
use crate::fhir::{code_text, text};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// One entry that holds a resource.
pub(super) struct Entry<'a> {
    pub full_url: Option<String>,
    /// Bytes of the whole entry.
    pub entry: &'a str,
    /// Bytes of the resource.
    pub resource: &'a str,
    /// What the resource means.
    pub value: Value,
    pub kind: String,
}

/// A Bundle.
pub(super) struct Document<'a> {
    /// `Bundle.type`.
    pub kind: String,
    pub profiles: Vec<String>,
    pub entries: Vec<Entry<'a>>,
    /// Entries without a resource.
    pub skipped: usize,
}

#[derive(Deserialize)]
struct RawBundle<'a> {
    #[serde(borrow, default, rename = "resourceType")]
    resource_type: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    meta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    entry: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawEntry<'a> {
    #[serde(default, rename = "fullUrl")]
    full_url: Option<Value>,
    #[serde(borrow, default)]
    resource: Option<&'a RawValue>,
}

fn string(raw: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(raw?.get()).ok()
}

impl<'a> Document<'a> {
    pub fn parse(source: &'a str) -> Result<Self, ImportError> {
        let start = source.trim_start();
        if start.starts_with('<') {
            return Err(ImportError::Xml);
        }
        // The whole text must be JSON, also where nothing of it is used.
        serde_json::from_str::<serde::de::IgnoredAny>(source).map_err(|e| ImportError::NotJson {
            line: e.line().max(1),
            column: e.column().max(1),
        })?;
        if !start.starts_with('{') {
            return Err(ImportError::NotFhir);
        }
        let bundle: RawBundle<'a> = serde_json::from_str(source).map_err(|_| ImportError::NotFhir)?;
        match string(bundle.resource_type).as_deref() {
            Some("Bundle") => {}
            Some(kind) => {
                return Err(ImportError::NotABundle {
                    kind: kind.chars().take(64).collect(),
                });
            }
            None => return Err(ImportError::NotFhir),
        }
        let raw: Vec<&'a RawValue> = match bundle.entry {
            Some(raw) => serde_json::from_str(raw.get()).map_err(|_| ImportError::NotFhir)?,
            None => vec![],
        };
        let entries: Vec<Entry<'a>> = raw.iter().filter_map(|raw| Entry::parse(raw)).collect();
        if entries.is_empty() {
            return Err(ImportError::NoEntries);
        }
        let meta: Value = bundle
            .meta
            .and_then(|m| serde_json::from_str(m.get()).ok())
            .unwrap_or_default();
        let profiles = meta
            .get("profile")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned);
        Ok(Self {
            kind: string(bundle.kind).unwrap_or_default(),
            profiles: profiles.collect(),
            skipped: raw.len() - entries.len(),
            entries,
        })
    }

    /// The Composition, first of its kind.
    pub fn composition(&self) -> Option<&Value> {
        self.first("Composition")
    }

    /// The patient that the document is about: the Composition's subject, else the first.
    pub fn patient(&self) -> Option<&Value> {
        let subject = self.composition().and_then(|c| crate::fhir::reference(c, "subject").0);
        let named = subject.and_then(|name| {
            let mut index = crate::fhir::Index::default();
            self.entries
                .iter()
                .for_each(|e| index.add(&e.value, e.full_url.as_deref()));
            self.composition().and_then(|c| index.find(c, name))
        });
        named
            .filter(|p| text(p, "resourceType") == Some("Patient"))
            .or_else(|| self.first("Patient"))
    }

    fn first(&self, kind: &str) -> Option<&Value> {
        self.entries.iter().find(|e| e.kind == kind).map(|e| &e.value)
    }

    /// Title of the Composition, else a plain one.
    pub fn title(&self) -> String {
        let title = self.composition().and_then(|c| {
            text(c, "title")
                .map(str::to_owned)
                .or_else(|| c.get("type").and_then(code_text))
        });
        title.unwrap_or_else(|| "FHIR document".to_owned())
    }
}

impl<'a> Entry<'a> {
    fn parse(raw: &'a RawValue) -> Option<Self> {
        let parts: RawEntry<'a> = serde_json::from_str(raw.get()).ok()?;
        let resource = parts.resource?;
        let value: Value = serde_json::from_str(resource.get()).ok()?;
        let kind = text(&value, "resourceType")?.chars().take(64).collect();
        let full_url = parts
            .full_url
            .as_ref()
            .and_then(Value::as_str)
            .map(str::to_owned)
            .filter(|u| !u.is_empty());
        Some(Self {
            full_url,
            entry: raw.get(),
            resource: resource.get(),
            value,
            kind,
        })
    }
}
