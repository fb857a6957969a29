//! What holds for every key store.

use super::*;
use wardkey_core::key::SoftKey;
use wardkey_hsm::PinPolicy;
use wardkey_hsm::store::{KeyMaking, StoreKind, TriesTold};

/// A kind of store in hands that can open it, empty it and take it away. Its three keys are there, its PIN is [`good_pin`].
pub(crate) trait Harness: Sized {
    /// Tries before the PIN is blocked; `None` if it never is.
    const TRIES: Option<u8>;
    /// What an empty slot is called.
    const EMPTY: &'static str;

    fn new() -> Self;

    /// Runs one test. `_name` is what the test harness calls it.
    fn run(_name: &str, test: fn(&mut Self)) {
        test(&mut Self::new());
    }

    fn open(&self) -> Result<Box<dyn KeyStore>, CardError>;
    /// Another store of the kind, without keys, under the same PIN; `None` where there can be no second one.
    fn empty(&mut self) -> Option<Box<dyn KeyStore>>;
    fn remove(&mut self);
    fn restore(&mut self);
    /// Sets [`good_pin`] again where [`wardkey_hsm::store::Capabilities::unblocks`].
    fn unblock(&self, _store: &mut dyn KeyStore) -> Result<(), CardError> {
        unreachable!("claims to unblock")
    }
}

macro_rules! key_store_contract {
    ($harness:ty) => {
        key_store_contract!(@each $harness:
            public_keys_are_stable,
            signatures_verify_and_are_low_s,
            the_signature_key_never_goes_without_a_pin,
            agreement_equals_the_other_sides,
            an_empty_slot_is_named,
            a_wrong_pin_is_told_with_what_is_known_of_the_tries,
            a_pin_is_blocked_when_it_should_be,
            two_jobs_follow_each_other,
            what_was_taken_away_is_missed_and_comes_back_as_promised,
            capabilities_tell_the_truth_about_pins,
            capabilities_tell_the_truth_about_keys,
        );
    };
    (@each $harness:ty: $($test:ident),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                use $crate::contract::Harness as _;
                <$harness>::run(concat!(module_path!(), "::", stringify!($test)), $crate::contract::$test::<$harness>);
            }
        )*
    };
}

pub(crate) fn public_keys_are_stable<H: Harness>(harness: &mut H) {
    let mut store = harness.open().unwrap();
    let keys = Slot::ALL.map(|slot| key(&mut *store, slot));
    assert_eq!(std::collections::BTreeSet::from(keys).len(), 3, "three different keys");
    for (slot, key) in Slot::ALL.into_iter().zip(keys) {
        let told = with(&mut *store, &good_pin(), |keys| keys.public_key(slot));
        assert_eq!(told, Ok(key));
    }
    drop(store);
    let mut again = harness.open().unwrap();
    assert_eq!(Slot::ALL.map(|slot| self::key(&mut *again, slot)), keys);
}

pub(crate) fn signatures_verify_and_are_low_s<H: Harness>(harness: &mut H) {
    let mut store = harness.open().unwrap();
    for slot in [Slot::Authentication, Slot::Signature] {
        let public = key(&mut *store, slot);
        let signatures = with(&mut *store, &good_pin(), |keys| {
            (0..8u8)
                .map(|n| keys.sign(slot, &sha256(&[&[n]])))
                .collect::<Result<Vec<_>, _>>()
        });
        for (n, signature) in (0..8u8).zip(signatures.unwrap()) {
            assert!(signature.is_low_s());
            public.verify(&[n], &signature).unwrap();
        }
    }
}

pub(crate) fn the_signature_key_never_goes_without_a_pin<H: Harness>(harness: &mut H) {
    let mut store = harness.open().unwrap();
    let promised = store.capabilities().unwrap();
    let digest = sha256(&[b"prescription"]);
    let before = code(store.sign_unlocked(Slot::Authentication, &digest));
    // One entry of the PIN may sign twice within one job; the store asks itself again where the key wants it.
    with(&mut *store, &good_pin(), |keys| {
        keys.sign(Slot::Signature, &digest)?;
        keys.sign(Slot::Signature, &digest)?;
        keys.sign(Slot::Authentication, &digest)
    })
    .unwrap();
    let refused = code(store.sign_unlocked(Slot::Signature, &digest));
    let silent = store.sign_unlocked(Slot::Authentication, &digest);
    if promised.stays_unlocked {
        assert_eq!((before, refused), ("pin-required", "pin-required"));
        assert_eq!(
            (promised.pin, promised.signature_pin),
            (PinPolicy::Once, PinPolicy::Always)
        );
        let public = key(&mut *store, Slot::Authentication);
        public.verify(b"prescription", &silent.unwrap()).unwrap();
    } else {
        assert_eq!(
            (before, refused, code(silent)),
            ("store-unsupported", "store-unsupported", "store-unsupported")
        );
    }
}

