//! What every data store must keep to: each clause is held against SQLite and against PostgreSQL.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::path::Path;
use std::sync::Arc;
use support::{ALLERGIES, Place, Scene, done, postgres, store_at};
use tempfile::TempDir;
use wardkey_core::fault::Coded as _;
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{DeviceId, Digest, InstitutionId};
use wardkey_core::key::SoftKey;
use wardkey_core::typed::Domain;
use wardkey_core::unblock::UnblockRequest;
use wardkey_gateway::Settings;
use wardkey_gateway::log::Scribe;
use wardkey_gateway::state::open_store;
use wardkey_gateway::store::shared::Item;
use wardkey_gateway::store::{Note, Outcome, Store, StoreError};

/// A store that can be closed and opened again.
struct Kept {
    folder: TempDir,
    settings: Settings,
    scribe: Arc<Scribe>,
}

impl Kept {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let domain = Domain {
            chain_id: 1,
            contract: [2; 20],
            salt: [3; 32],
        };
        Self {
            settings: Settings {
                data: folder.path().to_owned(),
                ..Settings::parse(text).unwrap()
            },
            folder,
            scribe: Arc::new(Scribe::new(domain, &SoftKey::generate().unwrap()).unwrap()),
        }
    }

    fn both() -> [Self; 2] {
        [
            Self::new(""),
            Self::new(&store_at(&postgres::common_url(&postgres::database()))),
        ]
    }

    fn open(&self) -> Box<dyn Store> {
        open_store(&self.settings, &self.scribe).unwrap()
    }
}

#[test]
fn what_was_kept_is_there_after_it_is_opened_again() {
    for kept in Kept::both() {
        let store = kept.open();
        let (name, device) = (Digest([1; 32]), DeviceId([2; 32]));
        let outcome = Outcome {
            tx: Digest([3; 32]),
            block: 4,
            gas: 5,
            digest: Digest([6; 32]),
        };
        let note = Note {
            time: 7,
            text: "lost – ünïcode 'quoted'".to_owned(),
        };
        assert_eq!(store.outcome(&name).unwrap(), None);
        store.put_outcome(&name, &outcome).unwrap();
        store.put_outcome(&name, &outcome).unwrap();
        store.put_note(&device, &note).unwrap();
        drop(store);
        let store = kept.open();
        assert_eq!(store.outcome(&name).unwrap(), Some(outcome));
        assert_eq!(store.note(&device).unwrap(), Some(note));
        assert_eq!(store.log_head().unwrap().0, 0);
    }
}

#[test]
fn a_nonce_counts_once_and_none_counts_that_may_be_forgotten() {
    for kept in Kept::both() {
        let store = kept.open();
        let now = support::system_now();
        let take = |n: u8, created: u64| store.take_nonce(&Digest([n; 32]), created).unwrap();
        assert_eq!(
            [take(1, now), take(1, now), take(2, now), take(1, now + 9)],
            [true, false, true, false]
        );
        store.sweep(now).unwrap();
        assert_eq!([take(1, now), take(3, now - 3600), take(4, now)], [false, false, true]);
        drop(store);
        assert!(!kept.open().take_nonce(&Digest([4; 32]), now).unwrap());
    }
}

#[test]
fn counts_are_apart_for_each_payee_and_hour_and_outlive_a_restart() {
    for kept in Kept::both() {
        let store = kept.open();
        let count =
            |store: &dyn Store, n: u8, hour: u64, limit: u32| store.count(&Digest([n; 32]), hour, limit).unwrap();
        assert_eq!(
            [
                count(&*store, 1, 1, 2),
                count(&*store, 1, 1, 2),
                count(&*store, 1, 1, 2)
            ],
            [true, true, false]
        );
        assert!(count(&*store, 2, 1, 2) && count(&*store, 1, 2, 2) && !count(&*store, 3, 1, 0));
        drop(store);
        assert!(!count(&*kept.open(), 1, 1, 2));
    }
}

#[test]
fn unblock_requests_are_found_by_id_and_words_and_end() {
    for kept in Kept::both() {
        let store = kept.open();
        let request = UnblockRequest {
            institution: InstitutionId([1; 32]),
            device: DeviceId([2; 32]),
            card: "30112233".to_owned(),
            terminal: "Ward 3".to_owned(),
            key: SoftKey::generate().unwrap().public(),
            time: 100,
        };
        let (id, sealed) = (request.digest(), |n: u8| Sealed {
            enc: vec![n; 65],
            ct: vec![n; 24],
        });
        let start: [u8; 8] = id.0[..8].try_into().unwrap();
        assert!(!store.answer_unblock(&id, &sealed(1), 100).unwrap(), "nobody asked");
        assert!(store.put_unblock(&request, 1000, 100).unwrap() && store.put_unblock(&request, 2000, 100).unwrap());
        assert!(store.unblock(&id, 100).unwrap().unwrap().answer.is_none());
        assert!(store.answer_unblock(&id, &sealed(1), 200).unwrap());
        assert!(store.answer_unblock(&id, &sealed(2), 201).unwrap(), "it was asked");
        let found = store.unblock_named(&start, 999).unwrap().unwrap();
        assert_eq!(
            (found.request.digest(), found.answer),
            (id, Some(sealed(1))),
            "the first answer stays"
        );
        assert!(store.unblock(&id, 1000).unwrap().is_none() && store.unblock_named(&[0; 8], 1).unwrap().is_none());
    }
}

