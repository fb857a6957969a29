//! What waits, what was refused, what is written again.

use super::*;
use wardkey_core::id::{InstitutionId, PatientId};
use wardkey_core::key::{Signature, SoftKey};
use wardkey_core::record::{Author, RecordHeader};
use wardkey_core::typed::Domain;

const DEVICE: DeviceId = DeviceId([7; 32]);

fn write(n: u8, commitment: u8) -> NewWrite {
    let header = RecordHeader {
        record: RecordId([n; 32]),
        patient: PatientId([1; 32]),
        section: 17,
        epoch: 0,
        version: 1,
        institution: InstitutionId([2; 32]),
        device: DEVICE,
        time: u64::from(n),
        kind: "DocumentReference".into(),
    };
    let sealed = Sealed {
        enc: vec![4; 65],
        ct: vec![n; 1000],
    };
    let record = Record {
        header,
        sealed,
        author: Author::Signature {
            signature: Signature([1; 64]),
        },
    };
    NewWrite {
        commitment: Commitment([commitment; 32]),
        record,
        patient_name: "Mira Okonjo".into(),
        typed: Some(Draft::note("Nausea since yesterday")),
    }
}

fn vault(store: &Store) -> VaultKey {
    let domain = Domain {
        chain_id: 1,
        contract: [2; 20],
        salt: [3; 32],
    };
    store
        .new_vault(&domain, &DEVICE, &SoftKey::generate().unwrap().public())
        .unwrap()
}

fn due(store: &Store, device: DeviceId, limit: usize, bytes: usize) -> Vec<u8> {
    store
        .due(&device, limit, bytes, &HashSet::new())
        .unwrap()
        .iter()
        .map(|o| o.record.header.record.0[0])
        .collect()
}

#[test]
fn in_order_by_grant_in_bounds_and_only_the_authors_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), 0).unwrap();
    let vault = vault(&store);
    store
        .enqueue(&vault.vault(), vec![write(1, 1), write(2, 2), write(3, 1), write(4, 1)])
        .unwrap();
    assert_eq!(
        due(&store, DEVICE, 10, usize::MAX),
        [1, 3, 4],
        "one grant at a time, in order"
    );
    assert_eq!(due(&store, DEVICE, 2, usize::MAX), [1, 3]);
    assert_eq!(due(&store, DEVICE, 10, 1), [1], "a large record goes alone");
    assert!(due(&store, DeviceId([8; 32]), 10, usize::MAX).is_empty());
    let skip = HashSet::from([Commitment([1; 32])]);
    assert_eq!(
        store.due(&DEVICE, 10, usize::MAX, &skip).unwrap()[0]
            .record
            .header
            .record
            .0[0],
        2
    );
}

#[test]
fn a_crash_while_sending_leaves_it_waiting_and_what_was_sent_stays_sent() {
    let folder = tempfile::tempdir().unwrap();
    let opened = {
        let store = Store::open(folder.path(), 0).unwrap();
        let vault = vault(&store);
        let queued = store
            .enqueue(&vault.vault(), vec![write(1, 1), write(2, 1), write(3, 1)])
            .unwrap();
        store.settle(&queued[..1], OutboxState::Sent, "log line 1").unwrap();
        store.settle(&queued[1..2], OutboxState::Sending, "").unwrap();
        store.settle(&queued[2..], OutboxState::Refused, "no").unwrap();
        assert_eq!(store.typed.len(), 2, "what was typed goes with the acknowledgement");
        vault
    };
    let store = Store::open(folder.path(), 0).unwrap();
    assert_eq!(store.outbox_count().unwrap(), OutboxCount { waiting: 1, failed: 1 });
    assert_eq!(due(&store, DEVICE, 10, usize::MAX), [2]);
    let rows = store.outbox_rows(Some(&opened)).unwrap();
    assert_eq!(
        rows.iter().map(|r| r.state).collect::<Vec<_>>(),
        [OutboxState::Refused, OutboxState::Waiting, OutboxState::Sent]
    );
    assert!(rows.iter().all(|r| r.patient == "Mira Okonjo"));
    assert!(
        store.outbox_rows(None).unwrap().iter().all(|r| r.patient.is_empty()),
        "names for their author alone"
    );
    store.retry_refused(&DEVICE).unwrap();
    assert_eq!(due(&store, DEVICE, 10, usize::MAX), [2, 3]);
    assert_eq!(store.bodies.len(), 2, "the ciphertext of what was acknowledged is gone");
}

#[test]
fn writing_drops_its_own_kind_of_draft_in_the_same_step() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), 0).unwrap();
    let owner = vault(&store);
    let grant = Commitment([1; 32]);
    let both = Draft {
        fields: [("dose".to_owned(), "1 tablet".to_owned())].into(),
        ..Draft::note("Nausea since yesterday")
    };
    store.save_draft(&owner.vault(), &grant, &both).unwrap();
    store.enqueue(&owner.vault(), vec![write(1, 1)]).unwrap();
    let left = store.draft(&owner, &grant).unwrap().unwrap();
    assert_eq!((left.text.as_str(), left.fields), ("", both.fields));
}

#[test]
fn a_refused_write_is_read_by_its_author_alone_and_written_again_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), 0).unwrap();
    let (owner, grant) = (vault(&store), Commitment([1; 32]));
    let queued = store.enqueue(&owner.vault(), vec![write(1, 1), write(2, 1)]).unwrap();
    let record = RecordId([1; 32]);
    assert_eq!(store.write_again(&owner, &record), Err(StoreError::NotRefused));
    store.settle(&queued[..1], OutboxState::Refused, "no").unwrap();
    let typed = |owner| {
        let rows = store.outbox_rows(owner).unwrap();
        rows.into_iter().map(|r| r.typed).collect::<Vec<_>>()
    };
    assert_eq!(typed(None), [None, None]);
    assert_eq!(
        typed(Some(&owner)),
        [None, Some(Draft::note("Nausea since yesterday"))],
        "of the refused one"
    );
    store.save_draft(&owner.vault(), &grant, &Draft::note("Other")).unwrap();
    assert_eq!(store.write_again(&owner, &record), Err(StoreError::DraftInTheWay));
    assert_eq!(store.draft(&owner, &grant).unwrap().unwrap().text, "Other");
    store.save_draft(&owner.vault(), &grant, &Draft::note("")).unwrap();
    store.write_again(&owner, &record).unwrap();
    let draft = store.draft(&owner, &grant).unwrap().unwrap();
    assert_eq!(draft.text, "Nausea since yesterday");
    assert_eq!(store.outbox_count().unwrap(), OutboxCount { waiting: 1, failed: 0 });
    assert_eq!((store.bodies.len(), store.typed.len()), (1, 1));
    assert_eq!(store.write_again(&owner, &record), Err(StoreError::NotRefused));
}

#[test]
fn a_full_disk_queues_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let vault = {
        let store = Store::open(folder.path(), 0).unwrap();
        vault(&store)
    };
    let store = Store::open(folder.path(), u64::MAX).unwrap();
    assert_eq!(
        store.enqueue(&vault.vault(), vec![write(1, 1)]).err(),
        Some(StoreError::DiskFull)
    );
    assert_eq!(store.outbox_count().unwrap(), OutboxCount::default());
    assert_eq!(
        store.save_draft(&vault.vault(), &Commitment([1; 32]), &Draft::note("x")),
        Err(StoreError::DiskFull)
    );
}
