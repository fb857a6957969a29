//! Signed requests and answers, and the bases of RFC 9421 itself.

use super::*;
use crate::key::SoftKey;
use serde_json::Value;

fn parts<'a>(digest: &'a str) -> RequestParts<'a> {
    RequestParts {
        method: "POST",
        path: "/v1/patients/ab/records",
        query: Some("sections=1,2"),
        content_digest: Some(digest),
        permission: Some("00ff"),
        reason: None,
    }
}

fn signed(key: &SoftKey, parts: &RequestParts<'_>) -> SignatureHeaders {
    let p = SignatureParams {
        created: 1_700_000_000,
        nonce: Some("abc".into()),
        key: KeyName::Session(key.public().id().into()),
    };
    sign_request(parts, &p, |m| key.sign(m)).unwrap()
}

#[test]
fn a_request_holds_and_no_part_of_it_can_be_altered() {
    let key = SoftKey::generate().unwrap();
    let digest = content_digest(b"{}");
    let good = parts(&digest);
    let headers = signed(&key, &good);
    let parsed = parse(&headers.input, &headers.signature).unwrap();
    assert_eq!(parsed.params.key, KeyName::Session(key.public().id().into()));
    parsed.verify_request(&good, &key.public()).unwrap();
    let other = content_digest(b"{ }");
    for bad in [
        RequestParts { method: "GET", ..good },
        RequestParts {
            path: "/v1/patients/ac/records",
            ..good
        },
        RequestParts {
            query: Some("sections=1,3"),
            ..good
        },
        RequestParts { query: None, ..good },
        RequestParts {
            content_digest: Some(&other),
            ..good
        },
        RequestParts {
            permission: Some("00fe"),
            ..good
        },
    ] {
        assert_eq!(
            parsed.verify_request(&bad, &key.public()),
            Err(HttpSignatureError::Invalid)
        );
    }
    let added = RequestParts {
        reason: Some("x"),
        ..good
    };
    assert_eq!(
        parsed.verify_request(&added, &key.public()),
        Err(HttpSignatureError::Uncovered)
    );
    let removed = RequestParts {
        permission: None,
        ..good
    };
    assert_eq!(
        parsed.verify_request(&removed, &key.public()),
        Err(HttpSignatureError::Uncovered)
    );
    assert_eq!(
        check_content_digest(&digest, b"{ }"),
        Err(HttpSignatureError::BodyAltered)
    );
    let later = parse(&headers.input.replace("1700000000", "1700000001"), &headers.signature).unwrap();
    assert_eq!(
        later.verify_request(&good, &key.public()),
        Err(HttpSignatureError::Invalid)
    );
}

#[test]
fn a_response_is_bound_to_its_request() {
    let (client, gateway) = (SoftKey::generate().unwrap(), SoftKey::generate().unwrap());
    let digest = content_digest(b"");
    let request = parts(&digest);
    let sent = signed(&client, &request);
    let body = content_digest(b"answer");
    let response = ResponseParts {
        status: 200,
        content_digest: &body,
        request,
        request_signature: &sent.raw,
    };
    let p = SignatureParams {
        created: 1,
        nonce: None,
        key: KeyName::Gateway(gateway.public().id().into()),
    };
    let headers = sign_response(&response, &p, |m| gateway.sign(m)).unwrap();
    assert!(
        headers.input.contains(r#""signature";req;key="wardkey")"#),
        "{}",
        headers.input
    );
    let parsed = parse(&headers.input, &headers.signature).unwrap();
    parsed.verify_response(&response, &gateway.public()).unwrap();
    let another = signed(&SoftKey::generate().unwrap(), &request);
    let swapped = ResponseParts {
        request_signature: &another.raw,
        ..response
    };
    assert_eq!(
        parsed.verify_response(&swapped, &gateway.public()),
        Err(HttpSignatureError::Invalid)
    );
    let refused = ResponseParts {
        status: 403,
        ..response
    };
    assert_eq!(
        parsed.verify_response(&refused, &gateway.public()),
        Err(HttpSignatureError::Invalid)
    );
}

#[test]
fn nonsense_is_refused_without_panic() {
    for (input, signature) in [
        ("", ""),
        ("wardkey=()", "wardkey=:AA==:"),
        ("wardkey=1", "wardkey=1"),
        ("x=()", "é"),
        ("wardkey=(", ":"),
    ] {
        assert!(parse(input, signature).is_err());
    }
}

/// The components of one of the RFC's examples: values as printed, but what Wardkey's requests have comes from them.
fn components(lines: &Value) -> Vec<Component> {
    let request = RequestParts {
        method: "POST",
        path: "/foo",
        query: Some("param=Value&Pet=dog"),
        content_digest: None,
        permission: None,
        reason: None,
    };
    let lines: Vec<(String, String)> = serde_json::from_value(lines.clone()).unwrap();
    let line = |(identifier, value): (String, String)| {
        let own: Vec<Component> = [false, true]
            .into_iter()
            .flat_map(|r| request.target(r).unwrap())
            .collect();
        let own = own.into_iter().find(|c| c.item.serialize() == identifier);
        let item: Item = Parser::new(&identifier).parse().unwrap();
        own.unwrap_or(Component { item, value })
    };
    lines.into_iter().map(line).collect()
}

/// Verifies a signature of the RFC's; its keys are of three kinds.
fn holds(name: &str, spki: &[u8], base: &[u8], signature: &[u8]) -> bool {
    use ring::signature::{ED25519, RSA_PSS_2048_8192_SHA512, UnparsedPublicKey};
    match name {
        // The bare key follows the algorithm's name.
        "test-key-rsa-pss" => UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA512, &spki[24..])
            .verify(base, signature)
            .is_ok(),
        "test-key-ed25519" => UnparsedPublicKey::new(&ED25519, &spki[12..])
            .verify(base, signature)
            .is_ok(),
        _ => PublicKey::from_sec1(&spki[26..])
            .unwrap()
            .verify(base, &Signature::normalised(signature).unwrap())
            .is_ok(),
    }
}

/// The bases that RFC 9421 prints (§2.4, appendix B.2), held against its own signatures.
#[test]
fn the_bases_of_rfc_9421() {
    let file: Value = serde_json::from_str(include_str!("../../tests/vectors/rfc9421.json")).unwrap();
    let bytes = |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
    let examples = file["examples"].as_array().unwrap();
    assert_eq!(examples.len(), 6);
    for example in examples {
        let input = format!("x={}", example["parameters"].as_str().unwrap());
        let inputs: Dictionary = Parser::new(&input).parse().unwrap();
        let Some(ListEntry::InnerList(inner)) = inputs.get("x") else {
            panic!("inner list")
        };
        let base = base(&components(&example["lines"]), &text(inner));
        let (name, signature) = (example["key"].as_str().unwrap(), bytes(&example["signature"]));
        let key = bytes(&file["keys"][name]);
        assert!(holds(name, &key, base.as_bytes(), &signature), "{}", example["section"]);
        let altered = base.replace("example.com", "example.org").replace("200", "201");
        assert!(
            !holds(name, &key, altered.as_bytes(), &signature),
            "{}",
            example["section"]
        );
    }
}
