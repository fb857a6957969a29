//! Bad days of an HSM while it is used: dropped sessions, other programs.

use super::softhsm::{MODULE, PIN, apart, hospital, init_token, keypair, make_keys, open, pkcs11_tool, tokens};
use super::*;
use cryptoki::context::Pkcs11;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use wardkey_core::key::SoftKey;

const KEYS: &str = "token=hospital;object=master";

/// Somebody else in this process, with the same module.
fn somebody() -> Pkcs11 {
    Pkcs11::new(MODULE).unwrap()
}

fn somebodys_session(module: &Pkcs11) -> cryptoki::session::Session {
    let slots = module.get_slots_with_initialized_token().unwrap();
    module.open_rw_session(slots[0]).unwrap()
}

day!(a_dropped_session_is_opened_again_and_the_step_repeated, {
    let mut store = hospital();
    let [signs, agrees] = [Slot::Signature, Slot::KeyManagement].map(|slot| key(&mut *store, slot));
    let peer = SoftKey::generate().unwrap();
    with(&mut *store, &good_pin(), |keys| {
        keys.sign(Slot::Signature, &sha256(&[b"0"]))?;
        // Logged out under its feet: private keys are hidden then.
        somebodys_session(&somebody()).logout().unwrap();
        let signature = keys.sign(Slot::Signature, &sha256(&[b"1"]))?;
        signs.verify(b"1", &signature).unwrap();
        somebodys_session(&somebody()).logout().unwrap();
        let shared = keys.agree(Slot::KeyManagement, &peer.public())?;
        assert_eq!(shared, peer.agree(&agrees).unwrap());
        // The module ended under its feet: all sessions are gone, and their numbers are given away again.
        somebody().finalize().unwrap();
        let signature = keys.sign(Slot::Signature, &sha256(&[b"2"]))?;
        signs.verify(b"2", &signature).unwrap();
        somebody().finalize().unwrap();
        let shared = keys.agree(Slot::KeyManagement, &peer.public())?;
        assert_eq!(shared, peer.agree(&agrees).unwrap());
        assert_eq!(keys.public_key(Slot::Signature)?, signs);
        Ok(())
    })
    .unwrap();
    // And between two jobs.
    somebody().finalize().unwrap();
    sign(&mut *store, Slot::Signature, b"later").unwrap();
    somebody().finalize().unwrap();
    assert_eq!(key(&mut *store, Slot::Signature), signs);
});

day!(making_a_key_is_never_repeated, {
    init_token("hospital");
    let mut store = open(KEYS);
    let error = with(&mut *store, &good_pin(), |keys| {
        somebodys_session(&somebody()).logout().unwrap();
        keys.generate(Slot::Signature)
    });
    assert_eq!(code(error), "hsm-session-lost");
    assert!(store.info().unwrap().keys.iter().all(|slot| slot.public_key.is_none()));
    make_keys(&mut *store);
});

day!(a_pin_changed_meanwhile_is_not_tried_again_and_again, {
    let mut store = hospital();
    let error = with(&mut *store, &good_pin(), |keys| {
        let change = [
            "--token-label",
            "hospital",
            "--login",
            "--pin",
            PIN,
            "--change-pin",
            "--new-pin",
            "271828",
        ];
        pkcs11_tool(&change);
        // SoftHSM2 reads a PIN that another program changed only when it begins anew.
        somebody().finalize().unwrap();
        keys.sign(Slot::Signature, &[7; 32])
    });
    assert_eq!(code(error), "pin-wrong");
});

