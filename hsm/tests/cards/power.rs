//! Power lost at every single command of the preparation. What is pulled at is not carried out, so these are all the states in
//! which a preparation can leave a card.

use super::attestation::NOW;
use super::*;
use std::time::{Duration, Instant};
use wardkey_hsm::attestation::{Roots, Verdict, verify};
use wardkey_hsm::status::{CardStage, CardStatus, status};
use wardkey_virtual_card::Moment;

/// The service's look at its readers takes 400 ms: it shows a card that went during a command as gone before it has looked, and
/// takes a new one at that moment for the old one.
const LOOK: Duration = Duration::from_millis(500);

/// A card that may lie on the table looking so must not have any of the factory's secrets but the PIN.
fn looks_finished(stage: &CardStage) -> bool {
    matches!(stage, CardStage::AwaitingPin | CardStage::Ready)
}

fn has_factory_secret(card: &CardStatus) -> bool {
    card.puk.factory == Some(true) || card.factory_management_key == Some(true)
}

/// The other reader takes the card while the service looks at the first one again.
#[test]
fn a_preparation_broken_off_at_any_command_is_finished_by_the_next() {
    let bench = Bench::new();
    let roots = Roots::default().with_test_root(&bench.rig.root_pem()).unwrap();
    let mut emptied = Instant::now();
    let mut stages = Vec::new();
    for nth in 1.. {
        let name = format!("card-{nth}");
        std::thread::sleep(LOOK.saturating_sub(emptied.elapsed()));
        let card = bench.insert(&name);
        let before = card.commands();
        card.pull_at_command(nth, Moment::Before);
        let outcome = prepare(card.reader(), &settings(&card.serial()), &mut |_| {});
        let arrived = card.commands() - before;
        drop(card);
        bench.rig.wait_for_card(READERS[0], false).unwrap();
        emptied = Instant::now();
        let Err(error) = outcome else {
            assert_eq!(arrived, nth - 1, "it ended untouched");
            break;
        };
        assert_eq!(error, CardError::Pulled, "at command {nth}");

        let card = bench.rig.insert(PORTS[1], &bench.state(&name), None).unwrap();
        let left = status(card.reader()).unwrap();
        assert!(
            !looks_finished(&left.stage) || !has_factory_secret(&left),
            "{nth}: {left:?}"
        );
        assert!(
            matches!(
                left.stage,
                CardStage::Factory | CardStage::HalfPrepared { .. } | CardStage::AwaitingPin
            ),
            "{nth}: {left:?}"
        );
        stages.push(left.stage.action());
        let prepared = prepare(card.reader(), &settings(&card.serial()), &mut |_| {}).unwrap();
        let report = verify(&prepared.evidence, &prepared.keys(), &roots, NOW);
        assert_eq!(
            (report.slots.len(), report.overall()),
            (3, Verdict::TestRoot),
            "at command {nth}"
        );
        let after = status(card.reader()).unwrap();
        assert_eq!(
            (&after.stage, has_factory_secret(&after)),
            (&CardStage::AwaitingPin, false)
        );
        drop(card);
        bench.rig.wait_for_card(READERS[1], false).unwrap();
    }
    println!("pulled at each of {} commands", stages.len());
    assert!(stages.len() > 50, "{}", stages.len());
    stages.dedup();
    assert!(
        stages.len() >= 3,
        "from the factory's state to a finished card: {stages:?}"
    );
}
