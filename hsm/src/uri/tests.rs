use super::*;
use proptest::option::of;
use proptest::prelude::*;
use wardkey_core::fault::Coded as _;

fn read(text: &str) -> Result<KeyUri, UriError> {
    text.parse()
}

#[test]
fn the_examples_of_the_documentation_are_read() {
    for text in [
        "piv:",
        "piv:serial=12345678",
        "piv:serial=12345678;slot=9c",
        "pkcs11:token=Hospital;object=master?module-path=/usr/lib/softhsm/libsofthsm2.so",
        "pkcs11:token=Our%20HSM;serial=4711;object=master;id=%02?x-wardkey-kdf=null&x-wardkey-ids=0a,0b,0c",
        "soft:/srv/wardkey/master.keys",
        "soft:master.keys",
    ] {
        let uri = read(text);
        assert_eq!(uri.as_ref().map(ToString::to_string).as_deref(), Ok(text), "{uri:?}");
    }
    // Written otherwise, meant the same.
    assert_eq!(read("PIV:slot=9C;serial=1"), read("piv:serial=1;slot=9c"));
    assert_eq!(
        read("pkcs11:library-version=2;type=private;id=%02"),
        read("pkcs11:library-version=2.0;id=%02")
    );
}

#[test]
fn a_pin_in_a_name_is_refused_with_the_reason() {
    for text in [
        "pkcs11:token=t?pin-value=1234",
        "pkcs11:token=t?module-path=/m&pin-source=file:/etc/pin",
        "pkcs11:token=t;pin-value=1234",
    ] {
        let error = read(text).err();
        assert!(matches!(error, Some(UriError::Pin { .. })), "{text}: {error:?}");
        let text = error
            .map(|error| format!("{error} {}", error.action()))
            .unwrap_or_default();
        assert!(text.contains("PIN window") && !text.contains("1234"), "{text}");
    }
}

#[test]
fn mistakes_are_named() {
    for (text, part) in [
        ("", "not named by"),
        ("yubikey", "not named by"),
        ("https://hospital.example", "not named by"),
        ("piv:serial", "no name=value"),
        ("piv:serial=", "empty"),
        ("piv:serial=1;serial=2", "twice"),
        ("piv:slot=9e", "9a, 9c and 9d"),
        ("piv:reader=x", "does not know"),
        ("pkcs11:tokn=x", "does not know"),
        ("pkcs11:token=a;;object=b", "no name=value"),
        ("pkcs11:token=%zz", "two hex digits"),
        ("pkcs11:token=a%4", "two hex digits"),
        ("pkcs11:token=%ff", "UTF-8"),
        ("pkcs11:token=a%00b", "control"),
        ("pkcs11:slot-id=+1", "no number"),
        ("pkcs11:type=cert", "private"),
        ("pkcs11:?module-name=softhsm2", "does not know"),
        ("pkcs11:?x-wardkey-kdf=md5", "null or sha256"),
        ("pkcs11:?x-wardkey-ids=01,02", "three"),
        ("pkcs11:?x-wardkey-ids=01,02,02", "different"),
        ("soft:", "empty"),
        ("soft:a?b=c", "%3F"),
    ] {
        let error = read(text).err();
        assert!(
            error.as_ref().is_some_and(|error| error.to_string().contains(part)),
            "{text}: {error:?}"
        );
    }
    assert_eq!(read(&format!("soft:{}", "x".repeat(5000))), Err(UriError::TooLong));
}

#[test]
fn every_mistake_says_what_to_do_and_stands_in_the_documentation() {
    let table = include_str!("../../../docs/errors.md");
    for text in [
        "x",
        "piv:serial",
        "piv:reader=x",
        "piv:slot=9a;slot=9a",
        "soft:",
        "pkcs11:?pin-value=1",
    ] {
        let Err(error) = read(text) else { panic!("{text}") };
        assert!(
            error.action().ends_with('.') && !error.to_string().ends_with('.'),
            "{error:?}"
        );
        assert!(table.contains(&format!("| `{}` |", error.code())), "{}", error.code());
    }
}

