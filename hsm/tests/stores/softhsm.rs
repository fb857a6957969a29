//! SoftHSM2 with tokens of its own. It reads `SOFTHSM2_CONF` once and keeps everything in its process, so each test runs in one of
//! its own: the test program starts itself for it.

use super::*;
use std::path::PathBuf;
use std::process::Command;
use wardkey_hsm::KeyUri;
use wardkey_hsm::store;

const FOLDER: &str = "WARDKEY_TEST_SOFTHSM";
/// Where Debian's package has the module.
pub(crate) const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
pub(crate) const PIN: &str = "482913";

/// A test in a process of its own.
macro_rules! day {
    ($name:ident, $body:block) => {
        #[test]
        fn $name() {
            apart(concat!(module_path!(), "::", stringify!($name)), || $body);
        }
    };
}

/// Runs `test` in a process of its own with a fresh SoftHSM2. `name` is what the test harness calls it.
pub(crate) fn apart(name: &str, test: impl FnOnce()) {
    if std::env::var_os(FOLDER).is_some() {
        return test();
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    let settings = format!(
        "directories.tokendir = {}/tokens\nlog.level = ERROR\n",
        folder.path().display()
    );
    std::fs::write(folder.path().join("softhsm2.conf"), settings).unwrap();
    let name = name.split_once("::").unwrap().1;
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads", "1"])
        .env(FOLDER, folder.path())
        .env("SOFTHSM2_CONF", folder.path().join("softhsm2.conf"))
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{name} in a process of its own:\n{text}"
    );
}

fn folder() -> PathBuf {
    std::env::var_os(FOLDER).unwrap().into()
}

pub(crate) fn tokens() -> PathBuf {
    folder().join("tokens")
}

/// Another program: it shares nothing with this one but the tokens' files.
pub(crate) fn program(name: &str, arguments: &[&str]) -> String {
    let output = Command::new(name).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{name} {arguments:?}: {text}");
    text
}

pub(crate) fn pkcs11_tool(arguments: &[&str]) -> String {
    program("pkcs11-tool", &[&["--module", MODULE], arguments].concat())
}

/// A new token with [`PIN`]. The module of this process sees it only if it was loaded later.
pub(crate) fn init_token(label: &str) {
    let arguments = [
        "--init-token",
        "--free",
        "--label",
        label,
        "--so-pin",
        "73105529",
        "--pin",
        PIN,
    ];
    program("softhsm2-util", &arguments);
}

pub(crate) fn uri(rest: &str) -> KeyUri {
    format!("pkcs11:{rest}?module-path={MODULE}").parse().unwrap()
}

pub(crate) fn open(rest: &str) -> Box<dyn KeyStore> {
    store::open(&uri(rest)).unwrap()
}

/// Three new keys in a token.
pub(crate) fn make_keys(store: &mut dyn KeyStore) {
    with(store, &good_pin(), |keys| {
        Slot::ALL.into_iter().try_for_each(|slot| keys.generate(slot).map(drop))
    })
    .unwrap();
}

/// A token with three keys.
pub(crate) fn hospital() -> Box<dyn KeyStore> {
    init_token("hospital");
    let mut store = open("token=hospital;object=master");
    make_keys(&mut *store);
    store
}

/// A tool's options for one key of the token.
pub(crate) fn keypair<'a>(kind: &'a str, id: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = [
        "--token-label",
        "hospital",
        "--login",
        "--pin",
        PIN,
        "--keypairgen",
        "--label",
        "master",
    ];
    [&fixed[..], &["--key-type", kind, "--id", id], more].concat()
}
