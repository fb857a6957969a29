//! The log's files: written after a checkpoint on the chain, to a folder or a server that speaks S3; whoever fetches them can
//! recompute the root that is on the chain.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use support::{Place, Scene, done};
use wardkey_core::audit::{Audit, Bundle, SignedCheckpoint, TileName, WIDTH};
use wardkey_core::id::Digest;
use wardkey_gateway::bench::stage::{Ask, Reply};
use wardkey_gateway::log::tiles::TilesError;

async fn fetch(scene: &Scene, path: &str) -> Reply {
    scene.stage.ask(Ask::get(format!("/log/{path}"))).await.unwrap()
}

async fn served(scene: &Scene, path: &str) -> Vec<u8> {
    let reply = fetch(scene, path).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.code());
    reply.body.to_vec()
}

async fn checkpoint(scene: &Scene) -> SignedCheckpoint {
    let note = String::from_utf8(served(scene, "checkpoint").await).unwrap();
    let gateway = &scene.stage.gateway;
    SignedCheckpoint::read(&note, gateway.domain(), &gateway.scribe.key().public()).unwrap()
}

/// Reads until the log has at least so many lines; one more section is one more line.
async fn lines(scene: &Scene, at_least: u64) {
    while scene.stage.gateway.store.log_head().unwrap().0 < at_least {
        done(&scene.read("0,1,2,3,4,5,7,8,9,10").await);
    }
}

/// Publishes as the gateway does at its cadence.
async fn publish(scene: &Scene) -> Option<u64> {
    let publish = |gateway: &wardkey_gateway::Gateway| gateway.publish_checkpoint();
    scene.stage.gateway.blocking(publish).await.unwrap();
    scene.stage.gateway.publish_tiles().await.unwrap()
}

/// Fetches every line, recomputes every tile, and gives the root.
async fn audited(scene: &Scene, size: u64) -> Digest {
    let (mut audit, width) = (Audit::default(), u64::from(WIDTH));
    for number in 0..size.div_ceil(width) {
        let bundle = Bundle {
            number,
            width: (size - number * width).min(width) as u32,
        };
        for leaf in bundle.leaves(&served(scene, &bundle.path()).await).unwrap() {
            for tile in audit.push(&leaf) {
                let bytes = served(scene, &tile.tile.path()).await;
                assert_eq!(tile.tile.hashes(&bytes).unwrap(), tile.hashes, "{}", tile.tile.path());
            }
        }
    }
    for level in 0..8 {
        if let Some(tile) = TileName::partial(level, size, audit.unfinished(level).len()) {
            let bytes = served(scene, &tile.path()).await;
            assert_eq!(tile.hashes(&bytes).unwrap(), audit.unfinished(level), "{}", tile.path());
        }
    }
    audit.root()
}

async fn grows_and_holds(scene: &Scene) {
    assert_eq!(
        fetch(scene, "checkpoint").await.status,
        404,
        "before the first checkpoint"
    );
    for at_least in [1, 40, 256, 300, 520] {
        lines(scene, at_least).await;
        let size = publish(scene).await.unwrap();
        let newest = checkpoint(scene).await;
        let on_chain = scene.place.wire.checkpoint();
        assert_eq!((newest.size, newest.root.0), (size, on_chain.root));
        assert_eq!(audited(scene, size).await, newest.root, "{size} lines");
        assert_eq!(publish(scene).await, None, "nothing new");
    }
    for gone in ["tile/0/000.p/40", "tile/entries/000.p/40", "tile/0/001.p/44"] {
        assert_eq!(
            fetch(scene, gone).await.status,
            404,
            "{gone} is part of a finished tile"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anyone_can_recompute_the_root_on_the_chain_from_a_folder() {
    let scene = Scene::set().await;
    grows_and_holds(&scene).await;
    for odd in [
        "tile/0/0",
        "tile/9/000",
        "tile/0/000.p/0",
        "tile/../checkpoint",
        "tile/entries/x",
        "tile/0/999",
    ] {
        assert_eq!(fetch(&scene, odd).await.status, 404, "{odd}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_from_a_bucket() {
    let bucket = support::s3::Bucket::start().await;
    let place = Place::with(&bucket.settings());
    grows_and_holds(&Scene::in_place(place).await).await;
    assert!(bucket.holds("log/checkpoint"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_altered_is_not_published() {
    // The first leaf's hash, and that of the first 16 leaves.
    for number in [0, 30] {
        altered_is_not_published(number).await;
    }
}

async fn altered_is_not_published(number: u64) {
    let scene = Scene::set().await;
    lines(&scene, 20).await;
    let publish_checkpoint = |gateway: &wardkey_gateway::Gateway| gateway.publish_checkpoint();
    scene.stage.gateway.blocking(publish_checkpoint).await.unwrap();
    let update = "UPDATE hashes SET hash = zeroblob(32) WHERE number = ?1";
    let altered = scene.place.store().execute(update, [number]);
    assert_eq!(altered.unwrap(), 1);
    let refused = scene.stage.gateway.publish_tiles().await.unwrap_err();
    assert!(matches!(refused, TilesError::Forked), "{refused}");
    assert_eq!(fetch(&scene, "checkpoint").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_networks_folder_is_not_written_to() {
    let (scene, other) = (Scene::set().await, Scene::set().await);
    for scene in [&scene, &other] {
        lines(scene, 1).await;
    }
    publish(&other).await.unwrap();
    let name = "objects/log/checkpoint";
    let folder = scene.place.folder.path().join("objects/log");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(
        other.place.folder.path().join(name),
        scene.place.folder.path().join(name),
    )
    .unwrap();
    let publish_checkpoint = |gateway: &wardkey_gateway::Gateway| gateway.publish_checkpoint();
    scene.stage.gateway.blocking(publish_checkpoint).await.unwrap();
    let refused = scene.stage.gateway.publish_tiles().await.unwrap_err();
    assert!(matches!(refused, TilesError::Objects(_)), "{refused}");
}
