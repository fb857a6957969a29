//! HTTP Message Signatures (RFC 9421) with ecdsa-p256-sha256: the small subset that Wardkey uses (protocol §7).
//!
//! Structured fields are the `sfv` crate's; the signature base is RFC 9421 §2.5. Components, order and parameters are fixed by the
//! protocol, so a message that covers less than it must is refused before any key is looked up.

use crate::fault::Coded;
use crate::id::{GatewayId, PatientId, SessionId};
use crate::key::{KeyError, PublicKey, Signature, sha256};
use base64::engine::{Engine, general_purpose::STANDARD};
use sfv::{BareItem, Dictionary, FieldType as _, InnerList, Item, Key, ListEntry, Parameters, Parser};
use std::{fmt, str::FromStr};

/// Label of every signature here.
pub const LABEL: &str = "wardkey";
const ALGORITHM: &str = "ecdsa-p256-sha256";

/// Why a message's signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpSignatureError {
    /// No signature, or one that cannot be read.
    #[error("the message carries no readable signature")]
    Malformed,
    /// It covers other parts than it must.
    #[error("the signature does not cover what it must")]
    Uncovered,
    /// The body is not the one that was signed.
    #[error("the body does not match its content-digest")]
    BodyAltered,
    /// The signature does not verify.
    #[error("the message's signature does not hold")]
    Invalid,
    /// Signing failed.
    #[error("the message could not be signed")]
    CannotSign,
}

impl Coded for HttpSignatureError {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "http-signature-missing",
            Self::Uncovered => "http-signature-incomplete",
            Self::BodyAltered => "http-body-altered",
            Self::Invalid => "http-signature-invalid",
            Self::CannotSign => "http-cannot-sign",
        }
    }
    fn action(&self) -> &'static str {
        "Nothing was done. Try again; if it repeats, tell IT: something between this terminal and the gateway alters messages."
    }
}

impl From<sfv::Error> for HttpSignatureError {
    fn from(_: sfv::Error) -> Self {
        Self::Malformed
    }
}

impl From<KeyError> for HttpSignatureError {
    fn from(_: KeyError) -> Self {
        Self::CannotSign
    }
}

/// Whose key signed: the `keyid` parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyName {
    /// A device's or master key's session.
    Session(SessionId),
    /// A patient's root key.
    Patient(PatientId),
    /// The gateway.
    Gateway(GatewayId),
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => write!(f, "session:{id}"),
            Self::Patient(id) => write!(f, "patient:{id}"),
            Self::Gateway(id) => write!(f, "gateway:{id}"),
        }
    }
}

impl FromStr for KeyName {
    type Err = HttpSignatureError;
    fn from_str(text: &str) -> Result<Self, HttpSignatureError> {
        let (kind, id) = text.split_once(':').ok_or(HttpSignatureError::Malformed)?;
        let bad = |_| HttpSignatureError::Malformed;
        match kind {
            "session" => Ok(Self::Session(id.parse().map_err(bad)?)),
            "patient" => Ok(Self::Patient(id.parse().map_err(bad)?)),
            "gateway" => Ok(Self::Gateway(id.parse().map_err(bad)?)),
            _ => Err(HttpSignatureError::Malformed),
        }
    }
}

/// What a request's signature covers.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    /// `GET`, …
    pub method: &'a str,
    /// Path as sent, percent-encoded.
    pub path: &'a str,
    /// Query as sent, without `?`.
    pub query: Option<&'a str>,
    /// Value of `content-digest`, if there is a body.
    pub content_digest: Option<&'a str>,
    /// Value of `wardkey-permission`, if sent.
    pub permission: Option<&'a str>,
    /// Value of `wardkey-reason`, if sent.
    pub reason: Option<&'a str>,
}

/// What a response's signature covers.
#[derive(Clone, Copy, Debug)]
pub struct ResponseParts<'a> {
    /// Status code.
    pub status: u16,
    /// Value of `content-digest`.
    pub content_digest: &'a str,
    /// The request that it answers.
    pub request: RequestParts<'a>,
    /// The request's signature.
    pub request_signature: &'a Signature,
}

/// Parameters of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureParams {
    /// Seconds since 1970.
    pub created: u64,
    /// Fresh for each request; `None` in responses.
    pub nonce: Option<String>,
    /// Whose key.
    pub key: KeyName,
}

/// The two header values of a signed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureHeaders {
    /// `signature-input`.
    pub input: String,
    /// `signature`.
    pub signature: String,
    /// The signature itself.
    pub raw: Signature,
}

/// A covered component: its identifier as an sfv item, and its value.
struct Component {
    item: Item,
    value: String,
}