day!(a_login_by_somebody_else_in_the_process_opens_nothing, {
    let mut store = hospital();
    let (module, pin) = (somebody(), AuthPin::from(PIN));
    let session = somebodys_session(&module);
    session.login(UserType::User, Some(&pin)).unwrap();
    assert_eq!(code(store.with_pin(&wrong_pin(), &mut |_| Ok(()))), "pin-wrong");
    sign(&mut *store, Slot::Signature, b"x").unwrap();
    // Of two jobs at once, the wrong PIN never rides on the right one.
    let other = std::thread::spawn(|| {
        let mut other = open(KEYS);
        (0..20).all(|_| code(other.with_pin(&wrong_pin(), &mut |_| Ok(()))) == "pin-wrong")
    });
    for _ in 0..20 {
        sign(&mut *store, Slot::Signature, b"x").unwrap();
    }
    assert!(other.join().unwrap());
});

day!(another_program_uses_the_token_at_the_same_time, {
    let mut store = hospital();
    let public = key(&mut *store, Slot::Signature);
    let data = tokens().with_extension("digest");
    std::fs::write(&data, sha256(&[b"theirs"])).unwrap();
    let file = data.to_str().unwrap().to_owned();
    let theirs = std::thread::spawn(move || {
        for _ in 0..5 {
            let output = format!("{file}.signed");
            let key = [
                "--token-label",
                "hospital",
                "--login",
                "--pin",
                PIN,
                "--sign",
                "--mechanism",
                "ECDSA",
                "--id",
                "02",
            ];
            pkcs11_tool(&[&key[..], &["--input-file", &file, "--output-file", &output]].concat());
            public
                .verify(
                    b"theirs",
                    &Signature::normalised(&std::fs::read(output).unwrap()).unwrap(),
                )
                .unwrap();
        }
    });
    // In one job: a login writes the token's file, which SoftHSM2 does not do at once for other programs.
    with(&mut *store, &good_pin(), |keys| {
        for n in (0..=255u8).cycle().take_while(|_| !theirs.is_finished()) {
            public
                .verify(&[n], &keys.sign(Slot::Signature, &sha256(&[&[n]]))?)
                .unwrap();
        }
        Ok(())
    })
    .unwrap();
    theirs.join().unwrap();
    // It may even remove the key in the middle of a job.
    let error = with(&mut *store, &good_pin(), |keys| {
        keys.sign(Slot::Signature, &[7; 32])?;
        for kind in ["privkey", "pubkey"] {
            let delete = [
                "--token-label",
                "hospital",
                "--login",
                "--pin",
                PIN,
                "--delete-object",
                "--id",
                "02",
            ];
            pkcs11_tool(&[&delete[..], &["--type", kind]].concat());
        }
        keys.sign(Slot::Signature, &[7; 32])
    });
    let error = failed(error);
    assert_eq!(error.code(), "hsm-key-missing");
    assert!(
        error.to_string().contains("hospital") && error.to_string().contains("master, id 02"),
        "{error}"
    );
    sign(&mut *store, Slot::Authentication, b"the others are there").unwrap();
});

day!(what_another_program_made_is_seen_at_once, {
    init_token("hospital");
    let mut store = open(KEYS);
    assert!(store.info().unwrap().key(Slot::Signature).is_none());
    pkcs11_tool(&keypair("EC:prime256v1", "02", &["--usage-sign"]));
    let public = key(&mut *store, Slot::Signature);
    public
        .verify(b"x", &sign(&mut *store, Slot::Signature, b"x").unwrap())
        .unwrap();
});

day!(no_pin_is_ever_logged, {
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    // The widest that this build can write, the `log` crate's lines included.
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let mut store = hospital();
    let told = [
        format!("{:?}", failed(store.with_pin(&wrong_pin(), &mut |_| Ok(())))),
        format!("{:?}", store.change_pin(&good_pin(), &Pin::new(b"271828").unwrap())),
        format!("{:?}", store.info()),
    ];
    let pin = Pin::new(b"271828").unwrap();
    with(&mut *store, &pin, |keys| {
        somebody().finalize().unwrap();
        keys.sign(Slot::Signature, &[7; 32])
    })
    .unwrap();
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap() + &told.concat();
    assert!(text.contains("logging in again"), "the log is heard: {text}");
    for pin in [PIN, "555777", "271828"] {
        assert!(!text.contains(pin), "{text}");
    }
});
