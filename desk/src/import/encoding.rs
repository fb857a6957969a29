//! JSON is UTF-8 (RFC 8259 §8.1); files are not always. UTF-16 is converted exactly, Windows-1252 with a warning.

use super::ImportError;
use crate::notice::{Notice, Tone};
use std::borrow::Cow;

/// The text, and a warning if it had to be guessed.
pub(super) struct Decoded<'a> {
    pub text: Cow<'a, str>,
    pub warning: Option<Notice>,
}

pub(super) fn decode(bytes: &[u8]) -> Result<Decoded<'_>, ImportError> {
    let decoded = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => plain(std::str::from_utf8(rest).map_err(|_| ImportError::Encoding)?),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        // A JSON text begins with an ASCII character, so a zero tells UTF-16 (RFC 4627 §3).
        [0, second, ..] if *second != 0 => utf16(bytes, u16::from_be_bytes)?,
        [first, 0, ..] if *first != 0 => utf16(bytes, u16::from_le_bytes)?,
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => plain(text),
            Err(_) => windows_1252(bytes)?,
        },
    };
    if decoded.text.trim().is_empty() {
        Err(ImportError::Empty)
    } else {
        Ok(decoded)
    }
}

const fn plain(text: &str) -> Decoded<'_> {
    Decoded {
        text: Cow::Borrowed(text),
        warning: None,
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Decoded<'static>, ImportError> {
    if !bytes.len().is_multiple_of(2) {
        return Err(ImportError::Encoding);
    }
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    Ok(Decoded {
        text: Cow::Owned(text.map_err(|_| ImportError::Encoding)?),
        warning: None,
    })
}

/// 0x80–0x9F of Windows-1252; zero where it has none.
const UPPER: [u16; 32] = [
    0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0,
    0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178,
];

fn windows_1252(bytes: &[u8]) -> Result<Decoded<'static>, ImportError> {
    let text: Option<String> = bytes
        .iter()
        .map(|&byte| match byte {
            0x09 | 0x0a | 0x0d | 0x20..=0x7e | 0xa0..=0xff => Some(char::from(byte)),
            0x80..=0x9f => char::from_u32(u32::from(UPPER[usize::from(byte - 0x80)])).filter(|c| *c != '\0'),
            _ => None,
        })
        .collect();
    let warning = Notice::new(
        Tone::Warning,
        "import-encoding-guessed",
        "the file is not UTF-8; it was read as Windows-1252",
        "Check names and letters with accents before you confirm.",
    );
    Ok(Decoded {
        text: Cow::Owned(text.ok_or(ImportError::Encoding)?),
        warning: Some(warning),
    })
}
