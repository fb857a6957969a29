//! Settings of one workstation (TOML, `config/workstation.toml`).

use serde::Deserialize;
use std::path::{Path, PathBuf};
use wardkey_core::fault::Coded;
use wardkey_core::id::InstitutionId;
use wardkey_core::key::PublicKey;

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
