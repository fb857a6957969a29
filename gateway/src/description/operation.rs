//! One thing that can be asked of the gateway, as data.

use super::schemas;
use serde_json::Value;

/// Whose signature is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// None.
    Anyone,
    /// The patient of the path or of the body.
    Patient,
    /// A card's session under a grant, or the patient.
    CardOrPatient,
    /// A card's session under a grant.
    Card,
    /// A card's or a master key's session.
    Session,
    /// A master key's session.
    Master,
}

impl By {
    pub(super) const fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Anyone => &[],
            Self::Patient => &["patient"],
            Self::CardOrPatient => &["session", "patient"],
            Self::Card | Self::Session | Self::Master => &["session"],
        }
    }

    pub(super) const fn patient(self) -> bool {
        matches!(self, Self::Patient | Self::CardOrPatient)
    }
}

/// What a good answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// 204.
    Nothing,
    /// One of the schemas.
    Json(&'static str),
    /// A list of one.
    List(&'static str),
    /// This description.
    Any,
    /// Bytes of this media type.
    Bytes(&'static str),
    /// Server-sent events.
    Events,
}

/// What a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// One of the schemas.
    Json(&'static str),
    /// Any bytes.
    Bytes,
}

/// A parameter in the query: name, schema, whether it must be there, what it says.
pub type Query = (&'static str, &'static str, bool, &'static str);
/// A problem: status and code.
pub type Refused = (u16, &'static str);

/// An operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Lower-case method.
    pub method: &'static str,
    /// Path with `{names}`.
    pub path: &'static str,
    /// Unique name.
    pub id: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Who signs.
    pub by: By,
    /// Query.
    pub query: &'static [Query],
    /// Whether `wardkey-permission` is read, and whether it must be there.
    pub permission: Option<bool>,
    /// Whether `wardkey-reason` is read.
    pub reason: bool,
    /// The body.
    pub takes: Option<Takes>,
    /// The answer.
    pub gives: Gives,
    /// Problems beside those that all operations of its kind have.
    pub refused: &'static [&'static [Refused]],
}

impl Operation {
    const fn new(method: &'static str, path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            id,
            summary,
            by: By::Anyone,
            query: &[],
            permission: None,
            reason: false,
            takes: None,
            gives: Gives::Nothing,
            refused: &[],
        }
    }

    pub(super) const fn get(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("get", path, id, summary)
    }

    pub(super) const fn post(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("post", path, id, summary)
    }

    pub(super) const fn put(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::new("put", path, id, summary)
    }

    pub(super) const fn by(self, by: By) -> Self {
        Self { by, ..self }
    }

    pub(super) const fn query(self, query: &'static [Query]) -> Self {
        Self { query, ..self }
    }

    pub(super) const fn under_grant(self, must: bool) -> Self {
        Self {
            permission: Some(must),
            ..self
        }
    }

    pub(super) const fn with_reason(self) -> Self {
        Self { reason: true, ..self }
    }

    pub(super) const fn takes(self, schema: &'static str) -> Self {
        Self {
            takes: Some(Takes::Json(schema)),
            ..self
        }
    }

    pub(super) const fn takes_bytes(self) -> Self {
        Self {
            takes: Some(Takes::Bytes),
            ..self
        }
    }

    pub(super) const fn gives(self, gives: Gives) -> Self {
        Self { gives, ..self }
    }

    pub(super) const fn refused(self, refused: &'static [&'static [Refused]]) -> Self {
        Self { refused, ..self }
    }

    /// The schema of a name in the path.
    pub(super) fn place(&self, name: &str) -> Value {
        match name {
            "epoch" => schemas::reference("Count32"),
            "section" => schemas::reference("Section"),
            "path" => serde_json::json!({ "type": "string", "description": "With its slashes." }),
            _ => schemas::reference("Id"),
        }
    }
}
