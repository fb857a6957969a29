//! Requests.

use crate::error::GatewayError;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wardkey_core::fault::Fault;
use wardkey_core::http_signature::{
    HttpSignatureError, KeyName, RequestParts, ResponseParts, SignatureHeaders, SignatureParams, check_content_digest,
    content_digest, parse, sign_request,
};
use wardkey_core::id::{Commitment, SessionId};
use wardkey_core::key::{PublicKey, SoftKey};
use wardkey_core::problem::ProblemDetails;

/// Who signs requests: the short-lived session key. Dropped (and wiped) with the session.
#[derive(Clone, Debug)]
pub struct Credential {
    id: SessionId,
    key: Arc<SoftKey>,
}

impl Credential {
    /// Takes the session key.
    #[must_use]
    pub fn new(key: SoftKey) -> Self {
        Self {
            id: key.public().id().into(),
            key: Arc::new(key),
        }
    }

    /// The session key.
    #[must_use]
    pub fn key(&self) -> &SoftKey {
        &self.key
    }
}

/// The grant and the reason that a request is made under.
#[derive(Clone, Copy, Debug)]
pub struct Permission<'a> {
    /// The grant.
    pub commitment: &'a Commitment,
    /// Why, in the reader's words.
    pub reason: Option<&'a str>,
}

/// One gateway.
pub struct Gateway {
    http: reqwest::Client,
    origin: Url,
    online: AtomicBool,
    now: fn() -> u64,
}

pub(crate) struct Call<'a> {
    pub method: Method,
    pub path: String,
    pub query: Option<String>,
    pub body: Option<Vec<u8>>,
    pub by: Option<(&'a Credential, &'a PublicKey)>,
    pub permission: Option<Permission<'a>>,
}

/// The values that a request's signature covers, as sent.
struct Covered {
    url: Url,
    digest: Option<String>,
    permission: Option<String>,
    reason: Option<String>,
}

impl Covered {
    fn parts<'a>(&'a self, method: &'a Method) -> RequestParts<'a> {
        RequestParts {
            method: method.as_str(),
            path: self.url.path(),
            query: self.url.query(),
            content_digest: self.digest.as_deref(),
            permission: self.permission.as_deref(),
            reason: self.reason.as_deref(),
        }
    }
}

impl Gateway {
    /// A gateway at `origin`, with an own certificate authority (PEM) if it has one. `local` keeps proxies out; `now` is the time in
    /// seconds since 1970, which requests are signed with.
    ///
    /// # Errors
    /// [`GatewayError::Offline`] if the HTTP client cannot be made.
    pub fn new(origin: &str, authority: Option<&[u8]>, local: bool, now: fn() -> u64) -> Result<Self, GatewayError> {
        // Another part of the process may have chosen a provider already; that one is then used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true);
        if local {
            builder = builder.no_proxy();
        }
        if let Some(pem) = authority {
            for certificate in reqwest::Certificate::from_pem_bundle(pem).map_err(|_| GatewayError::Offline)? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        let http = builder.build().map_err(|_| GatewayError::Offline)?;
        let origin = Url::parse(origin).map_err(|_| GatewayError::Offline)?;
        Ok(Self {
            http,
            origin,
            online: AtomicBool::new(false),
            now,
        })
    }

    /// Whether it answered the last request.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.online.load(Ordering::Relaxed)
    }

    pub(crate) async fn call<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, GatewayError> {
        let body = self.exchange(call).await?;
        serde_json::from_slice(if body.is_empty() { b"null" } else { &body }).map_err(|error| {
            tracing::warn!(
                line = error.line(),
                column = error.column(),
                "an answer of the gateway cannot be read"
            );
            GatewayError::Unreadable
        })
    }

    async fn exchange(&self, call: Call<'_>) -> Result<Vec<u8>, GatewayError> {
        let (request, covered, signature) = self.prepare(&call)?;
        let answer = request.send().await.map_err(|_| self.lost())?;
        self.online.store(true, Ordering::Relaxed);
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.bytes().await.map_err(|_| self.lost())?.to_vec();
        if let (Some((_, gateway)), Some(sent)) = (call.by, signature) {
            verify_answer(status, &headers, &body, &covered.parts(&call.method), &sent, gateway)?;
        }
        if (200..300).contains(&status) {
            Ok(body)
        } else {
            Err(refusal(status, &body))
        }
    }

    fn lost(&self) -> GatewayError {
        self.online.store(false, Ordering::Relaxed);
        GatewayError::Offline
    }

