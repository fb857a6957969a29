//! Another PKCS#11 module: OpenSC's, over a PIV card. It counts tries, and its token can really be pulled.

use super::softhsm::apart;
use super::virtual_card::Desk;
use super::*;
use wardkey_hsm::{KeyUri, PivCard, store};
use wardkey_virtual_card::rig::READERS;

/// Where Debian's package has the module, on whichever processor.
fn module() -> String {
    let machine = format!("/usr/lib/{}-linux-gnu/opensc-pkcs11.so", std::env::consts::ARCH);
    assert!(
        std::path::Path::new(&machine).exists(),
        "{machine}: install opensc-pkcs11"
    );
    machine
}

fn open() -> Box<dyn KeyStore> {
    let uri: KeyUri = format!("pkcs11:?module-path={}", module()).parse().unwrap();
    store::open(&uri).unwrap()
}

#[test]
fn a_card_behind_a_foreign_module_signs_with_the_same_key() {
    apart(
        concat!(
            module_path!(),
            "::a_card_behind_a_foreign_module_signs_with_the_same_key"
        ),
        || {
            let mut desk = Desk::new();
            let expected = PivCard::open(READERS[0])
                .unwrap()
                .public_key(Slot::Authentication)
                .unwrap();
            let mut hsm = open();
            assert_eq!(key(&mut *hsm, Slot::Authentication), expected);
            let signature = sign(&mut *hsm, Slot::Authentication, b"message").unwrap();
            expected.verify(b"message", &signature).unwrap();
            // OpenSC gives the signature key the PIV rule: a PIN before each use, which this layer does not do.
            assert_eq!(code(sign(&mut *hsm, Slot::Signature, b"message")), "hsm-key-unusable");

            desk.remove();
            let missed = code(sign(&mut *hsm, Slot::Authentication, b"gone"));
            assert_eq!(missed, "hsm-token-missing");
            desk.restore();
            let signature = sign(&mut *hsm, Slot::Authentication, b"back").unwrap();
            expected.verify(b"back", &signature).unwrap();
        },
    );
}

#[test]
fn a_module_that_counts_tries_is_believed() {
    apart(
        concat!(module_path!(), "::a_module_that_counts_tries_is_believed"),
        || {
            let _desk = Desk::new();
            let mut hsm = open();
            let mut told = Vec::new();
            loop {
                let error = failed(hsm.with_pin(&wrong_pin(), &mut |_| Ok(())));
                told.push((error.code(), error.tries_left()));
                if told.len() == 6 || error.code() == "pin-blocked" {
                    break;
                }
            }
            let [.., last_but_one, last] = told[..] else {
                panic!("{told:?}")
            };
            assert_eq!(
                (last_but_one, last),
                (("pin-wrong", Some(1)), ("pin-blocked", Some(0))),
                "{told:?}"
            );
            assert_eq!(hsm.info().unwrap().tries_left, Some(0));
            assert_eq!(code(sign(&mut *hsm, Slot::Authentication, b"late")), "pin-blocked");
        },
    );
}