fn component(name: &str, of_request: bool, value: String) -> Result<Component, HttpSignatureError> {
    let mut item = Item::new(sfv::String::from_string(name.to_owned()).map_err(|_| HttpSignatureError::Malformed)?);
    if of_request {
        item.params.insert(
            Key::from_string("req".into()).map_err(|_| HttpSignatureError::Malformed)?,
            BareItem::Boolean(true),
        );
    }
    Ok(Component { item, value })
}

impl RequestParts<'_> {
    fn target(&self, of_request: bool) -> Result<Vec<Component>, HttpSignatureError> {
        Ok(vec![
            component("@method", of_request, self.method.to_owned())?,
            component("@path", of_request, self.path.to_owned())?,
            component("@query", of_request, format!("?{}", self.query.unwrap_or_default()))?,
        ])
    }

    fn components(&self) -> Result<Vec<Component>, HttpSignatureError> {
        let mut all = self.target(false)?;
        let headers = [
            ("content-digest", self.content_digest),
            ("wardkey-permission", self.permission),
            ("wardkey-reason", self.reason),
        ];
        for (name, value) in headers {
            if let Some(value) = value {
                all.push(component(name, false, value.trim().to_owned())?);
            }
        }
        Ok(all)
    }
}

impl ResponseParts<'_> {
    fn components(&self) -> Result<Vec<Component>, HttpSignatureError> {
        let mut all = vec![
            component("@status", false, self.status.to_string())?,
            component("content-digest", false, self.content_digest.trim().to_owned())?,
        ];
        all.extend(self.request.target(true)?);
        let mut signature = component("signature", true, binary(&self.request_signature.0))?;
        let key = Key::from_string("key".into()).map_err(|_| HttpSignatureError::Malformed)?;
        signature.item.params.insert(key, string(LABEL)?);
        all.push(signature);
        Ok(all)
    }
}

fn string(text: &str) -> Result<BareItem, HttpSignatureError> {
    Ok(BareItem::String(
        sfv::String::from_string(text.to_owned()).map_err(|_| HttpSignatureError::Malformed)?,
    ))
}

fn binary(bytes: &[u8]) -> String {
    format!(":{}:", STANDARD.encode(bytes))
}

fn params(p: &SignatureParams) -> Result<Parameters, HttpSignatureError> {
    let created = i64::try_from(p.created)
        .ok()
        .and_then(|c| sfv::Integer::try_from(c).ok())
        .ok_or(HttpSignatureError::Malformed)?;
    let mut out = Parameters::new();
    let mut put = |name: &str, value: BareItem| -> Result<(), HttpSignatureError> {
        out.insert(
            Key::from_string(name.to_owned()).map_err(|_| HttpSignatureError::Malformed)?,
            value,
        );
        Ok(())
    };
    put("created", BareItem::Integer(created))?;
    if let Some(nonce) = &p.nonce {
        put("nonce", string(nonce)?)?;
    }
    put("keyid", string(&p.key.to_string())?)?;
    put("alg", string(ALGORITHM)?)?;
    put("tag", string(LABEL)?)?;
    Ok(out)
}

fn text(inner: &InnerList) -> String {
    vec![ListEntry::InnerList(inner.clone())]
        .serialize()
        .unwrap_or_default()
}

/// The signature base (RFC 9421 §2.5).
fn base(components: &[Component], params: &str) -> String {
    let mut out = String::new();
    for c in components {
        out.push_str(&c.item.serialize());
        out.push_str(": ");
        out.push_str(&c.value);
        out.push('\n');
    }
    out + "\"@signature-params\": " + params
}

fn sign(
    components: &[Component],
    p: &SignatureParams,
    sign: impl FnOnce(&[u8]) -> Result<Signature, KeyError>,
) -> Result<SignatureHeaders, HttpSignatureError> {
    let inner = InnerList::with_params(components.iter().map(|c| c.item.clone()).collect(), params(p)?);
    let input = text(&inner);
    let raw = sign(base(components, &input).as_bytes())?;
    Ok(SignatureHeaders {
        input: format!("{LABEL}={input}"),
        signature: format!("{LABEL}={}", binary(&raw.0)),
        raw,
    })
}

/// Signs a request.
///
/// # Errors
/// [`HttpSignatureError::CannotSign`], or [`HttpSignatureError::Malformed`] if a value cannot stand in a header.
pub fn sign_request(
    parts: &RequestParts<'_>,
    p: &SignatureParams,
    signer: impl FnOnce(&[u8]) -> Result<Signature, KeyError>,
) -> Result<SignatureHeaders, HttpSignatureError> {
    sign(&parts.components()?, p, signer)
}