#[test]
fn relative_paths_are_taken_from_the_settings_folder() {
    let resolved = |text: &str| read(text).map(|uri| uri.resolved(Path::new("/etc/wardkey")).to_string());
    assert_eq!(
        resolved("soft:master.keys").as_deref(),
        Ok("soft:/etc/wardkey/master.keys")
    );
    assert_eq!(resolved("soft:/srv/keys").as_deref(), Ok("soft:/srv/keys"));
    assert_eq!(
        resolved("pkcs11:token=t?module-path=hsm.so").as_deref(),
        Ok("pkcs11:token=t?module-path=/etc/wardkey/hsm.so")
    );
}

#[test]
fn one_id_names_one_key() {
    let all = Pkcs11Uri::default();
    assert_eq!(
        Slot::ALL.map(|slot| all.id_of(slot)),
        [Some(vec![1]), Some(vec![2]), Some(vec![3])]
    );
    let one = Pkcs11Uri {
        id: Some(vec![2]),
        ..all
    };
    assert_eq!(Slot::ALL.map(|slot| one.id_of(slot)), [None, Some(vec![2]), None]);
}

use crate::Slot;

/// Texts as makers write them, and worse.
fn label() -> impl Strategy<Value = String> {
    "[ -~äß語;=&?%/]{1,20}"
}

fn pkcs11() -> impl Strategy<Value = KeyUri> {
    let token = (of(label()), of(label()), of(label()), of(label()));
    let slot = (of(label()), of(label()), of(any::<u64>()));
    let library = (of(label()), of(label()), of(any::<(u8, u8)>()));
    let id = proptest::collection::vec(any::<u8>(), 1..9);
    let ids = Just([vec![1, 2], vec![3], vec![0xff; 8]]);
    let keys = (of(label()), of(id), of(label()), of(ids), of(any::<bool>()));
    (token, slot, library, keys).prop_map(|(token, slot, library, keys)| {
        KeyUri::Pkcs11(Box::new(Pkcs11Uri {
            token: token.0,
            manufacturer: token.1,
            serial: token.2,
            model: token.3,
            slot_description: slot.0,
            slot_manufacturer: slot.1,
            slot_id: slot.2,
            library_description: library.0,
            library_manufacturer: library.1,
            library_version: library.2,
            object: keys.0,
            id: keys.1,
            module_path: keys.2.map(Into::into),
            ids: keys.3,
            kdf: keys.4.map(|null| if null { Kdf::Null } else { Kdf::Sha256 }),
        }))
    })
}

fn piv() -> impl Strategy<Value = KeyUri> {
    let slot = prop_oneof![
        Just(Slot::Authentication),
        Just(Slot::Signature),
        Just(Slot::KeyManagement)
    ];
    (of(label()), of(slot)).prop_map(|(serial, slot)| KeyUri::Piv(PivUri { serial, slot }))
}

fn soft() -> impl Strategy<Value = KeyUri> {
    label().prop_map(|path| KeyUri::Soft(SoftUri { path: path.into() }))
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(uri in prop_oneof![pkcs11(), piv(), soft()]) {
        let text = uri.to_string();
        prop_assert!(text.is_ascii());
        let json = serde_json::to_string(&uri).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(serde_json::from_str::<KeyUri>(&json).ok(), Some(uri.clone()));
        prop_assert_eq!(read(&text), Ok(uri));
    }

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,60}") {
        let _ = read(&text);
    }

    #[test]
    fn any_text_after_a_scheme_is_read_without_panic(
        scheme in prop_oneof![Just("piv:"), Just("pkcs11:"), Just("soft:")],
        rest in "[a-z0-9=;&?%,:/.\u{0}-\u{1f}é-]{0,60}",
    ) {
        // What is read at all is written the same way ever after.
        if let Ok(uri) = read(&format!("{scheme}{rest}")) {
            prop_assert_eq!(read(&uri.to_string()), Ok(uri));
        }
    }

    #[test]
    fn any_bytes_of_an_attribute_are_read_without_panic(
        name in prop_oneof![Just("token"), Just("id"), Just("slot-id"), Just("library-version"), Just("type")],
        value in "\\PC{0,30}",
    ) {
        let _ = read(&format!("pkcs11:{name}={value}"));
        let _ = read(&format!("pkcs11:?x-wardkey-ids={value}"));
    }
}
