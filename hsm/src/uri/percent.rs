//! Percent-encoding (RFC 3986 §2.1), and lists of `name=value`.

use super::UriError;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt;

/// Everything but the unreserved characters (RFC 3986 §2.3): right in every part of every URI.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for paths.
const PATH: &AsciiSet = &VALUE.remove(b'/');

pub(super) fn value(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, VALUE)
}

pub(super) fn path(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, PATH)
}

/// Every byte as `%41`, as RFC 7512 §2.3 asks for `id`.
pub(super) fn bytes(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

/// Decodes; a `%` that no two hex digits follow is refused.
pub(super) fn decoded(name: &str, encoded: &str) -> Result<Vec<u8>, UriError> {
    let strict = encoded.split('%').skip(1).all(|after| {
        let mut digits = after.bytes();
        (0..2).all(|_| digits.next().is_some_and(|digit| digit.is_ascii_hexdigit()))
    });
    if strict {
        Ok(percent_decode_str(encoded).collect())
    } else {
        Err(UriError::value(
            name,
            "a % is followed by something else than two hex digits",
        ))
    }
}

/// The same as text without control characters.
pub(super) fn text(name: &str, encoded: &str) -> Result<String, UriError> {
    let text = String::from_utf8(decoded(name, encoded)?).map_err(|_| UriError::value(name, "it is no UTF-8 text"))?;
    if text.is_empty() {
        Err(UriError::value(name, "it is empty"))
    } else if text.chars().any(char::is_control) {
        Err(UriError::value(name, "it has control characters"))
    } else {
        Ok(text)
    }
}

/// Splits `a=1;b=2`. Names are lower-case as everywhere in these URIs; an empty list is fine.
pub(super) fn parts(list: &str, separator: char) -> impl Iterator<Item = Result<(&str, &str), UriError>> {
    list.split(separator).filter(move |_| !list.is_empty()).map(|part| {
        part.split_once('=')
            .ok_or_else(|| UriError::Part { part: part.to_owned() })
    })
}

/// Takes a value once.
pub(super) fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), UriError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(UriError::Twice { name: name.to_owned() }),
    }
}