/// Signs a response.
///
/// # Errors
/// As [`sign_request`].
pub fn sign_response(
    parts: &ResponseParts<'_>,
    p: &SignatureParams,
    signer: impl FnOnce(&[u8]) -> Result<Signature, KeyError>,
) -> Result<SignatureHeaders, HttpSignatureError> {
    sign(&parts.components()?, p, signer)
}

/// Value of `content-digest` (RFC 9530) for a body.
#[must_use]
pub fn content_digest(body: &[u8]) -> String {
    content_digest_of(&sha256(&[body]))
}

/// Value of `content-digest` (RFC 9530) for a body with this SHA-256.
#[must_use]
pub fn content_digest_of(sha256: &[u8; 32]) -> String {
    format!("sha-256={}", binary(sha256))
}

/// Checks a body against `content-digest`.
///
/// # Errors
/// [`HttpSignatureError::BodyAltered`].
pub fn check_content_digest(header: &str, body: &[u8]) -> Result<(), HttpSignatureError> {
    if header.trim() == content_digest(body) {
        Ok(())
    } else {
        Err(HttpSignatureError::BodyAltered)
    }
}

/// A signature that was read, not yet verified: look up its key, then verify.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// Its parameters.
    pub params: SignatureParams,
    /// The signature.
    pub signature: Signature,
    identifiers: Vec<String>,
    input: String,
}

/// Reads `signature-input` and `signature`.
///
/// # Errors
/// [`HttpSignatureError::Malformed`] also for another algorithm or tag.
pub fn parse(input: &str, signature: &str) -> Result<Parsed, HttpSignatureError> {
    let inputs: Dictionary = Parser::new(input).parse()?;
    let Some(ListEntry::InnerList(inner)) = inputs.get(LABEL) else {
        return Err(HttpSignatureError::Malformed);
    };
    let signatures: Dictionary = Parser::new(signature).parse()?;
    let Some(ListEntry::Item(Item {
        bare_item: BareItem::ByteSequence(raw),
        ..
    })) = signatures.get(LABEL)
    else {
        return Err(HttpSignatureError::Malformed);
    };
    let raw: [u8; 64] = raw.as_slice().try_into().map_err(|_| HttpSignatureError::Malformed)?;
    let get = |name: &str| {
        inner
            .params
            .get(name)
            .and_then(BareItem::as_string)
            .map(|s| s.as_str().to_owned())
    };
    if get("alg").as_deref() != Some(ALGORITHM) || get("tag").as_deref() != Some(LABEL) {
        return Err(HttpSignatureError::Malformed);
    }
    let created = inner
        .params
        .get("created")
        .and_then(BareItem::as_integer)
        .ok_or(HttpSignatureError::Malformed)?;
    let params = SignatureParams {
        created: u64::try_from(i64::from(created)).map_err(|_| HttpSignatureError::Malformed)?,
        nonce: get("nonce"),
        key: get("keyid").ok_or(HttpSignatureError::Malformed)?.parse()?,
    };
    let identifiers = inner.items.iter().map(|item| item.serialize()).collect();
    Ok(Parsed {
        params,
        signature: Signature(raw),
        identifiers,
        input: text(inner),
    })
}

impl Parsed {
    fn verify(&self, components: &[Component], key: &PublicKey) -> Result<(), HttpSignatureError> {
        if !self
            .identifiers
            .iter()
            .eq(&components.iter().map(|c| c.item.serialize()).collect::<Vec<_>>())
        {
            return Err(HttpSignatureError::Uncovered);
        }
        let base = base(components, &self.input);
        key.verify(base.as_bytes(), &self.signature)
            .map_err(|_| HttpSignatureError::Invalid)
    }

    /// Verifies a request: it must cover exactly the components of protocol §7 that `parts` has. The body is checked
    /// separately with [`check_content_digest`].
    ///
    /// # Errors
    /// [`HttpSignatureError::Uncovered`], [`HttpSignatureError::Invalid`]; [`HttpSignatureError::Malformed`] without a nonce.
    pub fn verify_request(&self, parts: &RequestParts<'_>, key: &PublicKey) -> Result<(), HttpSignatureError> {
        if self.params.nonce.is_none() {
            return Err(HttpSignatureError::Malformed);
        }
        self.verify(&parts.components()?, key)
    }

    /// Verifies a response to a known request.
    ///
    /// # Errors
    /// [`HttpSignatureError::Uncovered`], [`HttpSignatureError::Invalid`].
    pub fn verify_response(&self, parts: &ResponseParts<'_>, key: &PublicKey) -> Result<(), HttpSignatureError> {
        self.verify(&parts.components()?, key)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
#[path = "http_signature_tests.rs"]
mod tests;
