//! Where a workstation stands: a state machine without clock, card or network.
//!
//! Locked → card present → signing in → open; and from anywhere back to locked, at once, when the card goes. Whoever was signed in
//! then is remembered as *covered*: only the same device lifts the cover, another card is another user and inherits nothing.

use crate::view::{LockView, PhaseName};
use wardkey_core::id::DeviceId;

/// The state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    phase: PhaseName,
    /// The reader whose card counts.
    reader: Option<String>,
    /// Who is signed in.
    user: Option<DeviceId>,
    /// Whose work is under the cover.
    covered: Option<DeviceId>,
    lock: Option<String>,
    /// Grows whenever keys and plaintext must go: what was begun before must not be kept after.
    generation: u64,
}

/// What the caller must do after an event, in this order: show the change, then wipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Effect {
    /// Keys and plaintext must go now.
    pub wipe: bool,
    /// The snapshot changed.
    pub changed: bool,
}

impl Effect {
    const NONE: Self = Self {
        wipe: false,
        changed: false,
    };
    const SHOW: Self = Self {
        wipe: false,
        changed: true,
    };
    const WIPE: Self = Self {
        wipe: true,
        changed: true,
    };
}

/// A sign-in that was begun: evidence for [`Machine::signed_in`], void once the card was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun(u64);

impl Default for Machine {
    fn default() -> Self {
        Self {
            phase: PhaseName::Locked,
            reader: None,
            user: None,
            covered: None,
            lock: None,
            generation: 0,
        }
    }
}

impl Machine {
    /// Where it stands.
    #[must_use]
    pub const fn phase(&self) -> PhaseName {
        self.phase
    }

    /// True while somebody's work is hidden.
    #[must_use]
    pub const fn covered(&self) -> bool {
        self.covered.is_some()
    }

    /// Who is signed in.
    #[must_use]
    pub const fn user(&self) -> Option<DeviceId> {
        self.user
    }

    /// The reader whose card counts.
    #[must_use]
    pub fn reader(&self) -> Option<&str> {
        self.reader.as_deref()
    }

    /// Grows with every wipe.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Why it is locked or covered.
    #[must_use]
    pub fn lock(&self) -> Option<LockView> {
        self.lock.as_ref().map(|reason| LockView { reason: reason.clone() })
    }

    /// A card came. A second card in another reader changes nothing.
    pub fn inserted(&mut self, reader: &str) -> Effect {
        if self.reader.is_some() {
            return Effect::NONE;
        }
        self.reader = Some(reader.to_owned());
        self.phase = PhaseName::CardPresent;
        Effect::SHOW
    }

    /// The card, or its reader, went: covered and wiped at once.
    pub fn removed(&mut self, reader: &str) -> Effect {
        if self.reader.as_deref() != Some(reader) {
            return Effect::NONE;
        }
        self.reader = None;
        self.close("card-removed", PhaseName::Locked)
    }

    /// The session ended while the card stays: covered and wiped.
    pub fn ended(&mut self, reason: &str) -> Effect {
        if self.phase != PhaseName::Open {
            return Effect::NONE;
        }
        self.close(reason, PhaseName::CardPresent)
    }

    fn close(&mut self, reason: &str, phase: PhaseName) -> Effect {
        if let Some(user) = self.user.take() {
            self.covered = Some(user);
            self.lock = Some(reason.to_owned());
        }
        self.phase = phase;
        self.generation += 1;
        Effect::WIPE
    }

    /// The person locks, or gives a covered terminal to another person.
    pub fn locked(&mut self) -> Effect {
        self.user = None;
        self.covered = None;
        self.lock = Some("locked".to_owned());
        self.phase = if self.reader.is_some() {
            PhaseName::CardPresent
        } else {
            PhaseName::Locked
        };
        self.generation += 1;
        Effect::WIPE
    }

    /// The PIN window opens. `None` if there is no card, or a sign-in runs, or somebody is signed in.
    pub fn signing_in(&mut self) -> Option<Begun> {
        if self.phase != PhaseName::CardPresent {
            return None;
        }
        self.phase = PhaseName::SigningIn;
        Some(Begun(self.generation))
    }

