//! Bad days of an HSM before it is used: wrong modules, tokens and keys.

use super::softhsm::{MODULE, PIN, apart, hospital, init_token, keypair, make_keys, open, pkcs11_tool, tokens, uri};
use super::*;
use cryptoki::context::Pkcs11;
use wardkey_core::key::SoftKey;
use wardkey_hsm::store;

const KEYS: &str = "token=hospital;object=master";

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
    Pkcs11::new(MODULE).unwrap().finalize().unwrap();
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