pub(crate) fn agreement_equals_the_other_sides<H: Harness>(harness: &mut H) {
    let mut store = harness.open().unwrap();
    let public = key(&mut *store, Slot::KeyManagement);
    with(&mut *store, &good_pin(), |keys| {
        for _ in 0..16 {
            let peer = SoftKey::generate().unwrap();
            let shared = keys.agree(Slot::KeyManagement, &peer.public())?;
            assert_eq!(shared, peer.agree(&public).unwrap());
        }
        Ok(())
    })
    .unwrap();
}

pub(crate) fn an_empty_slot_is_named<H: Harness>(harness: &mut H) {
    let Some(mut store) = harness.empty() else { return };
    assert!(store.info().unwrap().keys.iter().all(|slot| slot.public_key.is_none()));
    let peer = SoftKey::generate().unwrap().public();
    for slot in Slot::ALL {
        for error in [
            failed(with(&mut *store, &good_pin(), |keys| keys.public_key(slot))),
            failed(with(&mut *store, &good_pin(), |keys| keys.sign(slot, &[7; 32]))),
            failed(with(&mut *store, &good_pin(), |keys| keys.agree(slot, &peer))),
        ] {
            assert_eq!(error.code(), H::EMPTY, "{error}");
            assert!(error.to_string().contains(&slot.to_string()), "{error}");
        }
    }
}

pub(crate) fn a_wrong_pin_is_told_with_what_is_known_of_the_tries<H: Harness>(harness: &mut H) {
    let mut store = harness.open().unwrap();
    let told = store.capabilities().unwrap().tries;
    let before = store.info().unwrap().tries_left;
    assert_eq!(before, H::TRIES.filter(|_| told == TriesTold::Always));
    let mut worked = false;
    let error = failed(store.with_pin(&wrong_pin(), &mut |_| {
        worked = true;
        Ok(())
    }));
    assert!(!worked, "no key is given out for a wrong PIN");
    assert_eq!(error.code(), "pin-wrong");
    if told == TriesTold::Always {
        let left = before.unwrap() - 1;
        assert_eq!(error, CardError::WrongPin { tries_left: left });
        assert_eq!(store.info().unwrap().tries_left, Some(left));
    } else {
        assert_eq!(error.tries_left(), None);
    }
    store.with_pin(&good_pin(), &mut |_| Ok(())).unwrap();
    assert_eq!(
        store.info().unwrap().tries_left,
        before,
        "the right PIN brings the tries back"
    );
}

pub(crate) fn a_pin_is_blocked_when_it_should_be<H: Harness>(harness: &mut H) {
    let mut store = harness.open().unwrap();
    let Some(tries) = H::TRIES else {
        for _ in 0..12 {
            assert_eq!(code(store.with_pin(&wrong_pin(), &mut |_| Ok(()))), "pin-wrong");
        }
        return store.with_pin(&good_pin(), &mut |_| Ok(())).unwrap();
    };
    for left in (1..tries).rev() {
        let error = failed(store.with_pin(&wrong_pin(), &mut |_| Ok(())));
        assert_eq!((error.code(), error.tries_left()), ("pin-wrong", Some(left)));
    }
    let last = failed(store.with_pin(&wrong_pin(), &mut |_| Ok(())));
    assert_eq!((last.code(), last.tries_left()), ("pin-blocked", Some(0)));
    // Not even the right one any more, on any connection.
    assert_eq!(code(sign(&mut *store, Slot::Signature, b"late")), "pin-blocked");
    drop(store);
    let mut again = harness.open().unwrap();
    assert_eq!(again.info().unwrap().tries_left, Some(0));
    assert_eq!(code(sign(&mut *again, Slot::Signature, b"late")), "pin-blocked");
    if again.capabilities().unwrap().unblocks {
        harness.unblock(&mut *again).unwrap();
        sign(&mut *again, Slot::Signature, b"late").unwrap();
    }
}

