//! PostgreSQL on bad days: restarted, cut off, failed over. What was acknowledged is there; what was not is told so.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::{Duration, Instant};
use support::postgres::{Cluster, sql_at, url_at};
use support::{ALLERGIES, Place, Scene, done, store_at};
use wardkey_core::record::Record;
use wardkey_gateway::bench::stage::Reply;

/// Longest time in which the gateway must serve again.
const BACK: Duration = Duration::from_secs(60);

/// What was written and acknowledged.
#[derive(Default)]
struct Kept(Vec<Record>);

impl Kept {
    /// One record, sent until it is acknowledged; how often it was refused, each time with a word for it.
    async fn one(&mut self, scene: &Scene) -> u32 {
        let record = scene.record(ALLERGIES, &format!("record {}", self.0.len()));
        let (start, mut refusals) = (Instant::now(), 0);
        loop {
            let reply = scene.write(std::slice::from_ref(&record)).await;
            if reply.status.is_success() {
                self.0.push(record);
                return refusals;
            }
            must_be_away(&reply);
            refusals += 1;
            assert!(start.elapsed() < BACK, "it does not come back: {}", reply.code());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn several(&mut self, scene: &Scene) {
        for _ in 0..10 {
            self.one(scene).await;
        }
    }

    /// Each is there once, in order, and the log has no gap.
    async fn holds(&self, scene: &Scene) {
        let start = Instant::now();
        let read = loop {
            let reply = scene.read("2").await;
            if reply.status.is_success() {
                break done(&reply);
            }
            must_be_away(&reply);
            assert!(start.elapsed() < BACK);
        };
        let there: Vec<Record> = serde_json::from_value(read["records"].clone()).unwrap();
        assert_eq!(there, self.0);
        let log = scene.log().await;
        let lines = log["entries"].as_array().unwrap();
        let sequences: Vec<_> = lines.iter().map(|e| e["sequence"].as_u64().unwrap()).collect();
        assert_eq!(sequences, (0..lines.len() as u64).collect::<Vec<_>>());
        let (size, root) = scene.stage.gateway.store.log_head().unwrap();
        assert_eq!(scene.stage.gateway.store.log_root(size).unwrap(), root);
    }
}

fn must_be_away(reply: &Reply) {
    let code = reply.code();
    assert!(
        reply.status == 503 && ["store-away", "store-unsure"].contains(&code.as_str()),
        "{} {code}",
        reply.status
    );
}

async fn scene(cluster: &Cluster) -> Scene {
    Scene::in_place(Place::with(&store_at(&cluster.url("postgres")))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn restarted_in_the_middle_it_is_found_again() {
    let cluster = Cluster::start("restarted");
    let (scene, mut kept) = (scene(&cluster).await, Kept::default());
    for _ in 0..3 {
        kept.several(&scene).await;
        let restart = || cluster.control(&["restart", "--mode=immediate", "--wait", "--silent"]);
        std::thread::scope(|scope| {
            let restarting = scope.spawn(restart);
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    while !restarting.is_finished() {
                        kept.one(&scene).await;
                    }
                });
            });
        });
        kept.several(&scene).await;
    }
    kept.holds(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_it_is_given_up_in_time_and_found_again() {
    let cluster = Cluster::start("cut-off");
    let (scene, mut kept) = (scene(&cluster).await, Kept::default());
    kept.several(&scene).await;
    cluster.signal("STOP");
    let start = Instant::now();
    let record = scene.record(ALLERGIES, &format!("record {}", kept.0.len()));
    must_be_away(&scene.write(std::slice::from_ref(&record)).await);
    assert!(start.elapsed() < Duration::from_secs(50), "{:?}", start.elapsed());
    cluster.signal("CONT");
    kept.several(&scene).await;
    kept.holds(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_over_to_the_standby_nothing_acknowledged_is_lost() {
    let first = Cluster::start("first");
    let standby = Cluster::replica("standby", &first);
    for sql in [
        "ALTER SYSTEM SET synchronous_standby_names = '*'",
        "SELECT pg_reload_conf()",
    ] {
        first.sql("postgres", sql);
    }
    let both = url_at(&[&first.folder, &standby.folder], "postgres");
    let start = Instant::now();
    while first.sql(
        "postgres",
        "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'",
    ) != "1"
    {
        assert!(start.elapsed() < BACK, "the standby does not follow");
        std::thread::sleep(Duration::from_millis(50));
    }
    let scene = Scene::in_place(Place::with(&store_at(&both))).await;
    let mut kept = Kept::default();
    kept.several(&scene).await;
    first.control(&["stop", "--mode=immediate", "--silent"]);
    sql_at(&standby.folder, "postgres", "SELECT pg_promote()");
    assert!(kept.one(&scene).await < 1000);
    kept.several(&scene).await;
    kept.holds(&scene).await;
}
