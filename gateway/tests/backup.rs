//! Backup, check and restore, from SQLite to PostgreSQL and back.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;
use std::path::Path;
use support::{ALLERGIES, Place, Scene, done, open, postgres, store_at};
use tempfile::TempDir;
use wardkey_core::fault::Fault;
use wardkey_gateway::bench::stage::Stage;
use wardkey_gateway::store::sql::Manifest;
use wardkey_gateway::{Clock, Settings, backup};

fn settings(data: &Path, text: &str) -> Settings {
    Settings {
        data: data.to_owned(),
        ..Settings::parse(text).unwrap()
    }
}

fn make(data: &Path, text: &str, to: &Path) -> Manifest {
    backup::make(&settings(data, text), to, &mut |_, _| {}).unwrap()
}

/// A new data folder with the keys of another one, and what was restored into it.
fn restored(keys_of: &Path, text: &str, from: &Path) -> Result<(TempDir, Manifest), Fault> {
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(keys_of).unwrap().map(Result::unwrap) {
        let name = file.file_name().into_string().unwrap();
        if name.ends_with(".key") || name == "salt" {
            fs::copy(file.path(), folder.path().join(&name)).unwrap();
        }
    }
    let manifest = backup::take_in(&settings(folder.path(), text), from, Clock::system().shared())?;
    Ok((folder, manifest))
}

async fn reads_the_same(scene: &Scene, at: &Stage, records: usize) {
    at.gateway.look().unwrap();
    // Sessions are not in a backup: the doctor signs in again.
    let session = scene.doctor.sign_in(at).await.unwrap();
    let read = done(&at.signed(session.signer(), scene.ask_read("2")).await.unwrap());
    let there = read["records"].as_array().unwrap();
    assert_eq!(there.len(), records);
    let before = done(&scene.read("2").await);
    assert_eq!(&there[..], &before["records"].as_array().unwrap()[..records]);
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_under_load_it_is_one_state_and_goes_from_one_database_to_the_other_and_back() {
    let scene = Scene::set().await;
    for n in 0..20 {
        done(&scene.write(&[scene.record(ALLERGIES, &format!("before {n}"))]).await);
    }
    let (data, made) = (scene.place.folder.path().to_owned(), tempfile::tempdir().unwrap());
    let (first, second) = (made.path().join("first"), made.path().join("second"));
    let making = tokio::task::spawn_blocking({
        let (data, first) = (data.clone(), first.clone());
        move || make(&data, "", &first)
    });
    let mut meanwhile = 0;
    while !making.is_finished() || meanwhile < 5 {
        done(
            &scene
                .write(&[scene.record(ALLERGIES, &format!("meanwhile {meanwhile}"))])
                .await,
        );
        meanwhile += 1;
    }
    let manifest = making.await.unwrap();
    let records = usize::try_from(manifest.rows["records"]).unwrap();
    assert!((20..=20 + meanwhile).contains(&records));
    assert_eq!(manifest.rows["log"], manifest.size);
    assert_eq!(
        scene.stage.gateway.store.log_root(manifest.size).unwrap(),
        manifest.root
    );
    assert_eq!(backup::verify(&first).unwrap(), manifest);

    let on_postgres = store_at(&postgres::common_url(&postgres::database()));
    let (folder, _) = restored(&data, &on_postgres, &first).unwrap();
    let (stage, _wire) = open(folder.path(), &on_postgres, Default::default());
    assert_eq!(stage.gateway.store.log_head().unwrap(), (manifest.size, manifest.root));
    let again = make(folder.path(), &on_postgres, &second);
    assert_eq!(
        (again.sha256, &again.rows),
        (manifest.sha256, &manifest.rows),
        "the same bytes from PostgreSQL"
    );
    reads_the_same(&scene, &stage, records).await;

    let (folder, _) = restored(&data, "", &second).unwrap();
    let (stage, _wire) = open(folder.path(), "", Default::default());
    reads_the_same(&scene, &stage, records).await;
    let taken = backup::take_in(&settings(folder.path(), ""), &second, Clock::system().shared());
    assert_eq!(taken.unwrap_err().code, "backup-not-empty");
}

#[tokio::test]
async fn a_damaged_one_is_refused_and_nothing_is_taken_in() {
    let scene = Scene::set().await;
    done(&scene.write(&[scene.record(ALLERGIES, "penicillin")]).await);
    let (data, made) = (scene.place.folder.path(), tempfile::tempdir().unwrap());
    let folder = made.path().join("backup");
    make(data, "", &folder);
    let rows = folder.join("store.jsonl");
    let whole = fs::read_to_string(&rows).unwrap();
    let line = |start: &str| whole.lines().find(|line| line.starts_with(start)).unwrap().to_owned();
    let (log, record) = (line("[\"log\""), line("[\"records\""));
    let without = |line: &str| whole.replace(&format!("{line}\n"), "");
    // Another digit after a word in the record's line: in a column, and in the ciphertext.
    let altered_after = |word: &str| {
        let at = record.find(word).unwrap() + word.len();
        let other = if record[at..].starts_with('0') { "1" } else { "0" };
        whole.replace(&record, &format!("{}{other}{}", &record[..at], &record[at + 1..]))
    };
    let damages = [
        altered_after("\"x"),
        altered_after(r#"\"ct\":\""#),
        without(&log),
        without(&record),
        format!("{whole}{record}\n"),
        whole[..whole.len() - 10].to_owned(),
        String::new(),
    ];
    for (n, damaged) in damages.iter().enumerate() {
        fs::write(&rows, damaged).unwrap();
        assert_eq!(backup::verify(&folder).unwrap_err().code, "backup-damaged", "{n}");
        assert_eq!(restored(data, "", &folder).unwrap_err().code, "backup-damaged", "{n}");
    }
    fs::write(&rows, &whole).unwrap();
    restored(data, "", &folder).unwrap();
    // Another network's keys.
    let other = Place::new();
    assert_eq!(
        restored(other.folder.path(), "", &folder).unwrap_err().code,
        "chain-other-genesis"
    );
}

#[tokio::test]
async fn a_log_shorter_than_its_checkpoint_on_the_chain_is_told() {
    let scene = Scene::set().await;
    done(&scene.write(&[scene.record(ALLERGIES, "one")]).await);
    let (data, made) = (scene.place.folder.path(), tempfile::tempdir().unwrap());
    let (old, new) = (made.path().join("old"), made.path().join("new"));
    make(data, "", &old);
    done(&scene.write(&[scene.record(ALLERGIES, "two")]).await);
    scene.stage.gateway.publish_checkpoint().unwrap().unwrap();
    make(data, "", &new);
    fs::copy(new.join("ledger.sqlite"), old.join("ledger.sqlite")).unwrap();
    assert_eq!(restored(data, "", &old).unwrap_err().code, "backup-shorter");
    restored(data, "", &new).unwrap();
}