#[test]
fn news_rise_are_told_once_and_the_newest_stays() {
    for kept in Kept::both() {
        let store = kept.open();
        let (one, two) = (InstitutionId([1; 32]), InstitutionId([2; 32]));
        let item = |institution: InstitutionId, origin: Option<u8>| Item {
            institution,
            origin: origin.map(|n| Digest([n; 32])),
            kind: "device",
            data: "{}".to_owned(),
        };
        assert_eq!(store.news_span().unwrap(), (0, 0));
        store
            .tell(vec![item(one, Some(1)), item(two, None), item(one, None)], 10)
            .unwrap();
        store.tell(vec![item(one, Some(1)), item(one, Some(2))], 5000).unwrap();
        let all = store.news(None, 0, 100).unwrap();
        assert_eq!(
            all.iter().map(|told| told.institution).collect::<Vec<_>>(),
            [one, two, one, one]
        );
        assert!(all.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert_eq!(store.news(Some(&one), all[0].id, 1).unwrap(), [all[2].clone()]);
        store.sweep(support::system_now() + 10_000).unwrap();
        let newest = all[3].id;
        assert_eq!(store.news_span().unwrap(), (newest, newest));
        store.tell(vec![item(two, None)], 6000).unwrap();
        assert!(store.news_span().unwrap().1 > newest);
    }
}

#[test]
fn a_lease_has_one_holder() {
    for kept in Kept::both() {
        let store = kept.open();
        let now = support::system_now();
        let take = |n: u8, now: u64| store.lease("checkpoint", &Digest([n; 32]), 100, now).unwrap();
        assert_eq!(
            [take(1, now), take(2, now), take(1, now + 1), take(2, now + 2)],
            [true, false, true, false]
        );
    }
}

#[test]
fn a_store_of_a_newer_program_or_another_network_is_refused() {
    let [sqlite, on_postgres] = Kept::both();
    drop((sqlite.open(), on_postgres.open()));
    let refusal = |kept: &Kept, scribe: &Arc<Scribe>| open_store(&kept.settings, scribe).err().unwrap().code();
    for kept in [&sqlite, &on_postgres] {
        let other = Kept::new("");
        assert_eq!(refusal(kept, &other.scribe), "store-foreign");
    }
    let file = rusqlite::Connection::open(sqlite.folder.path().join("store.sqlite")).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    assert_eq!(refusal(&sqlite, &sqlite.scribe), "store-newer");
    let database = on_postgres.settings.store.url.clone().unwrap();
    let database = database.split("dbname=").nth(1).unwrap().split(' ').next().unwrap();
    postgres::sql_at(&postgres::common(), database, "UPDATE schema_version SET version = 99");
    assert_eq!(refusal(&on_postgres, &on_postgres.scribe), "store-newer");
}

#[test]
fn a_server_that_may_lose_what_it_confirmed_is_refused_unless_that_is_accepted() {
    let database = postgres::database();
    let off = format!("ALTER DATABASE {database} SET synchronous_commit = off");
    postgres::sql_at(&postgres::common(), "postgres", &off);
    let settings = store_at(&postgres::common_url(&database));
    let strict = Kept::new(&settings);
    let refusal = open_store(&strict.settings, &strict.scribe).err().unwrap();
    assert_eq!(refusal.code(), StoreError::NotDurable("").code());
    Kept::new(&format!("{settings}accept_loss = true\n")).open();
}

/// The tables of a file of today's schema in a file of the schema of the first release.
fn as_first_released(file: &Path) {
    let old = file.with_extension("old");
    let store = rusqlite::Connection::open(&old).unwrap();
    store
        .execute_batch(include_str!("../src/store/sqlite/steps/0002.sql"))
        .unwrap();
    store.execute("ATTACH ?1 AS new", [file.to_string_lossy()]).unwrap();
    let mut tables = store
        .prepare("SELECT name FROM main.sqlite_master WHERE type = 'table'")
        .unwrap();
    let names: Vec<String> = tables
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    drop(tables);
    assert_eq!(names.len(), 17, "{names:?}");
    for name in names {
        store
            .execute_batch(&format!("INSERT INTO main.{name} SELECT * FROM new.{name}"))
            .unwrap();
    }
    store.execute_batch("DETACH new; PRAGMA user_version = 2").unwrap();
    drop(store);
    for end in ["sqlite", "sqlite-wal", "sqlite-shm"] {
        let _perhaps_none = std::fs::remove_file(file.with_extension(end));
    }
    std::fs::rename(old, file).unwrap();
}

#[tokio::test]
async fn a_file_of_the_first_release_is_brought_up_to_date_with_all_that_is_in_it() {
    let scene = Scene::set().await;
    done(&scene.write(&[scene.record(ALLERGIES, "penicillin")]).await);
    let scene = scene.restarted(|data| as_first_released(&data.join("store.sqlite")));
    let read = done(&scene.read("2").await);
    assert_eq!(read["records"].as_array().unwrap().len(), 1);
    assert!(
        scene.stage.gateway.store.count(&Digest([1; 32]), 1, 1).unwrap(),
        "the new tables are there"
    );
}

#[tokio::test]
async fn a_database_of_the_first_release_is_brought_up_to_date_with_all_that_is_in_it() {
    let database = postgres::database();
    let settings = store_at(&postgres::common_url(&database));
    let scene = Scene::in_place(Place::with(&settings)).await;
    done(&scene.write(&[scene.record(ALLERGIES, "penicillin")]).await);
    let later =
        "DROP TABLE blobs, nonces, marks, counts, unblocks, news, leases; UPDATE schema_version SET version = 2";
    postgres::sql_at(&postgres::common(), &database, later);
    let stage = support::open_beside(&scene.place, &settings, 0);
    stage.gateway.look().unwrap();
    let read = done(&stage.signed(scene.session.signer(), scene.ask_read("2")).await.unwrap());
    assert_eq!(read["records"].as_array().unwrap().len(), 1);
}
