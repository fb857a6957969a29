//! Settings of one workstation (TOML, `config/workstation.toml`).

use serde::Deserialize;
use std::path::{Path, PathBuf};
use wardkey_core::fault::Coded;
use wardkey_core::id::InstitutionId;
use wardkey_core::key::PublicKey;
use wardkey_hsm::KeyUri;
use wardkey_hsm::uri::{Kdf, Pkcs11Uri};

/// Everything that a workstation is told by its file. Unknown names are refused, so that a typing mistake is found at start.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Origin of the gateway, e.g. `https://gateway.example.org`. Plain http is accepted on loopback only.
    pub gateway: String,
    /// The gateway's public key (65-byte point, hex). Without it the first key met is remembered in the data folder.
    #[serde(default)]
    pub gateway_key: Option<PublicKey>,
    /// PEM file with the certificate authority of the gateway's TLS certificate, if it is the institution's own.
    #[serde(default)]
    pub gateway_ca: Option<PathBuf>,
    /// Name of the institution, as shown before anybody signs in.
    #[serde(default)]
    pub institution_name: String,
    /// Id of the institution, 64 hex digits; may be missing until it is registered.
    #[serde(default)]
    pub institution: Option<InstitutionId>,
    /// Name of this terminal, e.g. `Ward 3, bed side`.
    pub terminal: String,
    /// Number to call in an emergency, shown on the lock screen.
    #[serde(default)]
    pub emergency: String,
    /// Folder of the outbox, the drafts and IT's sealed secret. One folder per workstation.
    pub data: PathBuf,
    /// Name of the one reader to use; any reader if missing.
    #[serde(default)]
    pub reader: Option<String>,
    /// Where the master key is kept; the card in the reader if missing.
    #[serde(default)]
    pub master_key: Option<KeyUri>,
    /// How HSMs are reached, for a `master_key` that does not say so itself.
    #[serde(default)]
    pub pkcs11: Option<Pkcs11Settings>,
    /// The PIN window's program; beside the workstation's own program if missing.
    #[serde(default)]
    pub pinpad: Option<PathBuf>,
    /// Folders with PEM bundles of the makers' attestation roots.
    #[serde(default)]
    pub attestation_roots: Vec<PathBuf>,
    /// Roots of test cards (PEM files, or folders of them), used only with `trust_test_root`.
    #[serde(default)]
    pub test_roots: Vec<PathBuf>,
    /// Trust test cards. Every screen then says that this is a trial.
    #[serde(default)]
    pub trust_test_root: bool,
    /// Folder where posters are saved; `posters` in the data folder if missing.
    #[serde(default)]
    pub posters: Option<PathBuf>,
    /// How long a delegation of the card holds, seconds, 120 to 900. It is renewed silently while the card stays.
    #[serde(default = "default_session")]
    pub session_seconds: u64,
    /// Nothing is written to the disk when less than this many MiB are free, so that nothing is ever half written.
    #[serde(default = "default_reserve")]
    pub disk_reserve_mib: u64,
}

const fn default_session() -> u64 {
    wardkey_core::delegation::LONGEST
}

const fn default_reserve() -> u64 {
    64
}

/// The settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("the settings file {path} cannot be read: {detail}")]
    Unreadable {
        /// Which file.
        path: String,
        /// The system's words.
        detail: String,
    },
    /// It is no valid settings file.
    #[error("the settings are wrong: {detail}")]
    Wrong {
        /// What is wrong.
        detail: String,
    },
}

impl Coded for SettingsError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "settings-unreadable",
            Self::Wrong { .. } => "settings-wrong",
        }
    }
    fn action(&self) -> &'static str {
        "Tell IT; the settings are explained in config/workstation.toml."
    }
}

