//! A SQLite file that may not grow any more. What a real disk does is in `full_disk.rs`.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use support::{ALLERGIES, Place, Scene, done, refused};

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_is_half_written() {
    let scene = Scene::in_place(Place::with("[store]\nmax_megabytes = 2")).await;
    let mut kept = 0;
    let full = loop {
        let reply = scene
            .write(&[scene.record(ALLERGIES, &"x".repeat(100_000)), scene.record(3, "small")])
            .await;
        if !reply.status.is_success() {
            break reply;
        }
        kept += 1;
        assert!(kept < 100, "the disk never became full");
    };
    refused(&full, 507, "disk-full");
    let count = |table: &str| -> i64 {
        scene
            .place
            .store()
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!((count("records"), count("log")), (2 * kept, 2 * kept));
    // The line comes first: without room for it nothing is read, though what is asked for is there.
    let mut read = 0;
    let unread = loop {
        let reply = scene.read("3").await;
        if !reply.status.is_success() {
            break reply;
        }
        read += 1;
        assert!(read < 1000, "reading never needed room");
    };
    refused(&unread, 507, "disk-full");
    assert_eq!((count("records"), count("log")), (2 * kept, 2 * kept + read));
    // What was kept can be read as soon as there is room for its log entry; the log goes on without a gap.
    scene
        .place
        .store()
        .execute_batch("DELETE FROM records WHERE section = 2; VACUUM")
        .unwrap();
    let answer = done(&scene.read("3").await);
    assert_eq!(answer["records"].as_array().unwrap().len() as i64, kept);
    let log = scene.log().await;
    let sequences: Vec<_> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["sequence"].as_i64().unwrap())
        .collect();
    assert_eq!(sequences, (0..=2 * kept + read).collect::<Vec<_>>());
    let line = &answer["log"][0];
    let path: Vec<wardkey_core::id::Digest> = serde_json::from_value(line["path"].clone()).unwrap();
    let digest = |v: &serde_json::Value| serde_json::from_value(v.clone()).unwrap();
    let index = line["index"].as_u64().unwrap();
    wardkey_core::log::verify_inclusion(
        line["size"].as_u64().unwrap(),
        &digest(&line["root"]),
        index,
        &digest(&line["leaf"]),
        &path,
    )
    .unwrap();
}