pub(crate) fn two_jobs_follow_each_other<H: Harness>(harness: &mut H) {
    let mut store = harness.open().unwrap();
    let public = key(&mut *store, Slot::Signature);
    for message in [b"first", b"later"] {
        let signature = sign(&mut *store, Slot::Signature, message).unwrap();
        public.verify(message, &signature).unwrap();
    }
    // And the one of another connection.
    let mut other = harness.open().unwrap();
    let signature = sign(&mut *other, Slot::Signature, b"other").unwrap();
    public.verify(b"other", &signature).unwrap();
    sign(&mut *store, Slot::Signature, b"again").unwrap();
}

pub(crate) fn what_was_taken_away_is_missed_and_comes_back_as_promised<H: Harness>(harness: &mut H) {
    let mut store = harness.open().unwrap();
    let survives = store.capabilities().unwrap().survives_reconnect;
    let public = key(&mut *store, Slot::Signature);
    sign(&mut *store, Slot::Signature, b"before").unwrap();
    harness.remove();
    let missed = failed(sign(&mut *store, Slot::Signature, b"meanwhile"));
    let known = ["card-pulled", "hsm-token-missing", "key-file-missing"];
    assert!(known.contains(&missed.code()), "{missed} ({})", missed.code());
    harness.restore();
    let again = sign(&mut *store, Slot::Signature, b"after");
    if survives {
        public.verify(b"after", &again.unwrap()).unwrap();
    } else {
        assert_eq!(code(again), missed.code(), "another card may be in the reader now");
    }
    drop(store);
    let mut fresh = harness.open().unwrap();
    let signature = sign(&mut *fresh, Slot::Signature, b"fresh").unwrap();
    public.verify(b"fresh", &signature).unwrap();
}

pub(crate) fn capabilities_tell_the_truth_about_pins<H: Harness>(harness: &mut H) {
    let mut store = harness.open().unwrap();
    let promised = store.capabilities().unwrap();
    assert_eq!(promised, store.info().unwrap().capabilities);
    assert_eq!(promised.kind, store.kind());
    let new = Pin::new(b"271828").unwrap();
    let changed = store.change_pin(&good_pin(), &new);
    if promised.changes_pin {
        changed.unwrap();
        assert_eq!(code(store.with_pin(&good_pin(), &mut |_| Ok(()))), "pin-wrong");
        let simple = Pin::new(b"777777").unwrap();
        assert_eq!(code(store.change_pin(&new, &simple)), "pin-too-simple");
        assert_eq!(code(store.change_pin(&wrong_pin(), &good_pin())), "pin-wrong");
        store.change_pin(&new, &good_pin()).unwrap();
    } else {
        assert_eq!(code(changed), "store-unsupported");
    }
    if promised.unblocks {
        harness.unblock(&mut *store).unwrap();
    } else {
        assert_eq!(code(store.unblock_pin(b"00000000", &good_pin())), "store-unsupported");
    }
    sign(&mut *store, Slot::Signature, b"still there").unwrap();
}

pub(crate) fn capabilities_tell_the_truth_about_keys<H: Harness>(harness: &mut H) {
    let mut store = harness.open().unwrap();
    let promised = store.capabilities().unwrap();
    assert!(promised.signs && promised.agrees && !promised.touch);
    assert_eq!(promised.trial, promised.kind == StoreKind::Soft);
    // Creating is refused as such, or because the store is there already.
    let created = code(store.create(&good_pin()));
    assert_eq!(created == "store-unsupported", !promised.creates, "{created}");
    match store.evidence() {
        Ok(evidence) => {
            assert!(promised.attests);
            assert!(Slot::ALL.iter().all(|&slot| !evidence.leaf(slot).is_empty()) && !evidence.issuer.is_empty());
        }
        Err(error) => assert_eq!((error.code(), promised.attests), ("store-unsupported", false)),
    }
    let kept = key(&mut *store, Slot::Signature);
    let made = code(with(&mut *store, &good_pin(), |keys| keys.generate(Slot::Signature)));
    let expected = match promised.generates {
        KeyMaking::WithPin => "slot-filled",
        KeyMaking::ByPreparing | KeyMaking::Elsewhere => "store-unsupported",
    };
    assert_eq!(made, expected);
    assert_eq!(key(&mut *store, Slot::Signature), kept);
    if promised.generates == KeyMaking::WithPin {
        let mut empty = harness.empty().unwrap();
        let made = with(&mut *empty, &good_pin(), |keys| keys.generate(Slot::Signature)).unwrap();
        assert_eq!(key(&mut *empty, Slot::Signature), made);
        made.verify(b"new", &sign(&mut *empty, Slot::Signature, b"new").unwrap())
            .unwrap();
        assert!(
            empty.info().unwrap().key(Slot::KeyManagement).is_none(),
            "one key was asked for"
        );
    }
}
