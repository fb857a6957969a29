//! `pkcs11:token=Hospital;object=master?module-path=/usr/lib/softhsm/libsofthsm2.so` (RFC 7512).
//!
//! Every attribute of the path must match for a token and its objects to be meant. The three keys of a store are objects with one
//! label, told apart by CKA_ID: 01 is 9A, 02 is 9C, 03 is 9D, as OpenSC numbers a card's; `x-wardkey-ids` says otherwise.

use super::{UriError, percent};
use crate::Slot;
use std::fmt;
use std::path::PathBuf;

/// What the HSM derives from an ECDH secret before it gives it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kdf {
    /// Nothing: the X coordinate as it is (CKD_NULL), which RFC 9180 needs.
    #[default]
    Null,
    /// CKD_SHA256_KDF, all that some HSMs in FIPS mode offer. The X coordinate cannot be had then, so such a store signs but does
    /// not agree.
    Sha256,
}

/// A token and the keys in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pkcs11Uri {
    /// Label of the token.
    pub token: Option<String>,
    /// Maker of the token.
    pub manufacturer: Option<String>,
    /// Serial number of the token.
    pub serial: Option<String>,
    /// Model of the token.
    pub model: Option<String>,
    /// Description of the slot.
    pub slot_description: Option<String>,
    /// Maker of the slot.
    pub slot_manufacturer: Option<String>,
    /// Number of the slot; it may change when tokens come and go.
    pub slot_id: Option<u64>,
    /// Description of the module.
    pub library_description: Option<String>,
    /// Maker of the module.
    pub library_manufacturer: Option<String>,
    /// Version of the module, `major.minor` or `major`.
    pub library_version: Option<(u8, u8)>,
    /// Label of the keys (CKA_LABEL).
    pub object: Option<String>,
    /// One key's CKA_ID.
    pub id: Option<Vec<u8>>,
    /// The module's file.
    pub module_path: Option<PathBuf>,
    /// `x-wardkey-kdf`.
    pub kdf: Option<Kdf>,
    /// `x-wardkey-ids`: the CKA_ID of 9A, 9C and 9D.
    pub ids: Option<[Vec<u8>; 3]>,
}

impl Pkcs11Uri {
    /// The CKA_ID of the key in `slot`; `None` if the URI names one key, and it is another.
    #[must_use]
    pub fn id_of(&self, slot: Slot) -> Option<Vec<u8>> {
        let number = Slot::ALL.iter().position(|&one| one == slot)?;
        let id = match &self.ids {
            Some(ids) => ids.get(number)?.clone(),
            None => vec![u8::try_from(number + 1).ok()?],
        };
        (self.id.is_none() || self.id.as_ref() == Some(&id)).then_some(id)
    }
}

pub(super) fn parse(rest: &str) -> Result<Pkcs11Uri, UriError> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut uri = Pkcs11Uri::default();
    for part in percent::parts(path, ';') {
        let (name, value) = part?;
        in_path(&mut uri, name, value)?;
    }
    for part in percent::parts(query, '&') {
        let (name, value) = part?;
        in_query(&mut uri, name, value)?;
    }
    Ok(uri)
}

fn in_path(uri: &mut Pkcs11Uri, name: &str, value: &str) -> Result<(), UriError> {
    let place = match name {
        "token" => &mut uri.token,
        "manufacturer" => &mut uri.manufacturer,
        "serial" => &mut uri.serial,
        "model" => &mut uri.model,
        "slot-description" => &mut uri.slot_description,
        "slot-manufacturer" => &mut uri.slot_manufacturer,
        "library-description" => &mut uri.library_description,
        "library-manufacturer" => &mut uri.library_manufacturer,
        "object" => &mut uri.object,
        "slot-id" => return percent::once(&mut uri.slot_id, name, number(name, value)?),
        "library-version" => return percent::once(&mut uri.library_version, name, version(value)?),
        "id" => return percent::once(&mut uri.id, name, identifier(name, percent::decoded(name, value)?)?),
        // The keys that are used are private ones, so that is all this can say.
        "type" if value == "private" => return Ok(()),
        "type" => return Err(UriError::value(name, "the keys are private ones")),
        _ => return refused(name),
    };
    percent::once(place, name, percent::text(name, value)?)
}

