//! Bad days of an HSM: dropped sessions, other programs, wrong settings.

use super::softhsm::{MODULE, PIN, apart, init_token, make_keys, open, pkcs11_tool, tokens, uri};
use super::*;
use cryptoki::context::Pkcs11;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use wardkey_core::key::SoftKey;
use wardkey_hsm::store;

const KEYS: &str = "token=hospital;object=master";

/// A test in a process of its own.
macro_rules! day {
    ($name:ident, $body:block) => {
        #[test]
        fn $name() {
            apart(concat!(module_path!(), "::", stringify!($name)), || $body);
        }
    };
}

fn hospital() -> Box<dyn KeyStore> {
    init_token("hospital");
    let mut store = open(KEYS);
    make_keys(&mut *store);
    store
}

/// Somebody else in this process, with the same module.
fn somebody() -> Pkcs11 {
    Pkcs11::new(MODULE).unwrap()
}

fn somebodys_session(module: &Pkcs11) -> cryptoki::session::Session {
    let slots = module.get_slots_with_initialized_token().unwrap();
    module.open_rw_session(slots[0]).unwrap()
}

/// A tool's options for one key of the token.
fn keypair<'a>(kind: &'a str, id: &'a str, more: &[&'a str]) -> Vec<&'a str> {
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

day!(a_wrong_module_is_named, {
    let text = tokens().with_extension("so");
    std::fs::write(&text, "no library").unwrap();
    let text = text.to_str().unwrap();
    let libc = "libc.so.6";
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let libc = maps
        .lines()
        .find_map(|line| line.split_whitespace().last().filter(|path| path.ends_with(libc)));
    for path in ["/nonexistent/hsm.so", text, libc.unwrap(), "/"] {
        let error = failed(store::open(
            &format!("pkcs11:token=hospital?module-path={path}").parse().unwrap(),
        ));
        assert_eq!(error.code(), "hsm-module-missing", "{error}");
        assert!(error.to_string().contains(path), "{error}");
    }
    assert_eq!(
        code(store::open(&"pkcs11:token=hospital".parse().unwrap())),
        "hsm-module-unset"
    );
});

day!(a_token_that_is_missing_or_there_twice_is_named, {
    let mut store = open(KEYS);
    let error = failed(store.info());
    assert_eq!(error.code(), "hsm-token-missing");
    assert!(error.to_string().contains("pkcs11:token=hospital"), "{error}");
    assert_eq!(code(sign(&mut *store, Slot::Signature, b"x")), "hsm-token-missing");
    // It comes after the module was loaded.
    init_token("hospital");
    make_keys(&mut *store);
    let serial = store.info().unwrap().serial.unwrap();

    init_token("hospital");
    somebody().finalize().unwrap();
    let error = failed(store.info());
    assert_eq!(error.code(), "hsm-token-twice");
    assert_eq!(error.to_string(), "2 tokens match pkcs11:token=hospital");
    assert_eq!(code(sign(&mut *store, Slot::Signature, b"x")), "hsm-token-twice");
    let mut one = open(&format!("{KEYS};serial={serial}"));
    sign(&mut *one, Slot::Signature, b"x").unwrap();
    for other in [
        "token=Hospital",
        "serial=0000",
        "token=hospital;model=other",
        "library-version=9.9",
    ] {
        assert_eq!(code(open(other).info()), "hsm-token-missing", "{other}");
    }
    open(&format!(
        "{KEYS};serial={serial};manufacturer=SoftHSM%20project;model=SoftHSM%20v2;library-version=2.6"
    ))
    .info()
    .unwrap();
});

day!(a_token_without_user_pin_is_not_ready, {
    let free = [
        "--init-token",
        "--slot-index",
        "0",
        "--label",
        "fresh",
        "--so-pin",
        "73105529",
    ];
    pkcs11_tool(&free);
    assert_eq!(
        code(open("token=fresh").with_pin(&good_pin(), &mut |_| Ok(()))),
        "hsm-token-not-ready"
    );
});

