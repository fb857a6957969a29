//! Every stage, from what a card tells.

use super::*;

const SECRET: SecretStatus = SecretStatus {
    factory: Some(false),
    tries: Some(5),
    tries_left: Some(5),
};

/// A card in its holder's hands, before `change`.
fn staged(change: impl FnOnce(&mut CardStatus)) -> CardStage {
    let slots = Slot::ALL.map(|slot| SlotStatus {
        slot,
        filled: true,
        public_key: wardkey_core::key::SoftKey::generate().ok().map(|key| key.public()),
        generated: Some(true),
        pin_policy: Some(slot.pin_policy()),
        touch_policy: Some(TouchPolicy::Never),
        certificate: CertificateStatus::OfTheKey,
    });
    let mut card = CardStatus {
        reader: String::new(),
        serial: None,
        firmware: None,
        pin: SECRET,
        puk: SECRET,
        factory_management_key: Some(false),
        slots: slots.to_vec(),
        has_chuid: true,
        has_ccc: true,
        stage: CardStage::Untold,
    };
    change(&mut card);
    stage(&card)
}

#[test]
fn a_holders_card_is_ready_until_its_secrets_are_blocked() {
    assert_eq!(staged(|_| {}), CardStage::Ready);
    assert_eq!(
        staged(|card| card.has_ccc = false),
        CardStage::Ready,
        "prepared by an earlier version"
    );
    assert_eq!(staged(|card| card.pin.tries_left = Some(0)), CardStage::PinBlocked);
    assert_eq!(
        staged(|card| card.puk.tries_left = Some(0)),
        CardStage::Ready,
        "until the PIN is blocked too"
    );
    let both = |card: &mut CardStatus| (card.pin.tries_left, card.puk.tries_left) = (Some(0), Some(0));
    assert_eq!(staged(both), CardStage::Blocked);
}

#[test]
fn a_card_with_a_holders_pin_and_less_than_our_keys_is_foreign() {
    assert_eq!(
        staged(|card| card.slots[0].generated = Some(false)),
        CardStage::Foreign,
        "imported"
    );
    assert_eq!(
        staged(|card| card.slots[1].pin_policy = Some(PinPolicy::Once)),
        CardStage::Foreign
    );
    assert_eq!(
        staged(|card| card.slots[2].certificate = CertificateStatus::OfAnotherKey),
        CardStage::Foreign
    );
    assert_eq!(
        staged(|card| card.factory_management_key = Some(true)),
        CardStage::Foreign
    );
    assert_eq!(staged(|card| card.puk.factory = Some(true)), CardStage::Foreign);
}

#[test]
fn with_the_factorys_pin_the_rest_decides() {
    let waiting = |change: fn(&mut CardStatus)| {
        staged(|card| {
            card.pin.factory = Some(true);
            change(card);
        })
    };
    let half = |missing: &[Missing]| CardStage::HalfPrepared {
        missing: missing.to_vec(),
    };
    assert_eq!(waiting(|_| {}), CardStage::AwaitingPin);
    assert_eq!(waiting(|card| card.has_chuid = false), half(&[Missing::Chuid]));
    assert_eq!(waiting(|card| card.puk.factory = Some(true)), half(&[Missing::Puk]));
    assert_eq!(
        waiting(|card| card.factory_management_key = Some(true)),
        CardStage::Foreign,
        "keys of another program"
    );
    assert_eq!(waiting(|card| card.pin.tries_left = Some(0)), CardStage::PinBlocked);
    let half_and_blocked = |card: &mut CardStatus| (card.pin.tries_left, card.puk.factory) = (Some(0), Some(true));
    assert_eq!(waiting(half_and_blocked), CardStage::Blocked);
}

#[test]
fn a_card_that_tells_nothing_is_not_guessed_at() {
    assert_eq!(staged(|card| card.pin.factory = None), CardStage::Untold);
    assert_eq!(staged(|card| card.factory_management_key = None), CardStage::Untold);
}
