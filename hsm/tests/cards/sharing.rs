//! Two programs and one card: each waits for the other's transaction, and who holds a card is named.

use super::*;
use std::process::{Child, Command, Stdio};
use wardkey_hsm::{PivCard, Slot, holder};

/// Ended when dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Another program that takes the card and keeps it: `SHARED` with a transaction, or `EXCLUSIVE`.
fn hold(bench: &Bench, card: &CardHandle, mode: &str) -> Program {
    let script = bench.state("card-hog");
    let text = format!(
        "#!/usr/bin/python3
from smartcard.scard import *
import sys, time
_, context = SCardEstablishContext(SCARD_SCOPE_USER)
status, card, _ = SCardConnect(context, '{}', SCARD_SHARE_{mode}, SCARD_PROTOCOL_ANY)
assert status == 0, status
if '{mode}' == 'SHARED':
    assert SCardBeginTransaction(card) == 0
print('held', flush=True)
time.sleep(60)
",
        card.reader()
    );
    std::fs::write(&script, text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    let mut child = Command::new(script).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
    assert_eq!(line, "held\n");
    Program(child)
}

fn holders(error: CardError) -> Vec<String> {
    match error {
        CardError::Busy { by } => by,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_program_that_holds_a_card_is_named() {
    let bench = Bench::new();
    let (card, _) = bench.ready("doctor");
    assert!(!holder::programs().contains(&"card-hog".to_owned()));
    let patience = Duration::from_millis(400);
    for mode in ["SHARED", "EXCLUSIVE"] {
        let program = hold(&bench, &card, mode);
        let error = PivCard::open_within(card.reader(), patience).err().unwrap();
        assert!(error.to_string().contains("card-hog"), "{mode}: {error}");
        assert!(holders(error).contains(&"card-hog".to_owned()));
        // Named, never ended: it ends by itself, and the card is free.
        drop(program);
        let begun = std::time::Instant::now();
        while let Err(error) = PivCard::open_within(card.reader(), patience) {
            assert!(begun.elapsed() < Duration::from_secs(10), "{mode}: {error:?}");
        }
    }
}

#[test]
fn two_programs_use_one_card_in_turns() {
    let bench = Bench::new();
    let (card, prepared) = bench.ready("doctor");
    let mut open = PivCard::open(card.reader()).unwrap();
    open.with_pin(&good_pin(), |_| Ok(())).unwrap();
    let reader = card.reader();
    let other = std::thread::spawn(move || {
        (0..4).all(|_| {
            let mut status = Command::new("yubico-piv-tool");
            status.args(["-r", reader, "-a", "status"]).stdout(Stdio::null());
            status.status().is_ok_and(|status| status.success())
        })
    });
    let mut signed = 0;
    while !other.is_finished() {
        let digest = wardkey_core::key::sha256(&[b"x"]);
        // SELECT, VERIFY and the signature are one transaction, so nothing of the other program's comes between.
        let signature = open
            .with_pin(&good_pin(), |verified| verified.sign(Slot::Signature, &digest))
            .unwrap();
        prepared.signature.verify(b"x", &signature).unwrap();
        signed += 1;
    }
    assert!(other.join().unwrap(), "the other program was not disturbed either");
    assert!(signed > 1, "{signed}");
}
