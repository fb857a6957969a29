//! What happened between two looks at the readers.

use super::ReaderEvent;

/// More insertions and removals between two looks than a person can make: then the counter is not believed.
const MOST: u32 = 20;
/// The counter's width (PC/SC keeps it in the upper half of a state).
const COUNTER: u32 = 0xffff;

/// One reader at a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The reader's name.
    pub reader: String,
    /// True if a card is in it.
    pub card: bool,
    /// Counts insertions and removals where the service does, so that a quick exchange between two looks is not missed.
    pub changes: u32,
}

/// The events that lead from one look to the next. `None` inside is "service down"; `None` outside is "nothing known yet".
pub(super) fn between(old: Option<&Option<Vec<Seen>>>, new: Option<&[Seen]>) -> Vec<ReaderEvent> {
    let mut events = Vec::new();
    if new.is_some() && !matches!(old, Some(Some(_))) {
        events.push(ReaderEvent::ServiceUp);
    }
    let before = old.and_then(Option::as_deref).unwrap_or_default();
    let after = new.unwrap_or_default();
    for one in before.iter().filter(|one| find(after, one).is_none()) {
        let reader = one.reader.clone();
        if one.card {
            events.push(card(&reader, false));
        }
        events.push(ReaderEvent::ReaderRemoved { reader });
    }
    for now in after {
        if let Some(one) = find(before, now) {
            let mut is_in = one.card;
            for _ in 0..flips(one, now) {
                is_in = !is_in;
                events.push(card(&now.reader, is_in));
            }
            continue;
        }
        let reader = now.reader.clone();
        events.push(ReaderEvent::ReaderAdded { reader });
        if now.card {
            events.push(card(&now.reader, true));
        }
    }
    if new.is_none() && !matches!(old, Some(None)) {
        events.push(ReaderEvent::ServiceDown);
    }
    events
}

fn find<'a>(list: &'a [Seen], wanted: &Seen) -> Option<&'a Seen> {
    list.iter().find(|one| one.reader == wanted.reader)
}

fn card(reader: &str, inserted: bool) -> ReaderEvent {
    let reader = reader.to_owned();
    if inserted {
        ReaderEvent::CardInserted { reader }
    } else {
        ReaderEvent::CardRemoved { reader }
    }
}

/// How often the card came or went. Two looks at a card with a moved counter are two cards, never one.
fn flips(old: &Seen, new: &Seen) -> u32 {
    let counted = new.changes.wrapping_sub(old.changes) & COUNTER;
    let other = old.card != new.card;
    match counted {
        1..=MOST if (counted % 2 == 1) == other => counted,
        _ if other => 1,
        0 => 0,
        _ if new.card => 2,
        _ => 0,
    }
}
