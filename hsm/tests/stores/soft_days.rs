//! Bad days of a key file.

use super::contract::Harness as _;
use super::soft::KeyFile;
use super::*;
use std::path::Path;
use std::process::Command;
use wardkey_hsm::soft::SoftStore;

fn damage(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

fn must_be_damaged(path: &Path, what: &str) {
    let mut store = SoftStore::at(path.to_owned());
    let error = failed(store.info());
    assert_eq!(error.code(), "key-file-damaged", "{what}: {error}");
    assert!(error.to_string().contains("master.keys"), "{error}");
    assert_eq!(
        code(store.with_pin(&good_pin(), &mut |_| Ok(()))),
        "key-file-damaged",
        "{what}"
    );
    assert_eq!(
        code(store.change_pin(&good_pin(), &wrong_pin())),
        "key-file-damaged",
        "{what}"
    );
}

#[test]
fn a_file_that_ends_at_any_byte_is_damaged_and_never_half_believed() {
    let file = KeyFile::new();
    let whole = std::fs::read(file.path()).unwrap();
    for length in 0..whole.len() {
        damage(&file.path(), &whole[..length]);
        must_be_damaged(&file.path(), &format!("{length} bytes"));
    }
    damage(&file.path(), &[&whole[..], b"\n"].concat());
    must_be_damaged(&file.path(), "a line too many");
    // A copy of the whole brings the keys back.
    damage(&file.path(), &whole);
    sign(&mut *file.open().unwrap(), Slot::Signature, b"restored").unwrap();
}

#[test]
fn a_file_with_any_byte_altered_is_damaged() {
    let file = KeyFile::new();
    let whole = std::fs::read(file.path()).unwrap();
    for place in 0..whole.len() {
        for mask in [0x01, 0x20, 0x80] {
            let mut bytes = whole.clone();
            bytes[place] ^= mask;
            damage(&file.path(), &bytes);
            must_be_damaged(&file.path(), &format!("byte {place} ^ {mask}"));
        }
    }
    for other in [&b"{}\n"[..], b"\xff\xfe", &[b'x'; 100_000]] {
        damage(&file.path(), other);
        must_be_damaged(&file.path(), "another file");
    }
}

#[test]
fn a_swapped_public_key_is_not_believed_even_with_a_fitting_sum() {
    let (file, other) = (KeyFile::new(), KeyFile::new());
    let [ours, theirs] = [&file, &other].map(|file| key(&mut *file.open().unwrap(), Slot::Signature).to_string());
    let text = std::fs::read_to_string(file.path()).unwrap().replace(&ours, &theirs);
    let line = text.lines().next().unwrap();
    let sum = hex::encode(sha256(&[line.as_bytes()]));
    damage(&file.path(), format!("{line}\n{sum}\n").as_bytes());
    // It opens for nobody: the seal covers the public keys.
    assert_eq!(
        code(sign(&mut *file.open().unwrap(), Slot::Signature, b"x")),
        "pin-wrong"
    );
}

#[test]
fn a_try_is_on_the_disk_before_it_is_judged() {
    let file = KeyFile::new();
    let before = std::fs::read(file.path()).unwrap();
    // In place of the file that a write makes there is a folder: no try can be counted, so none is judged.
    let blocked = file.path().with_extension("keys.new");
    std::fs::create_dir(&blocked).unwrap();
    let mut store = file.open().unwrap();
    let mut worked = false;
    for pin in [good_pin(), wrong_pin()] {
        let outcome = store.with_pin(&pin, &mut |_| {
            worked = true;
            Ok(())
        });
        assert_eq!(code(outcome), "key-file-unusable");
    }
    assert!(!worked);
    assert_eq!(std::fs::read(file.path()).unwrap(), before);
    std::fs::remove_dir(&blocked).unwrap();
    // What a crash left of a write is no harm.
    std::fs::write(&blocked, b"half a fi").unwrap();
    sign(&mut *store, Slot::Signature, b"x").unwrap();
}

#[test]
fn a_read_only_file_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mount = |arguments: &[&str]| {
        let status = Command::new("mount").args(arguments).arg(folder.path()).status();
        status.is_ok_and(|status| status.success())
    };
    if !mount(&["-t", "tmpfs", "tmpfs"]) {
        eprintln!("not run: mounting a disk needs root");
        return;
    }
    let path = folder.path().join("master.keys");
    let mut store = SoftStore::at(path.clone());
    store.create(&good_pin()).unwrap();
    with(&mut store, &good_pin(), |keys| keys.generate(Slot::Signature)).unwrap();
    assert!(mount(&["-o", "remount,ro"]));
    let seen = [
        store.info().map(|info| info.keys.len()).ok(),
        store.with_pin(&good_pin(), &mut |_| Ok(())).err().map(|_| 0),
    ];
    let error = failed(store.with_pin(&wrong_pin(), &mut |_| Ok(())));
    let created = code(SoftStore::at(folder.path().join("other.keys")).create(&good_pin()));
    assert!(Command::new("umount").arg(folder.path()).status().unwrap().success());
    assert_eq!(seen, [Some(3), Some(0)], "read, but not used");
    assert_eq!(
        (error.code(), created),
        ("key-file-unusable", "key-file-unusable"),
        "{error}"
    );
}

#[test]
fn two_programs_never_count_one_try_twice() {
    let file = KeyFile::new();
    let path = file.path();
    std::thread::scope(|scope| {
        let tries: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| failed(SoftStore::at(path.clone()).with_pin(&wrong_pin(), &mut |_| Ok(())))))
            .collect();
        let mut left: Vec<_> = tries.into_iter().map(|one| one.join().unwrap().tries_left()).collect();
        left.sort_unstable();
        assert_eq!(left, [Some(2), Some(3), Some(4)]);
    });
    assert_eq!(file.open().unwrap().info().unwrap().tries_left, Some(2));
}

#[test]
fn a_key_file_is_its_owners_and_never_overwritten() {
    let file = KeyFile::new();
    let before = std::fs::read(file.path()).unwrap();
    assert_eq!(code(SoftStore::at(file.path()).create(&good_pin())), "key-file-exists");
    for (pin, refused) in [(&b"123456"[..], "pin-default"), (b"111111", "pin-too-simple")] {
        let mut other = SoftStore::at(file.path().with_extension("other"));
        assert_eq!(code(other.create(&Pin::new(pin).unwrap())), refused);
        assert_eq!(code(other.with_pin(&good_pin(), &mut |_| Ok(()))), "key-file-missing");
        assert!(other.info().unwrap().keys.iter().all(|slot| slot.public_key.is_none()));
    }
    assert_eq!(std::fs::read(file.path()).unwrap(), before);
    let missing = file.path().join("no-folder/master.keys");
    assert_eq!(code(SoftStore::at(missing).create(&good_pin())), "key-file-unusable");
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        assert_eq!(std::fs::metadata(file.path()).unwrap().mode() & 0o777, 0o600);
    }
}
