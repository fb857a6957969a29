//! A master key that is on no card: in an HSM (SoftHSM2), and in a sealed file. Its first day, its institution, an approval.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use std::process::Command;
use std::sync::{Arc, Mutex};
use support::{Desk, Server, SoftCard, until};
use wardkey_desk::view::{MasterPlace, MasterStatus, PhaseName};
use wardkey_gateway::operator::Order;
use wardkey_hsm::KeyUri;

const FOLDER: &str = "WARDKEY_TEST_SOFTHSM";
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

async fn start(server: &Server, uri: &str) -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let uri: KeyUri = uri.parse().unwrap();
    let settings = wardkey_desk::Settings {
        master_key: Some(uri.resolved(folder.path())),
        ..server.settings(folder.path(), None)
    };
    Desk::with(folder, settings)
}

async fn insert(desk: &Desk, card: &Arc<Mutex<SoftCard>>) {
    desk.port.insert(card);
    until("the card is read", || async { desk.snapshot().await.card.is_some() }).await;
}

/// From nothing to a doctor who signs in, with the master key where `uri` says.
async fn first_days(uri: &str, place: MasterPlace) {
    let server = Server::start().await;
    let desk = start(&server, uri).await;
    let shown = desk.snapshot().await;
    assert_eq!(
        (shown.master_place, shown.trial_keys),
        (place, place == MasterPlace::File)
    );
    assert_eq!(desk.work.master_sign_in().await.unwrap_err().code, "master-key-missing");

    // Made, without any card; a second time changes nothing and asks for no PIN.
    desk.work.prepare_master().await.unwrap();
    let id = desk.snapshot().await.master.unwrap().id;
    desk.work.prepare_master().await.unwrap();
    assert_eq!(desk.snapshot().await.master.unwrap().id, id);
    desk.work.register_institution("Harbour Hospital", "NL").await.unwrap();
    let master = desk.snapshot().await.master.unwrap();
    assert_eq!((&master.id, master.status), (&id, MasterStatus::Registered));
    let institution = id.parse().unwrap();
    let accredited = server
        .stage
        .gateway
        .blocking(move |g| g.obey(Order::Accredit { institution }));
    accredited.await.map_err(|p| p.fault).unwrap();

    // A doctor's card comes and goes; the master key's session ends with it, as with every wipe.
    let doctor = SoftCard::blank("1001");
    desk.it().await;
    insert(&desk, &doctor).await;
    desk.work.prepare_card("Dr Amara Diallo", "Doctor").await.unwrap();
    let request = desk.work.request_device().await.unwrap().request;
    desk.port.pull();
    assert_eq!(desk.snapshot().await.phase, PhaseName::Locked);
    assert_eq!(desk.work.requests().await.unwrap_err().code, "master-required");

    // No card is needed to sign in with it and to approve.
    desk.work.master_sign_in().await.unwrap();
    let year = wardkey_desk::clock::now() + 365 * 86_400;
    desk.work.approve(&request, 3, year).await.unwrap();
    let titles: Vec<_> = desk.port.jobs.lock().unwrap().clone();
    let asked = |title: &str| titles.iter().filter(|(one, _)| one == title).count();
    assert_eq!((asked("Make the master key"), asked("Register institution")), (1, 1));
    assert_eq!((asked("Master key"), asked("Approve card")), (1, 1));
    assert!(
        titles
            .iter()
            .any(|(_, purpose)| purpose.contains("HSM") || purpose.contains("Key file"))
    );

    // The institution's key reached the doctor's card through the master key's own.
    insert(&desk, &doctor).await;
    desk.work.sign_in().await.unwrap();
    assert_eq!(desk.snapshot().await.user.unwrap().holder, "Dr Amara Diallo");
    assert_eq!(
        desk.work.master_sign_in().await.unwrap_err().code,
        "master-not-this-card"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_key_in_a_file() {
    first_days("soft:master.keys", MasterPlace::File).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_key_file_is_named_and_not_replaced() {
    let server = Server::start().await;
    let desk = start(&server, "soft:master.keys").await;
    desk.work.prepare_master().await.unwrap();
    let path = desk.folder.path().join("master.keys");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    for refused in [desk.work.master_sign_in().await, desk.work.prepare_master().await] {
        assert_eq!(refused.unwrap_err().code, "key-file-damaged");
    }
    assert_eq!(std::fs::read(&path).unwrap().len(), whole.len() / 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_card_with_another_serial_number_is_refused() {
    let server = Server::start().await;
    let desk = start(&server, "piv:serial=9001").await;
    assert_eq!(desk.snapshot().await.master_place, MasterPlace::Card);
    let other = SoftCard::blank("9002");
    insert(&desk, &other).await;
    assert_eq!(desk.work.master_sign_in().await.unwrap_err().code, "card-wrong");
}

/// Runs `test` in a process of its own with a fresh SoftHSM2, which reads its settings once in a process.
fn apart(name: &str, test: impl Future<Output = ()>) {
    if std::env::var_os(FOLDER).is_some() {
        return tokio::runtime::Runtime::new().unwrap().block_on(test);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tokens")).unwrap();
    let settings = format!("directories.tokendir = {}/tokens\n", folder.path().display());
    std::fs::write(folder.path().join("softhsm2.conf"), settings).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads", "1"])
        .env(FOLDER, folder.path())
        .env("SOFTHSM2_CONF", folder.path().join("softhsm2.conf"))
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn init_token() {
    let arguments = [
        "--init-token",
        "--free",
        "--label",
        "hospital",
        "--so-pin",
        "73105529",
        "--pin",
        "482913",
    ];
    assert!(
        Command::new("softhsm2-util")
            .args(arguments)
            .output()
            .unwrap()
            .status
            .success()
    );
}

#[test]
fn a_master_key_in_an_hsm() {
    apart("a_master_key_in_an_hsm", async {
        init_token();
        let uri = format!("pkcs11:token=hospital;object=master?module-path={MODULE}");
        first_days(&uri, MasterPlace::Hsm).await;
    });
}

#[test]
fn an_hsm_that_is_not_there_or_cannot_agree_is_named_before_a_pin_is_typed() {
    apart(
        "an_hsm_that_is_not_there_or_cannot_agree_is_named_before_a_pin_is_typed",
        async {
            let server = Server::start().await;
            for (uri, code) in [
                (
                    "pkcs11:token=hospital?module-path=/nonexistent.so".to_owned(),
                    "hsm-module-missing",
                ),
                (
                    format!("pkcs11:token=hospital?module-path={MODULE}"),
                    "hsm-token-missing",
                ),
            ] {
                let desk = start(&server, &uri).await;
                assert_eq!(desk.work.master_sign_in().await.unwrap_err().code, code);
                assert_eq!(desk.work.prepare_master().await.unwrap_err().code, code);
                assert!(desk.port.jobs.lock().unwrap().is_empty());
            }
            init_token();
            let hashed = format!("pkcs11:token=hospital?module-path={MODULE}&x-wardkey-kdf=sha256");
            let desk = start(&server, &hashed).await;
            assert_eq!(desk.work.prepare_master().await.unwrap_err().code, "hsm-kdf-refused");
            assert!(
                desk.port.jobs.lock().unwrap().is_empty(),
                "no key is made that could never be used"
            );
        },
    );
}
