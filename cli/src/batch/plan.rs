//! Which card belongs to which line. Every change is on the disk before it is acted upon.

use super::holders::Holder;
use super::state::{self, Row, RowError, Stand};
use crate::card::stage_words;
use crate::fault::CliError;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wardkey_desk::Notice;
use wardkey_desk::view::DeviceRequested;
use wardkey_hsm::status::CardStage;

/// The list with what was done; clones are the same one.
#[derive(Clone)]
pub struct Plan {
    list: PathBuf,
    rows: Arc<Mutex<Vec<Row>>>,
}

/// What a card in a reader is to the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is the card of this row, which is to go on.
    Row(usize, Row),
    /// It is the card of a line that is done.
    Done(Row),
    /// It is no card of the list, and not new: it is left alone.
    NotNew(&'static str),
    /// Every line has its card.
    NoLine,
}

/// Faults after which the card was left as it is and its line is free again: the card was not new after all, or cannot be used.
const LEFT_ALONE: [&str; 5] = [
    "slot-filled",
    "pin-not-factory",
    "card-not-yubikey",
    "management-key-refused",
    "card-not-piv",
];

impl Plan {
    /// Opens the list's state.
    ///
    /// # Errors
    /// [`CliError::HoldersChanged`], [`CliError::FileFailed`].
    pub fn open(list: &Path, holders: &[Holder]) -> Result<Self, CliError> {
        let rows = state::load(list, holders)?;
        state::save(list, &rows)?;
        Ok(Self {
            list: list.to_owned(),
            rows: Arc::new(Mutex::new(rows)),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All rows as they stand.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.lock().clone()
    }

    /// Lines that are not done.
    #[must_use]
    pub fn left(&self) -> usize {
        self.lock().iter().filter(|row| row.stand != Stand::Requested).count()
    }

    /// True if every line has its card.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.left() == 0
    }

    /// Finds the row of a card, or takes the next free one for a new card.
    ///
    /// # Errors
    /// [`CliError::FileFailed`]; the card is not to be touched then.
    pub fn claim(&self, serial: &str, stage: &CardStage) -> Result<Claim, CliError> {
        let mut rows = self.lock();
        if let Some(place) = rows.iter().position(|row| row.serial.as_deref() == Some(serial)) {
            let row = rows[place].clone();
            return Ok(if row.stand == Stand::Requested {
                Claim::Done(row)
            } else {
                Claim::Row(place, row)
            });
        }
        let new = matches!(
            stage,
            CardStage::Factory | CardStage::HalfPrepared { .. } | CardStage::Untold
        );
        if !new {
            return Ok(Claim::NotNew(stage_words(stage)));
        }
        let Some(place) = rows.iter().position(|row| row.stand == Stand::Waiting) else {
            return Ok(Claim::NoLine);
        };
        rows[place].stand = Stand::Begun;
        rows[place].serial = Some(serial.to_owned());
        state::save(&self.list, &rows)?;
        Ok(Claim::Row(place, rows[place].clone()))
    }

    fn change(&self, place: usize, change: impl FnOnce(&mut Row)) -> Result<Option<Row>, CliError> {
        let mut rows = self.lock();
        let Some(row) = rows.get_mut(place) else {
            return Ok(None);
        };
        change(row);
        let row = row.clone();
        state::save(&self.list, &rows)?;
        Ok(Some(row))
    }

    /// The card's holder has chosen a PIN.
    ///
    /// # Errors
    /// [`CliError::FileFailed`].
    pub fn prepared(&self, place: usize) -> Result<Option<Row>, CliError> {
        self.change(place, |row| {
            row.stand = Stand::Prepared;
            row.error = None;
        })
    }

    /// The approval is asked for.
    ///
    /// # Errors
    /// [`CliError::FileFailed`].
    pub fn requested(&self, place: usize, sent: DeviceRequested) -> Result<Option<Row>, CliError> {
        self.change(place, |row| {
            row.stand = Stand::Requested;
            row.request = Some(sent.request);
            row.words = sent.words;
            row.error = None;
        })
    }

    /// Something went wrong: kept with the line. A card that was left alone gives its line back.
    ///
    /// # Errors
    /// [`CliError::FileFailed`].
    pub fn failed(&self, place: usize, notice: &Notice) -> Result<Option<Row>, CliError> {
        self.change(place, |row| {
            if row.stand == Stand::Begun && LEFT_ALONE.contains(&notice.code.as_str()) {
                row.stand = Stand::Waiting;
                row.serial = None;
            }
            row.error = Some(RowError {
                code: notice.code.clone(),
                message: notice.message.clone(),
                action: notice.action.clone(),
            });
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use crate::batch::holders::parse;
    use crate::out::notice;
    use wardkey_hsm::{CardError, Slot};

    fn plan(folder: &Path) -> Plan {
        let holders = parse("holder,role\nA,Doctor\nB,Nurse\n").unwrap();
        Plan::open(&folder.join("a.csv"), &holders).unwrap()
    }

    fn place(claim: Claim) -> usize {
        match claim {
            Claim::Row(place, _) => place,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_card_keeps_its_line_over_an_interruption() {
        let folder = tempfile::tempdir().unwrap();
        let first = plan(folder.path());
        assert_eq!(place(first.claim("17", &CardStage::Factory).unwrap()), 0);
        assert_eq!(
            place(first.claim("18", &CardStage::Factory).unwrap()),
            1,
            "another reader, another line"
        );
        drop(first);
        let again = plan(folder.path());
        assert_eq!(place(again.claim("18", &CardStage::Ready).unwrap()), 1);
        assert_eq!(again.claim("19", &CardStage::Factory).unwrap(), Claim::NoLine);
        let sent = DeviceRequested {
            request: "ab".to_owned(),
            words: vec!["zoo".to_owned()],
        };
        again.requested(1, sent).unwrap();
        assert!(matches!(again.claim("18", &CardStage::Ready).unwrap(), Claim::Done(row) if row.words == ["zoo"]));
        assert_eq!(again.left(), 1);
    }

    #[test]
    fn a_card_that_is_not_new_takes_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(folder.path());
        for stage in [
            CardStage::Ready,
            CardStage::Foreign,
            CardStage::AwaitingPin,
            CardStage::Blocked,
        ] {
            assert!(
                matches!(plan.claim("5", &stage).unwrap(), Claim::NotNew(_)),
                "{stage:?}"
            );
        }
        let place = place(plan.claim("6", &CardStage::Untold).unwrap());
        let filled = notice(&CardError::SlotFilled { slot: Slot::Signature });
        let row = plan.failed(place, &filled).unwrap().unwrap();
        assert_eq!(
            (row.stand, row.serial),
            (Stand::Waiting, None),
            "the line is free again"
        );
        assert_eq!(row.error.unwrap().code, "slot-filled");
    }

    #[test]
    fn a_pulled_card_keeps_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(folder.path());
        let place = place(plan.claim("7", &CardStage::Factory).unwrap());
        let row = plan.failed(place, &notice(&CardError::Pulled)).unwrap().unwrap();
        assert_eq!((row.stand, row.serial.as_deref()), (Stand::Begun, Some("7")));
    }
}
