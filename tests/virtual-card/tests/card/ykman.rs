//! Yubico's `ykman` (installed by `cargo xtask test`, see xtask/src/python.rs) judges the card. It takes readers of any name for
//! NFC only, so the card is held to the antenna.

use super::*;

const MANAGEMENT_KEY: &str = "010203040506070801020304050607080102030405060708";

/// `ykman piv …`; whether it succeeded, and its words.
fn ykman(bench: &Bench, card: &CardHandle, arguments: &str) -> (bool, String) {
    let program = std::env::current_exe().unwrap();
    let program = program.ancestors().nth(3).unwrap().join("ykman/bin/ykman");
    assert!(program.exists(), "ykman is missing: `cargo xtask test` installs it");
    let output = Command::new(program)
        .args(["--reader", card.reader(), "piv"])
        .args(arguments.split(' '))
        .current_dir(bench.folder.path())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn done(bench: &Bench, card: &CardHandle, arguments: &str) -> String {
    let (ok, text) = ykman(bench, card, arguments);
    assert!(ok, "{arguments}: {text}");
    text
}

fn contains_all(text: &str, wanted: &[&str]) {
    for one in wanted {
        assert!(text.contains(one), "{one} in {text}");
    }
}

#[test]
fn ykman_sees_a_factory_fresh_yubikey_and_makes_keys_on_it() {
    let bench = Bench::new();
    let card = bench.rig.hold_to_antenna(PORTS[0], &bench.path("card"), None).unwrap();
    let info = done(&bench, &card, "info");
    contains_all(
        &info,
        &[
            "PIV version:              5.4.3",
            "PIN tries remaining:      3/3",
            "Using default PIN!",
        ],
    );
    contains_all(
        &info,
        &["Using default PUK!", "Using default Management key!", "algorithm: TDES"],
    );

    let generate = "keys generate --algorithm ECCP256 --pin-policy ALWAYS --touch-policy CACHED";
    done(&bench, &card, &format!("{generate} -m {MANAGEMENT_KEY} 9d public.pem"));
    contains_all(
        &done(&bench, &card, "keys info 9d"),
        &["ECCP256", "GENERATED", "use:   ALWAYS", "use: CACHED"],
    );
    done(&bench, &card, "keys attest 9d attestation.pem");

    done(
        &bench,
        &card,
        &format!("keys generate --algorithm ECCP256 -m {MANAGEMENT_KEY} 9a own.pem"),
    );
    // ykman verifies the signature against the public key before it writes the certificate.
    done(
        &bench,
        &card,
        &format!("certificates generate -m {MANAGEMENT_KEY} -P 123456 -s CN=somebody 9a own.pem"),
    );
    contains_all(
        &done(&bench, &card, "info"),
        &["Slot 9A", "CN=somebody", "Private key type: ECCP256"],
    );
}

#[test]
fn ykman_changes_and_blocks_the_secrets_and_resets_the_card() {
    let bench = Bench::new();
    let card = bench.rig.hold_to_antenna(PORTS[0], &bench.path("card"), None).unwrap();
    done(&bench, &card, "access change-pin -P 123456 -n 271828");
    done(&bench, &card, "access change-puk -p 12345678 -n 87651234");
    let (ok, text) = ykman(&bench, &card, "access change-pin -P 123456 -n 314159");
    assert!(!ok && text.contains("2 tries left"), "{text}");
    let fresh = "0102030405060708010203040506070801020304050607ff";
    done(
        &bench,
        &card,
        &format!("access change-management-key -m {MANAGEMENT_KEY} -n {fresh} -f"),
    );
    let (ok, text) = ykman(
        &bench,
        &card,
        &format!("access set-retries -m {MANAGEMENT_KEY} -P 271828 -f 5 4"),
    );
    assert!(!ok, "the factory's management key is gone: {text}");
    let info = done(&bench, &card, "info");
    contains_all(
        &info,
        &["PIN tries remaining:      2/3", "PUK tries remaining:      3/3"],
    );
    assert!(!info.contains("default"), "{info}");

    done(
        &bench,
        &card,
        &format!("access set-retries -m {fresh} -P 271828 -f 5 4"),
    );
    let info = done(&bench, &card, "info");
    contains_all(
        &info,
        &[
            "PIN tries remaining:      5/5",
            "PUK tries remaining:      4/4",
            "Using default PUK!",
        ],
    );

    for _ in 0..5 {
        assert!(!ykman(&bench, &card, "access change-pin -P 999999 -n 271828").0);
    }
    contains_all(&done(&bench, &card, "info"), &["PIN tries remaining:      0/5"]);
    done(&bench, &card, "access unblock-pin -p 12345678 -n 271828");
    done(&bench, &card, "reset -f");
    contains_all(
        &done(&bench, &card, "info"),
        &["Using default PIN!", "Using default Management key!"],
    );
}