impl Settings {
    /// Reads a file. Relative paths in it are taken from the file's folder.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let unreadable = |e: std::io::Error| SettingsError::Unreadable {
            path: path.display().to_string(),
            detail: e.to_string(),
        };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let folder = path.canonicalize().map_err(unreadable)?;
        Self::parse(&text, folder.parent().unwrap_or(Path::new(".")))
    }

    /// Reads settings from text; relative paths are taken from `folder`.
    ///
    /// # Errors
    /// [`SettingsError::Wrong`].
    pub fn parse(text: &str, folder: &Path) -> Result<Self, SettingsError> {
        let mut settings: Self = toml::from_str(text).map_err(|e| SettingsError::Wrong {
            detail: e.message().to_owned(),
        })?;
        settings.gateway = settings.gateway.trim_end_matches('/').to_owned();
        settings.check()?;
        settings.complete_master_key(folder)?;
        settings.data = folder.join(&settings.data);
        let single = [&mut settings.pinpad, &mut settings.posters, &mut settings.gateway_ca]
            .into_iter()
            .flatten();
        for path in single
            .chain(&mut settings.attestation_roots)
            .chain(&mut settings.test_roots)
        {
            *path = folder.join(&*path);
        }
        Ok(settings)
    }

    /// Puts what `[pkcs11]` says into the master key's URI, so that nobody else need know it.
    fn complete_master_key(&mut self, folder: &Path) -> Result<(), SettingsError> {
        let wrong = |detail: &str| SettingsError::Wrong {
            detail: format!("`master_key` {detail}"),
        };
        match &mut self.master_key {
            Some(KeyUri::Piv(card)) if card.slot.is_some() => {
                return Err(wrong("names one slot, but a master key is two keys: leave slot= out"));
            }
            Some(KeyUri::Pkcs11(token)) => {
                if let Some(shared) = &self.pkcs11 {
                    shared.complete(token);
                }
                if token.module_path.is_none() {
                    return Err(wrong("is in an HSM, but no module is named: set `module` in [pkcs11]"));
                }
                if token.id.is_some() {
                    return Err(wrong("names one id, but a master key is two keys: leave id= out"));
                }
            }
            Some(KeyUri::Piv(_) | KeyUri::Soft(_)) | None => {}
        }
        self.master_key = self.master_key.take().map(|uri| uri.resolved(folder));
        Ok(())
    }

    fn check(&self) -> Result<(), SettingsError> {
        let wrong = |detail: &str| {
            Err(SettingsError::Wrong {
                detail: detail.to_owned(),
            })
        };
        let Ok(url) = reqwest::Url::parse(&self.gateway) else {
            return wrong("`gateway` is no address");
        };
        if url.path() != "/" || url.query().is_some() {
            return wrong("`gateway` is an origin without path, e.g. https://gateway.example.org");
        }
        if !(120..=wardkey_core::delegation::LONGEST).contains(&self.session_seconds) {
            return wrong("`session_seconds` is 120 to 900");
        }
        match url.scheme() {
            "https" => Ok(()),
            "http" if is_loopback(&url) => Ok(()),
            _ => wrong("`gateway` must be https unless it is on this machine"),
        }
    }

    /// True if the gateway is on this machine.
    #[must_use]
    pub fn gateway_is_local(&self) -> bool {
        reqwest::Url::parse(&self.gateway).is_ok_and(|url| is_loopback(&url))
    }

    /// The PIN window's program.
    #[must_use]
    pub fn pinpad_program(&self) -> PathBuf {
        let name = format!("wardkey-pinpad{}", std::env::consts::EXE_SUFFIX);
        self.pinpad.clone().unwrap_or_else(|| {
            let own = std::env::current_exe().unwrap_or_default();
            own.parent().unwrap_or(Path::new("")).join(name)
        })
    }

    /// Where posters are saved.
    #[must_use]
    pub fn poster_folder(&self) -> PathBuf {
        self.posters.clone().unwrap_or_else(|| self.data.join("posters"))
    }
}

/// How HSMs are reached. Whatever the key's URI says itself counts more.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pkcs11Settings {
    /// The maker's PKCS#11 module.
    pub module: PathBuf,
    /// What the HSM does with an agreed secret before it gives it out.
    #[serde(default)]
    pub kdf: KdfSetting,
    /// CKA_ID of the keys for 9A, 9C and 9D, in hex.
    #[serde(default)]
    pub ids: Option<KeyIds>,
}

/// `"null"` or `"sha256"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KdfSetting {
    /// Nothing.
    #[default]
    Null,
    /// CKD_SHA256_KDF; such an HSM cannot keep a master key.
    Sha256,
}

/// Three different ids.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "[String; 3]")]
pub struct KeyIds([Vec<u8>; 3]);

impl TryFrom<[String; 3]> for KeyIds {
    type Error = &'static str;

