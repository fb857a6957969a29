//! Server-sent events (WHATWG HTML §9.2), as far as the gateway uses them. They are hints: nothing is believed from them but "look again".

use crate::{Credential, Gateway, GatewayError};
use futures::StreamExt as _;
use serde::Deserialize;
use std::time::Duration;
use wardkey_core::id::{Commitment, DeviceId};
use wardkey_core::key::PublicKey;

/// The gateway sends a comment every 10 s; three missing mean that the line is dead.
const SILENCE: Duration = Duration::from_secs(35);
/// Longest event that is read.
const LONGEST: usize = 64 << 10;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A grant to this institution.
    Grant(Commitment),
    /// A revocation.
    Revoke(Commitment),
    /// A device was approved, suspended, resumed or revoked.
    Device(Option<DeviceId>),
    /// A device request came or went.
    Request,
    /// An action waits for signatures, or does no more.
    Proposal,
    /// The institution's accreditation, agreement key or master keys changed.
    Institution,
    /// More was missed than the gateway keeps: everything must be read anew.
    Resync,
    /// The session ended, with the gateway's code.
    SessionEnded(String),
}

/// An open stream.
pub struct Events {
    stream: futures::stream::BoxStream<'static, Result<Vec<u8>, reqwest::Error>>,
    parser: Parser,
}

impl Events {
    /// Opens the stream, after the event with this id if one was heard before.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn open(
        gateway: &Gateway,
        by: &Credential,
        key: &PublicKey,
        last: Option<&str>,
    ) -> Result<Self, GatewayError> {
        let answer = gateway.event_stream(by, key, last).await?;
        let stream = answer
            .bytes_stream()
            .map(|part| part.map(|bytes| bytes.to_vec()))
            .boxed();
        Ok(Self {
            stream,
            parser: Parser::default(),
        })
    }

    /// The id of the last event, to go on from when the line is dead.
    #[must_use]
    pub fn last(&self) -> Option<&str> {
        self.parser.last.as_deref()
    }

    /// The next events; `None` when the line is dead.
    pub async fn next(&mut self) -> Option<Vec<Event>> {
        match tokio::time::timeout(SILENCE, self.stream.next()).await {
            Ok(Some(Ok(bytes))) => Some(self.parser.push(&bytes)),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Parser {
    line: Vec<u8>,
    name: String,
    data: String,
    last: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data {
    commitment: Option<Commitment>,
    device: Option<DeviceId>,
    code: Option<String>,
}

impl Parser {
    fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut out = Vec::new();
        for &byte in bytes {
            if byte != b'\n' {
                if self.line.len() < LONGEST && byte != b'\r' {
                    self.line.push(byte);
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            out.extend(self.end_of_line(&String::from_utf8_lossy(&line)));
        }
        out
    }

    fn end_of_line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            return event(&name, &data);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            // Digits only: it goes into a header when the line is opened again.
            "id" if !value.is_empty() && value.len() < 20 && value.bytes().all(|b| b.is_ascii_digit()) => {
                self.last = Some(value.to_owned());
            }
            "data" if self.data.len() < LONGEST => self.data.push_str(value),
            _ => {}
        }
        None
    }
}

fn event(name: &str, data: &str) -> Option<Event> {
    let data: Data = serde_json::from_str(data).unwrap_or_default();
    match name {
        "grant" => data.commitment.map(Event::Grant),
        "revoke" => data.commitment.map(Event::Revoke),
        "device" => Some(Event::Device(data.device)),
        "request" => Some(Event::Request),
        "proposal" => Some(Event::Proposal),
        "institution" => Some(Event::Institution),
        "resync" => Some(Event::Resync),
        "session-ended" => Some(Event::SessionEnded(
            data.code.unwrap_or_else(|| "session-ended".to_owned()),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_in_any_pieces() {
        let commitment = "ab".repeat(32);
        let text = format!(
            ": alive\n\nid: 41\n\nid: 42\nevent: resync\ndata: {{}}\n\nid: x\nevent: grant\ndata: {{\"commitment\":\"{commitment}\"}}\n\nevent: request\r\ndata: {{}}\r\n\r\nevent: new\ndata: x\n\nevent: session-ended\ndata: {{\"code\":\"device-revoked\"}}\n\n"
        );
        let expected = vec![
            Event::Resync,
            Event::Grant(Commitment([0xab; 32])),
            Event::Request,
            Event::SessionEnded("device-revoked".to_owned()),
        ];
        for size in [1, 3, 1000] {
            let mut parser = Parser::default();
            let events: Vec<Event> = text
                .as_bytes()
                .chunks(size)
                .flat_map(|part| parser.push(part))
                .collect();
            assert_eq!(events, expected);
            assert_eq!(parser.last.as_deref(), Some("42"));
        }
    }
}