day!(keys_of_other_kinds_and_twins_are_refused_by_name, {
    init_token("hospital");
    pkcs11_tool(&keypair("EC:secp384r1", "01", &[]));
    pkcs11_tool(&keypair("EC:prime256v1", "02", &["--always-auth", "--usage-sign"]));
    pkcs11_tool(&keypair("EC:prime256v1", "03", &["--usage-sign"]));
    let mut store = open(KEYS);
    assert!(
        store.info().unwrap().key(Slot::Authentication).is_none(),
        "no P-256 key"
    );
    let peer = SoftKey::generate().unwrap().public();
    for (slot, part) in [
        (Slot::Authentication, "P-256"),
        (Slot::Signature, "ALWAYS_AUTHENTICATE"),
    ] {
        let error = failed(sign(&mut *store, slot, b"x"));
        assert_eq!(error.code(), "hsm-key-unusable", "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let error = failed(with(&mut *store, &good_pin(), |keys| {
        keys.agree(Slot::KeyManagement, &peer)
    }));
    assert_eq!(error.code(), "hsm-key-unusable", "{error}");
    sign(&mut *store, Slot::KeyManagement, b"x").unwrap();
    pkcs11_tool(&keypair("EC:prime256v1", "03", &["--usage-derive"]));
    assert_eq!(
        code(with(&mut *store, &good_pin(), |keys| keys.agree(Slot::KeyManagement, &peer))),
        "hsm-key-twice"
    );
    assert_eq!(code(store.info()), "hsm-key-twice");
});

day!(keys_of_another_tool_and_other_ids_are_used, {
    init_token("hospital");
    for (id, usage) in [("0a", "--usage-sign"), ("0b", "--usage-sign"), ("0c", "--usage-derive")] {
        pkcs11_tool(&keypair("EC:prime256v1", id, &[usage]));
    }
    assert_eq!(code(sign(&mut *open(KEYS), Slot::Signature, b"x")), "hsm-key-missing");
    let ids = format!("pkcs11:{KEYS}?module-path={MODULE}&x-wardkey-ids=0a,0b,0c");
    let mut store = store::open(&ids.parse().unwrap()).unwrap();
    let public = key(&mut *store, Slot::Signature);
    public
        .verify(b"x", &sign(&mut *store, Slot::Signature, b"x").unwrap())
        .unwrap();
    let (peer, agrees) = (SoftKey::generate().unwrap(), key(&mut *store, Slot::KeyManagement));
    let shared = with(&mut *store, &good_pin(), |keys| {
        keys.agree(Slot::KeyManagement, &peer.public())
    })
    .unwrap();
    assert_eq!(shared, peer.agree(&agrees).unwrap());
    // A URI that names one key reaches that one.
    let one = format!("pkcs11:{KEYS};id=%0b?module-path={MODULE}&x-wardkey-ids=0a,0b,0c");
    let mut one = store::open(&one.parse().unwrap()).unwrap();
    assert_eq!(key(&mut *one, Slot::Signature), public);
    assert_eq!(code(sign(&mut *one, Slot::Authentication, b"x")), "slot-empty");
});

day!(made_keys_cannot_leave_the_token, {
    let _store = hospital();
    let listed = pkcs11_tool(&[
        "--token-label",
        "hospital",
        "--login",
        "--pin",
        PIN,
        "--list-objects",
        "--type",
        "privkey",
    ]);
    let access: Vec<_> = listed.lines().filter(|line| line.contains("Access:")).collect();
    assert_eq!(access.len(), 3, "{listed}");
    for line in access {
        for wanted in ["sensitive", "always sensitive", "never extractable", "local"] {
            assert!(line.contains(wanted), "{line}");
        }
    }
    let usage: Vec<_> = listed
        .lines()
        .filter(|line| line.contains("Usage:"))
        .map(str::trim)
        .collect();
    assert_eq!(
        usage.iter().filter(|line| line.contains("sign")).count(),
        2,
        "{usage:?}"
    );
    assert_eq!(
        usage.iter().filter(|line| line.contains("derive")).count(),
        1,
        "{usage:?}"
    );
});

day!(a_module_that_only_hashes_agreed_secrets_signs_and_says_so, {
    let _keys = hospital();
    let hashed = format!("pkcs11:{KEYS}?module-path={MODULE}&x-wardkey-kdf=sha256");
    let mut store = store::open(&hashed.parse().unwrap()).unwrap();
    let promised = store.capabilities().unwrap();
    assert!(promised.signs && !promised.agrees);
    let peer = SoftKey::generate().unwrap().public();
    assert_eq!(
        code(with(&mut *store, &good_pin(), |keys| keys.agree(Slot::KeyManagement, &peer))),
        "store-unsupported"
    );
    sign(&mut *store, Slot::Signature, b"x").unwrap();
    assert!(open(KEYS).capabilities().unwrap().agrees);
    assert_eq!(uri(KEYS).to_string(), format!("pkcs11:{KEYS}?module-path={MODULE}"));
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