    fn try_from(ids: [String; 3]) -> Result<Self, &'static str> {
        const WANTED: &str = "`ids` are three different ids in hex";
        let [a, b, c] = ids.map(|id| hex::decode(id).unwrap_or_default());
        if [&a, &b, &c].iter().any(|id| id.is_empty()) || a == b || b == c || a == c {
            return Err(WANTED);
        }
        Ok(Self([a, b, c]))
    }
}

impl Pkcs11Settings {
    fn complete(&self, uri: &mut Pkcs11Uri) {
        uri.module_path.get_or_insert_with(|| self.module.clone());
        uri.kdf.get_or_insert(match self.kdf {
            KdfSetting::Null => Kdf::Null,
            KdfSetting::Sha256 => Kdf::Sha256,
        });
        uri.ids = uri.ids.take().or_else(|| self.ids.clone().map(|ids| ids.0));
    }
}

fn is_loopback(url: &reqwest::Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback()),
        None => false,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_valid() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/workstation.toml");
        let settings = Settings::load(&path).unwrap();
        assert!(!settings.trust_test_root, "a shipped file never trusts test cards");
        assert!(settings.data.is_absolute());
    }

    fn with(more: &str) -> Result<Settings, SettingsError> {
        let text = format!("terminal = 't'\ndata = 'd'\ngateway = 'http://[::1]:1'\n{more}");
        Settings::parse(&text, Path::new("/etc/wardkey"))
    }

    #[test]
    fn a_master_key_is_named_by_a_uri_that_the_table_completes() {
        let named = |more: &str| with(more).unwrap().master_key.map(|uri| uri.to_string());
        let table = "[pkcs11]\nmodule = '/m.so'\nkdf = 'sha256'\nids = ['0a', '0b', '0c']";
        assert_eq!(named(""), None);
        assert_eq!(named("master_key = 'piv:serial=7'").as_deref(), Some("piv:serial=7"));
        assert_eq!(
            named("master_key = 'soft:m.keys'").as_deref(),
            Some("soft:/etc/wardkey/m.keys")
        );
        assert_eq!(
            named(&format!("master_key = 'pkcs11:token=t;object=m'\n{table}")).as_deref(),
            Some("pkcs11:token=t;object=m?module-path=/m.so&x-wardkey-kdf=sha256&x-wardkey-ids=0a,0b,0c")
        );
        let own = "pkcs11:token=t?module-path=other.so&x-wardkey-kdf=null&x-wardkey-ids=01,02,03";
        assert_eq!(
            named(&format!("master_key = '{own}'\n{table}")).as_deref(),
            Some(own.replace("other.so", "/etc/wardkey/other.so").as_str())
        );
        for (bad, part) in [
            ("master_key = 'pkcs11:token=t'", "module"),
            ("master_key = 'pkcs11:token=t?module-path=/m&pin-value=1'", "PIN window"),
            ("master_key = 'piv:slot=9c'", "slot="),
            ("master_key = 'pkcs11:id=%01?module-path=/m'", "id="),
            ("master_key = 'file:/x'", "piv:"),
            ("[pkcs11]\nmodule = '/m'\nids = ['01', '02']", ""),
            ("[pkcs11]\nmodule = '/m'\nids = ['01', '02', '02']", "different"),
            ("[pkcs11]\nmodule = '/m'\nkdf = 'md5'", "sha256"),
        ] {
            let error = with(bad).unwrap_err().to_string();
            assert!(error.contains(part), "{bad}: {error}");
        }
    }

    #[test]
    fn mistakes_are_found() {
        let base = "terminal = 't'\ndata = 'd'\n";
        for bad in [
            "gateway = 'nonsense'",
            "gateway = 'http://gateway.example.org'",
            "gateway = 'https://gateway.example.org/v1'",
            "gateway = 'http://127.0.0.1:1'\ntrust_test_rot = true",
            "gateway = 'http://127.0.0.1:1'\ninstitution = 'zz'",
        ] {
            assert!(
                matches!(
                    Settings::parse(&format!("{base}{bad}"), Path::new("/")),
                    Err(SettingsError::Wrong { .. })
                ),
                "{bad}"
            );
        }
        for good in [
            "http://localhost:8080",
            "http://[::1]:8080/",
            "https://gateway.example.org",
        ] {
            Settings::parse(&format!("{base}gateway = '{good}'"), Path::new("/")).unwrap();
        }
    }
}