fn in_query(uri: &mut Pkcs11Uri, name: &str, value: &str) -> Result<(), UriError> {
    match name {
        "module-path" => percent::once(&mut uri.module_path, name, percent::text(name, value)?.into()),
        "x-wardkey-kdf" => percent::once(&mut uri.kdf, name, kdf(value)?),
        "x-wardkey-ids" => percent::once(&mut uri.ids, name, ids(value)?),
        _ => refused(name),
    }
}

fn refused(name: &str) -> Result<(), UriError> {
    Err(match name {
        "pin-value" => UriError::Pin { name: "pin-value" },
        "pin-source" => UriError::Pin { name: "pin-source" },
        _ => UriError::Unknown { name: name.to_owned() },
    })
}

fn number(name: &str, text: &str) -> Result<u64, UriError> {
    let plain = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    match text.parse() {
        Ok(number) if plain => Ok(number),
        _ => Err(UriError::value(name, "it is no number")),
    }
}

fn version(text: &str) -> Result<(u8, u8), UriError> {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    let part = |text| {
        number("library-version", text)
            .ok()
            .and_then(|number| u8::try_from(number).ok())
    };
    part(major)
        .zip(part(minor))
        .ok_or_else(|| UriError::value("library-version", "it is no version such as 2.6"))
}

/// Reads `null` or `sha256`, as in the settings.
pub(super) fn kdf(text: &str) -> Result<Kdf, UriError> {
    match text {
        "null" => Ok(Kdf::Null),
        "sha256" => Ok(Kdf::Sha256),
        _ => Err(UriError::value("x-wardkey-kdf", "it is null or sha256")),
    }
}

fn identifier(name: &str, id: Vec<u8>) -> Result<Vec<u8>, UriError> {
    if id.is_empty() {
        Err(UriError::value(name, "it is empty"))
    } else {
        Ok(id)
    }
}

fn ids(text: &str) -> Result<[Vec<u8>; 3], UriError> {
    const NAME: &str = "x-wardkey-ids";
    const WANTED: &str = "it is three different ids in hex with commas between them: of 9A, 9C and 9D";
    let ids: Vec<Vec<u8>> = text
        .split(',')
        .map(|id| hex::decode(id).map_err(|_| UriError::value(NAME, WANTED)))
        .collect::<Result<_, _>>()?;
    let ids: [Vec<u8>; 3] = ids.try_into().map_err(|_| UriError::value(NAME, WANTED))?;
    let [first, second, third] = &ids;
    if ids.iter().any(Vec::is_empty) || first == second || second == third || first == third {
        return Err(UriError::value(NAME, WANTED));
    }
    Ok(ids)
}

impl fmt::Display for Pkcs11Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = [
            ("token", &self.token),
            ("manufacturer", &self.manufacturer),
            ("serial", &self.serial),
            ("model", &self.model),
            ("slot-description", &self.slot_description),
            ("slot-manufacturer", &self.slot_manufacturer),
            ("library-description", &self.library_description),
            ("library-manufacturer", &self.library_manufacturer),
            ("object", &self.object),
        ];
        let text = |(name, text): (&str, &Option<String>)| Some(format!("{name}={}", percent::value(text.as_ref()?)));
        let mut path: Vec<String> = texts.into_iter().filter_map(text).collect();
        path.extend(self.slot_id.map(|id| format!("slot-id={id}")));
        path.extend(self.library_version.map(|(a, b)| format!("library-version={a}.{b}")));
        path.extend(self.id.as_ref().map(|id| format!("id={}", percent::bytes(id))));
        let module = self.module_path.as_ref().map(|path| path.to_string_lossy());
        let mut query: Vec<String> = module
            .iter()
            .map(|path| format!("module-path={}", percent::path(path)))
            .collect();
        query.extend(self.kdf.map(|kdf| format!("x-wardkey-kdf={}", kdf.word())));
        let ids = self.ids.as_ref().map(|ids| ids.each_ref().map(hex::encode).join(","));
        query.extend(ids.map(|ids| format!("x-wardkey-ids={ids}")));
        let mark = if query.is_empty() { "" } else { "?" };
        write!(f, "pkcs11:{}{mark}{}", path.join(";"), query.join("&"))
    }
}

impl Kdf {
    /// `null` or `sha256`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Sha256 => "sha256",
        }
    }
}
