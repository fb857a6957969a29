//! An error as HTTP answers carry it: problem details (RFC 9457, `application/problem+json`) with two members of ours.

use crate::fault::Fault;
use serde::{Deserialize, Serialize};

/// Media type of an answer that holds [`ProblemDetails`].
pub const PROBLEM_JSON: &str = "application/problem+json";
/// What `type` begins with; the code follows.
pub const PROBLEM_TYPE: &str = "urn:wardkey:problem:";

/// Problem details. Members that a reader does not know are to be ignored (RFC 9457 §3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemDetails {
    /// Names the kind of problem: [`PROBLEM_TYPE`] and the code. It is a name, nothing can be fetched there.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened.
    pub title: String,
    /// The answer's HTTP status, again.
    pub status: u16,
    /// What more is known of this one time, such as the place of an error in a body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Stable kebab-case code (`docs/errors.md`).
    pub code: String,
    /// What to do now.
    pub action: String,
}

impl ProblemDetails {
    /// A fault under a status.
    #[must_use]
    pub fn new(status: u16, fault: Fault, detail: Option<String>) -> Self {
        let Fault { code, message, action } = fault;
        Self {
            kind: format!("{PROBLEM_TYPE}{code}"),
            title: message,
            status,
            detail,
            code,
            action,
        }
    }

    /// The fault, with the detail in its sentence.
    #[must_use]
    pub fn into_fault(self) -> Fault {
        let message = match self.detail {
            Some(detail) => format!("{}: {detail}", self.title),
            None => self.title,
        };
        Fault {
            code: self.code,
            message,
            action: self.action,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn a_fault_crosses_and_comes_back() {
        let fault = Fault::new("grant-revoked", "the patient revoked the grant", "Ask the patient.");
        let details = ProblemDetails::new(403, fault.clone(), None);
        let text = serde_json::to_string(&details).unwrap();
        assert_eq!(
            text,
            r#"{"type":"urn:wardkey:problem:grant-revoked","title":"the patient revoked the grant","status":403,"code":"grant-revoked","action":"Ask the patient."}"#
        );
        assert_eq!(
            serde_json::from_str::<ProblemDetails>(&text).unwrap().into_fault(),
            fault
        );
        let more = ProblemDetails::new(400, fault, Some("line 1".to_owned()));
        assert_eq!(more.into_fault().message, "the patient revoked the grant: line 1");
    }
}