    /// True while that sign-in may still succeed.
    #[must_use]
    pub fn still(&self, begun: Begun) -> bool {
        self.phase == PhaseName::SigningIn && self.generation == begun.0
    }

    /// The sign-in failed or was cancelled.
    pub fn sign_in_failed(&mut self, begun: Begun) -> Effect {
        if !self.still(begun) {
            return Effect::NONE;
        }
        self.phase = PhaseName::CardPresent;
        Effect::SHOW
    }

    /// The sign-in succeeded. False if the card went meanwhile: the caller must throw the keys away.
    #[must_use]
    pub fn signed_in(&mut self, begun: Begun, user: DeviceId) -> bool {
        if !self.still(begun) {
            return false;
        }
        self.phase = PhaseName::Open;
        self.user = Some(user);
        self.covered = None;
        self.lock = None;
        true
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    const DOCTOR: DeviceId = DeviceId([1; 32]);
    const NURSE: DeviceId = DeviceId([2; 32]);

    fn open() -> Machine {
        let mut m = Machine::default();
        assert_eq!(m.inserted("r"), Effect::SHOW);
        let begun = m.signing_in().unwrap();
        assert!(m.signed_in(begun, DOCTOR));
        assert_eq!(
            (m.phase(), m.covered(), m.user()),
            (PhaseName::Open, false, Some(DOCTOR))
        );
        m
    }

    #[test]
    fn pulling_the_card_covers_and_wipes_from_every_phase() {
        let mut m = open();
        assert_eq!(m.removed("r"), Effect::WIPE);
        assert_eq!((m.phase(), m.covered(), m.user()), (PhaseName::Locked, true, None));
        assert_eq!(m.lock().unwrap().reason, "card-removed");
        let mut m = Machine::default();
        let _ = m.inserted("r");
        let begun = m.signing_in().unwrap();
        assert_eq!(m.removed("r"), Effect::WIPE);
        assert!(
            !m.signed_in(begun, DOCTOR),
            "a sign-in that ends after the card went must not open anything"
        );
        assert_eq!((m.phase(), m.covered()), (PhaseName::Locked, false));
    }

    #[test]
    fn a_sign_in_begun_before_a_removal_never_opens_after_it() {
        let mut m = Machine::default();
        let _ = m.inserted("r");
        let first = m.signing_in().unwrap();
        let _ = m.removed("r");
        let _ = m.inserted("r");
        let second = m.signing_in().unwrap();
        assert!(!m.signed_in(first, DOCTOR));
        assert_eq!(m.sign_in_failed(first), Effect::NONE);
        assert!(m.signed_in(second, NURSE));
    }

    #[test]
    fn the_same_card_lifts_the_cover_and_another_inherits_nothing() {
        for who in [DOCTOR, NURSE] {
            let mut m = open();
            let _ = m.removed("r");
            let generation = m.generation();
            let _ = m.inserted("r");
            assert!(m.covered());
            let begun = m.signing_in().unwrap();
            assert!(m.covered(), "covered until the PIN holds");
            assert!(m.signed_in(begun, who));
            assert_eq!((m.covered(), m.user()), (false, Some(who)));
            assert!(m.generation() >= generation);
        }
    }

    #[test]
    fn a_second_card_changes_nothing() {
        let mut m = open();
        assert_eq!(m.inserted("other"), Effect::NONE);
        assert_eq!(m.removed("other"), Effect::NONE);
        assert_eq!(m.user(), Some(DOCTOR));
    }

    #[test]
    fn locking_forgets_whose_work_it_was() {
        let mut m = open();
        assert_eq!(m.locked(), Effect::WIPE);
        assert_eq!((m.phase(), m.covered()), (PhaseName::CardPresent, false));
        let mut m = open();
        let _ = m.removed("r");
        let _ = m.locked();
        assert_eq!((m.phase(), m.covered()), (PhaseName::Locked, false));
    }

    #[test]
    fn an_ended_session_covers_while_the_card_stays() {
        let mut m = open();
        assert_eq!(m.ended("session-ended"), Effect::WIPE);
        assert_eq!((m.phase(), m.covered()), (PhaseName::CardPresent, true));
        assert!(m.signing_in().is_some());
        assert!(m.signing_in().is_none(), "one PIN window at a time");
    }
}