    fn prepare(
        &self,
        call: &Call<'_>,
    ) -> Result<(reqwest::RequestBuilder, Covered, Option<SignatureHeaders>), GatewayError> {
        let mut url = self.origin.clone();
        url.set_path(&call.path);
        url.set_query(call.query.as_deref());
        let covered = Covered {
            digest: call.body.as_deref().map(content_digest),
            permission: call.permission.map(|p| p.commitment.to_string()),
            reason: call.permission.and_then(|p| p.reason).map(percent_encode),
            url,
        };
        let mut request = self.http.request(call.method.clone(), covered.url.clone());
        if let Some(body) = &call.body {
            request = request.header("content-type", "application/json").body(body.clone());
        }
        let headers = [
            ("content-digest", &covered.digest),
            ("wardkey-permission", &covered.permission),
            ("wardkey-reason", &covered.reason),
        ];
        for (name, value) in headers {
            if let Some(value) = value {
                request = request.header(HeaderName::from_static(name), header(value)?);
            }
        }
        let Some((credential, _)) = call.by else {
            return Ok((request, covered, None));
        };
        let params = SignatureParams {
            created: (self.now)(),
            nonce: Some(nonce()?),
            key: KeyName::Session(credential.id),
        };
        let signed = sign_request(&covered.parts(&call.method), &params, |message| {
            credential.key.sign(message)
        })?;
        request = request
            .header("signature-input", header(&signed.input)?)
            .header("signature", header(&signed.signature)?);
        Ok((request, covered, Some(signed)))
    }

    /// Opens the stream of events. What it says is a hint only: everything is read again through verified answers.
    pub(crate) async fn event_stream(
        &self,
        by: &Credential,
        gateway: &PublicKey,
        last: Option<&str>,
    ) -> Result<reqwest::Response, GatewayError> {
        let call = Call {
            method: Method::GET,
            path: "/v1/events".to_owned(),
            query: None,
            body: None,
            by: Some((by, gateway)),
            permission: None,
        };
        let (mut request, ..) = self.prepare(&call)?;
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = request
            .header("accept", "text/event-stream")
            .send()
            .await
            .map_err(|_| self.lost())?;
        self.online.store(true, Ordering::Relaxed);
        let status = answer.status().as_u16();
        if status == 200 {
            Ok(answer)
        } else {
            Err(refusal(status, &answer.bytes().await.unwrap_or_default()))
        }
    }
}

/// The gateway's words, or a plain sentence if it said nothing readable.
fn refusal(status: u16, body: &[u8]) -> GatewayError {
    let fault = serde_json::from_slice::<ProblemDetails>(body).map_or_else(
        |_| {
            Fault::new(
                "gateway-refused",
                format!("the gateway answered with status {status}"),
                "Try again; tell IT if it repeats.",
            )
        },
        ProblemDetails::into_fault,
    );
    GatewayError::Refused { status, fault }
}

fn verify_answer(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    request: &RequestParts<'_>,
    sent: &SignatureHeaders,
    gateway: &PublicKey,
) -> Result<(), GatewayError> {
    let get = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .ok_or(HttpSignatureError::Malformed)
    };
    let digest = get("content-digest")?;
    let parsed = parse(get("signature-input")?, get("signature")?)?;
    if parsed.params.key != KeyName::Gateway(gateway.id().into()) {
        return Err(HttpSignatureError::Invalid.into());
    }
    check_content_digest(digest, body)?;
    let parts = ResponseParts {
        status,
        content_digest: digest,
        request: *request,
        request_signature: &sent.raw,
    };
    parsed.verify_response(&parts, gateway)?;
    Ok(())
}

fn header(value: &str) -> Result<HeaderValue, GatewayError> {
    HeaderValue::from_str(value).map_err(|_| GatewayError::Untrusted(HttpSignatureError::Malformed))
}

fn nonce() -> Result<String, GatewayError> {
    use base64::engine::{Engine as _, general_purpose::URL_SAFE_NO_PAD};
    let mut bytes = [0; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .map_err(|_| HttpSignatureError::CannotSign)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_percent_encoded() {
        assert_eq!(
            percent_encode("Notfall: Übelkeit 痛み"),
            "Notfall%3A%20%C3%9Cbelkeit%20%E7%97%9B%E3%81%BF"
        );
    }

    #[test]
    fn what_passes_by_itself_and_what_does_not() {
        let refused = |status| {
            refusal(
                status,
                br#"{"type":"urn:x","title":"t","status":1,"code":"x","action":"a"}"#,
            )
        };
        for status in [401, 429, 500, 503, 507] {
            assert!(refused(status).passes(), "{status}");
        }
        for status in [400, 403, 404, 409, 413, 422] {
            assert!(!refused(status).passes(), "{status}");
        }
        assert_eq!(refused(403).code(), Some("x"));
        assert_eq!(refusal(502, b"<html>").code(), Some("gateway-refused"));
    }

    #[tokio::test]
    async fn a_gateway_that_is_not_there_is_offline() {
        let gateway = Gateway::new("http://127.0.0.1:1", None, true, || 0).unwrap();
        assert_eq!(gateway.network().await.err(), Some(GatewayError::Offline));
        assert!(!gateway.is_online());
    }
}
