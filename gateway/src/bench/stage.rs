//! A gateway without a socket, asked as a client asks: requests signed, answers verified.

use crate::routes::app;
use crate::state::Gateway;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, request};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt as _;
use wardkey_core::http_signature::{
    HttpSignatureError, KeyName, RequestParts, ResponseParts, SignatureParams, check_content_digest, content_digest,
    parse, sign_request,
};
use wardkey_core::id::Commitment;
use wardkey_core::key::{PublicKey, Signature, SoftKey};

/// A gateway and its server.
#[derive(Clone)]
pub struct Stage {
    /// The gateway.
    pub gateway: Gateway,
    /// Its routes.
    pub app: Router,
}

/// A request before it is signed.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// Method.
    pub method: Method,
    /// Path with query.
    pub target: String,
    /// JSON body.
    pub body: Option<Vec<u8>>,
    /// Under which grant.
    pub permission: Option<Commitment>,
    /// Why.
    pub reason: Option<&'a str>,
}

impl<'a> Ask<'a> {
    /// GET.
    #[must_use]
    pub fn get(target: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            target: target.into(),
            body: None,
            permission: None,
            reason: None,
        }
    }

    /// POST with a JSON body.
    #[must_use]
    pub fn post(target: impl Into<String>, body: &Value) -> Self {
        Self {
            method: Method::POST,
            body: Some(body.to_string().into_bytes()),
            ..Self::get(target)
        }
    }

    /// PUT with a JSON body.
    #[must_use]
    pub fn put(target: impl Into<String>, body: &Value) -> Self {
        Self {
            method: Method::PUT,
            ..Self::post(target, body)
        }
    }

    /// Under a grant, for a reason.
    #[must_use]
    pub fn under(self, permission: Commitment, reason: &'a str) -> Self {
        Self {
            permission: Some(permission),
            reason: Some(reason),
            ..self
        }
    }
}

/// Who signs.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// The key.
    pub key: &'a SoftKey,
    /// Its name.
    pub name: KeyName,
}

/// A signed request, and what is needed to verify its answer.
#[derive(Debug)]
pub struct SignedAsk {
    /// The request.
    pub request: Request<Body>,
    /// Its signature.
    pub signature: Signature,
}

/// An answer. Its signature was verified.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Reply {
    /// The body as JSON.
    ///
    /// # Errors
    /// serde's.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// The error's code; empty if it is none.
    #[must_use]
    pub fn code(&self) -> String {
        self.json::<Value>()
            .ok()
            .and_then(|v| v["code"].as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

/// Percent-encodes everything that is not a letter or a digit.
#[must_use]
pub fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

/// Signs a request. `nonce` must be fresh.
///
/// # Errors
/// [`HttpSignatureError`].
pub fn sign(ask: &Ask<'_>, signer: Signer<'_>, created: u64, nonce: &str) -> Result<SignedAsk, HttpSignatureError> {
    let (path, query) = ask
        .target
        .split_once('?')
        .map_or((ask.target.as_str(), None), |(path, query)| (path, Some(query)));
    let digest = ask.body.as_deref().map(content_digest);
    let permission = ask.permission.map(|id| id.to_string());
    let reason = ask.reason.map(percent);
    let parts = RequestParts {
        method: ask.method.as_str(),
        path,
        query,
        content_digest: digest.as_deref(),
        permission: permission.as_deref(),
        reason: reason.as_deref(),
    };
    let params = SignatureParams {
        created,
        nonce: Some(nonce.to_owned()),
        key: signer.name,
    };
    let headers = sign_request(&parts, &params, |message| signer.key.sign(message))?;
    let mut request = plain(ask)
        .header("signature-input", headers.input)
        .header("signature", headers.signature);
    if matches!(signer.name, KeyName::Patient(_)) {
        request = request.header("wardkey-key", signer.key.public().to_string());
    }
    for (name, value) in [
        ("content-digest", digest),
        ("wardkey-permission", permission),
        ("wardkey-reason", reason),
    ] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let body = Body::from(ask.body.clone().unwrap_or_default());
    Ok(SignedAsk {
        request: request.body(body).map_err(|_| HttpSignatureError::Malformed)?,
        signature: headers.raw,
    })
}

fn plain(ask: &Ask<'_>) -> request::Builder {
    let request = Request::builder().method(ask.method.clone()).uri(&ask.target);
    if ask.body.is_some() {
        request.header("content-type", "application/json")
    } else {
        request
    }
}

fn fresh() -> String {
    crate::random::bytes::<16>().map(hex::encode).unwrap_or_default()
}

impl Stage {
    /// A gateway's server.
    #[must_use]
    pub fn new(gateway: Gateway) -> Self {
        Self {
            app: app(gateway.clone()),
            gateway,
        }
    }

    /// Asks without a signature.
    ///
    /// # Errors
    /// A broken answer.
    pub async fn ask(&self, ask: Ask<'_>) -> anyhow::Result<Reply> {
        let body = Body::from(ask.body.clone().unwrap_or_default());
        let response = self.app.clone().oneshot(plain(&ask).body(body)?).await?;
        collect(response).await
    }

    /// Asks with a signature, now; verifies the answer's.
    ///
    /// # Errors
    /// A broken answer, or one whose signature does not hold.
    pub async fn signed(&self, signer: Signer<'_>, ask: Ask<'_>) -> anyhow::Result<Reply> {
        let signed = sign(&ask, signer, self.gateway.clock.now(), &fresh())?;
        self.send(signed).await
    }

    /// Sends a signed request, perhaps altered; verifies the answer's signature.
    ///
    /// # Errors
    /// As [`Stage::signed`].
    pub async fn send(&self, signed: SignedAsk) -> anyhow::Result<Reply> {
        let (method, uri) = (signed.request.method().clone(), signed.request.uri().clone());
        let reply = collect(self.app.clone().oneshot(signed.request).await?).await?;
        let request = RequestParts {
            method: method.as_str(),
            path: uri.path(),
            query: uri.query(),
            content_digest: None,
            permission: None,
            reason: None,
        };
        verify(&reply, request, &signed.signature, &self.gateway.scribe.key().public())?;
        Ok(reply)
    }
}

async fn collect(response: Response<Body>) -> anyhow::Result<Reply> {
    let (parts, body) = response.into_parts();
    Ok(Reply {
        status: parts.status,
        headers: parts.headers,
        body: to_bytes(body, usize::MAX).await?,
    })
}

/// Verifies an answer's signature and digest.
///
/// # Errors
/// [`HttpSignatureError`].
pub fn verify(
    reply: &Reply,
    request: RequestParts<'_>,
    sent: &Signature,
    gateway: &PublicKey,
) -> Result<(), HttpSignatureError> {
    let text = |name: &str| {
        reply
            .headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .ok_or(HttpSignatureError::Malformed)
    };
    let digest = text("content-digest")?;
    check_content_digest(digest, &reply.body)?;
    let parts = ResponseParts {
        status: reply.status.as_u16(),
        content_digest: digest,
        request,
        request_signature: sent,
    };
    parse(text("signature-input")?, text("signature")?)?.verify_response(&parts, gateway)
}
