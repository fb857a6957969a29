//! Every path through the dialog, with a clock of its own.

use super::*;
use crate::entry::Digit;
use zeroize::Zeroizing;

struct Play {
    dialog: Dialog,
    now: Instant,
}

impl Play {
    fn new(kind: AskKind) -> Self {
        let now = Instant::now();
        let ask = Ask {
            title: "Sign in".into(),
            asker: "Harbour Hospital".into(),
            purpose: "Open the workstation".into(),
            serial: None,
            kind,
        };
        Self {
            dialog: Dialog::new(ask, now),
            now,
        }
    }

    fn with_tries(kind: AskKind, tries: u8) -> Self {
        let mut play = Self::new(kind);
        assert!(matches!(play.hear(News::Looked(Ok(facts(tries)))), Step::Wait));
        play
    }

    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
    }

    fn key(&mut self, key: Key) -> Step {
        self.pass(50);
        self.dialog.key(key, self.now)
    }

    fn hear(&mut self, news: News) -> Step {
        self.pass(50);
        self.dialog.hear(news, self.now)
    }

    fn enter(&mut self, text: &str) -> Step {
        for c in text.chars() {
            self.key(Digit::typed(c).map_or(Key::Letter(c), Key::Digit));
        }
        self.key(Key::Confirm)
    }
}

fn facts(tries: u8) -> CardFacts {
    CardFacts {
        serial: Some("4711".into()),
        tries_left: Some(tries),
        touch: Touch::Unknown,
        reader_pad: false,
    }
}

fn with_touch(touch: Touch) -> CardFacts {
    CardFacts { touch, ..facts(3) }
}

fn with_pad(tries: u8) -> CardFacts {
    CardFacts {
        reader_pad: true,
        ..facts(tries)
    }
}

fn failed_with(step: &Step, code: &str) -> bool {
    matches!(step, Step::Finish(Ending::Failed(fault)) if fault.code == code)
}

#[test]
fn the_pin_goes_to_the_card_and_its_answer_out() {
    let mut play = Play::with_tries(AskKind::Use, 3);
    assert_eq!(
        (play.dialog.serial(), play.dialog.tries_left()),
        (Some("4711"), Some(3))
    );
    assert!(matches!(play.enter("739154"), Step::Use(pin) if pin.digits() == b"739154"));
    assert_eq!(play.dialog.typed(Field::First), 0, "nothing stays behind");
    let step = play.hear(News::Outcome(Outcome::Done(Zeroizing::new("{\"ok\":[]}".into()))));
    assert!(matches!(step, Step::Finish(Ending::Answered(line)) if *line == "{\"ok\":[]}"));
    assert!(matches!(play.hear(News::Removed), Step::Wait), "the answer is out once");
}

#[test]
fn too_few_digits_cost_no_try() {
    let mut play = Play::with_tries(AskKind::Use, 3);
    assert!(matches!(play.enter("73915"), Step::Wait));
    assert_eq!(play.dialog.note(), Some(&Note::TooShort));
    assert!(matches!(play.enter("4"), Step::Use(_)), "what was typed is still there");
}

#[test]
fn erasing_and_clearing() {
    let mut play = Play::with_tries(AskKind::Use, 3);
    play.enter("12");
    play.key(Key::Erase);
    assert_eq!(play.dialog.typed(Field::First), 1);
    play.key(Key::Clear);
    assert_eq!(play.dialog.typed(Field::First), 0);
}

#[test]
fn a_wrong_pin_can_be_typed_again() {
    let mut play = Play::with_tries(AskKind::Use, 3);
    play.enter("739154");
    play.hear(News::Outcome(Outcome::WrongPin { tries_left: Some(2) }));
    assert_eq!(
        (play.dialog.phase(), play.dialog.note()),
        (&Phase::Typing, Some(&Note::WrongPin))
    );
    assert_eq!(play.dialog.tries_left(), Some(2));
    assert!(matches!(play.enter("739155"), Step::Use(_)));
}

#[test]
fn the_last_try_is_asked_for_and_a_second_enter_at_once_does_not_spend_it() {
    let mut play = Play::with_tries(AskKind::Use, 1);
    assert!(matches!(play.enter("739154"), Step::Wait));
    assert!(matches!(play.dialog.phase(), Phase::LastTry { .. }));
    assert!(matches!(play.key(Key::Confirm), Step::Wait));
    play.pass(500);
    assert!(matches!(play.key(Key::Confirm), Step::Use(pin) if pin.digits() == b"739154"));
}

#[test]
fn going_back_from_the_last_try_wipes_the_pin_and_keeps_the_try() {
    let mut play = Play::with_tries(AskKind::Use, 1);
    play.enter("739154");
    assert!(matches!(play.key(Key::Cancel), Step::Wait));
    assert_eq!(
        (play.dialog.phase(), play.dialog.typed(Field::First)),
        (&Phase::Typing, 0)
    );
}

#[test]
fn a_pin_typed_before_the_card_has_told_its_tries_waits_for_them() {
    let mut play = Play::new(AskKind::Use);
    assert!(matches!(play.enter("739154"), Step::Wait));
    assert!(matches!(play.dialog.phase(), Phase::Working { .. }));
    assert!(matches!(play.hear(News::Looked(Ok(facts(1)))), Step::Wait));
    assert!(matches!(play.dialog.phase(), Phase::LastTry { .. }));

    let mut play = Play::new(AskKind::Use);
    play.enter("739154");
    assert!(matches!(play.hear(News::Looked(Ok(facts(3)))), Step::Use(pin) if pin.digits() == b"739154"));
}

#[test]
fn a_blocked_card_is_explained_before_it_is_answered() {
    let mut play = Play::new(AskKind::Use);
    assert!(matches!(
        play.hear(News::Looked(Err(CardError::PinBlocked.fault()))),
        Step::Wait
    ));
    assert!(matches!(play.dialog.phase(), Phase::Stopped(_)));
    assert!(failed_with(&play.key(Key::Confirm), "pin-blocked"));
}

#[test]
fn esc_closing_pulling_and_waiting_end_it() {
    assert!(failed_with(&Play::new(AskKind::Use).key(Key::Cancel), "pin-cancelled"));
    assert!(failed_with(
        &Play::with_tries(AskKind::Use, 3).hear(News::Removed),
        "card-removed"
    ));
    let mut play = Play::new(AskKind::Choose);
    play.pass(119_000);
    assert!(matches!(play.dialog.tick(play.now), Step::Wait));
    play.key(Key::Clear);
    play.pass(119_999);
    assert!(matches!(play.dialog.tick(play.now), Step::Wait));
    play.pass(1);
    assert!(failed_with(&play.dialog.tick(play.now), "pin-timed-out"));
}

#[test]
fn a_card_that_was_never_read_is_explained_by_its_own_error() {
    let mut play = Play::new(AskKind::Use);
    assert!(matches!(play.hear(News::Removed), Step::Wait));
    play.hear(News::Looked(Err(CardError::ServiceDown.fault())));
    assert!(failed_with(&play.key(Key::Cancel), "card-service-down"));
}

#[test]
fn a_card_pulled_while_the_reason_is_read_answers_the_reason() {
    let mut play = Play::new(AskKind::Use);
    play.hear(News::Looked(Err(CardError::PinBlocked.fault())));
    assert!(failed_with(&play.hear(News::Removed), "pin-blocked"));
}

#[test]
fn work_cannot_be_cancelled_until_the_card_is_slow() {
    let mut play = Play::with_tries(AskKind::Use, 3);
    play.enter("739154");
    assert!(matches!(play.key(Key::Cancel), Step::Wait));
    assert!(!play.dialog.can_cancel(play.now));
    play.pass(10_000);
    assert!(play.dialog.can_cancel(play.now));
    assert!(failed_with(&play.key(Key::Cancel), "pin-cancelled"));
}

#[test]
fn letters_and_one_time_passwords_are_no_digits() {
    let mut play = Play::with_tries(AskKind::Use, 3);
    play.enter("73");
    assert!(matches!(play.enter("a"), Step::Wait));
    let otp = "cccccbcvbhkhkgjhnlurrbkdhicghrdkfiunlkdbbnhu";
    assert!(matches!(play.enter(otp), Step::Wait));
    assert_eq!(play.dialog.note(), Some(&Note::OneTimePassword));
    assert_eq!(play.dialog.typed(Field::First), 2, "the digits before it are kept");
    assert!(matches!(play.enter("9154"), Step::Use(pin) if pin.digits() == b"739154"));
}

#[test]
fn a_new_pin_is_typed_twice() {
    let mut play = Play::with_tries(AskKind::Choose, 3);
    assert!(matches!(play.enter("739154"), Step::Wait));
    assert_eq!(play.dialog.field(), Field::Again);
    assert!(matches!(play.enter("739154"), Step::Choose(pin) if pin.digits() == b"739154"));
}

#[test]
fn a_weak_or_differing_new_pin_is_typed_anew() {
    let mut play = Play::with_tries(AskKind::Choose, 3);
    play.enter("123456");
    assert_eq!(play.dialog.note(), Some(&Note::Weak(Weakness::Factory)));
    play.enter("739");
    assert_eq!(
        (play.dialog.note(), play.dialog.field()),
        (Some(&Note::TooShort), Field::First)
    );
    play.enter("154");
    play.enter("739155");
    assert_eq!(
        (play.dialog.note(), play.dialog.field()),
        (Some(&Note::Different), Field::First)
    );
    assert_eq!(
        (play.dialog.typed(Field::First), play.dialog.typed(Field::Again)),
        (0, 0)
    );
}

#[test]
fn erasing_an_empty_second_row_goes_back_to_the_first() {
    let mut play = Play::with_tries(AskKind::Choose, 3);
    play.enter("739154");
    play.key(Key::Erase);
    assert_eq!(
        (play.dialog.field(), play.dialog.typed(Field::First)),
        (Field::First, 0)
    );
}

#[test]
fn a_new_pin_that_the_card_refuses_is_typed_anew() {
    let mut play = Play::with_tries(AskKind::Choose, 3);
    play.enter("739154");
    play.enter("739154");
    play.hear(News::Outcome(Outcome::Refused(CardError::PinTooSimple.fault())));
    assert!(matches!(play.dialog.note(), Some(Note::Refused(fault)) if fault.code == "pin-too-simple"));
    assert_eq!(play.dialog.phase(), &Phase::Typing);
}

#[test]
fn a_lost_card_thread_is_told() {
    let mut play = Play::with_tries(AskKind::Use, 3);
    play.enter("739154");
    play.hear(News::Failed);
    assert!(failed_with(&play.key(Key::Confirm), "pinpad-failed"));
}

#[test]
fn a_touch_that_the_card_will_wait_for_is_told_in_time() {
    for (touch, soon, late) in [
        (Touch::Wanted(2), Some(2), false),
        (Touch::Never, None, false),
        (Touch::Unknown, None, true),
    ] {
        let mut play = Play::new(AskKind::Use);
        play.hear(News::Looked(Ok(with_touch(touch))));
        play.enter("739154");
        assert_eq!(play.dialog.touches(play.now), None, "a wrong PIN is told before");
        play.pass(300);
        assert_eq!(play.dialog.touches(play.now), soon, "{touch:?}");
        assert!(!play.dialog.may_want_touch(play.now));
        play.pass(1000);
        assert_eq!(play.dialog.may_want_touch(play.now), late, "{touch:?}");
    }
}

#[test]
fn caps_lock_is_told_and_a_touched_yubikey_still_recognised() {
    let mut play = Play::with_tries(AskKind::Use, 3);
    play.key(Key::Capital('A'));
    assert_eq!(play.dialog.note(), Some(&Note::CapsLock));
    play.key(Key::Letter('a'));
    assert_eq!(play.dialog.note(), Some(&Note::DigitsOnly));
    play.pass(2000);
    for c in "CCCCCBCVBHKHKGJHNLURRBKDHICGHRDKFIUNLKDBBNHU".chars() {
        play.dialog.key(Key::Capital(c), play.now);
        play.pass(8);
    }
    assert_eq!(play.dialog.note(), Some(&Note::OneTimePassword));
    assert!(matches!(play.dialog.key(Key::Confirm, play.now), Step::Wait));
}

#[test]
fn a_reader_with_keys_takes_the_pin_and_the_window_takes_none() {
    let mut play = Play::new(AskKind::Use);
    play.enter("739154");
    assert!(matches!(play.hear(News::Looked(Ok(with_pad(3)))), Step::UseReader));
    assert_eq!(
        (play.dialog.phase(), play.dialog.typed(Field::First)),
        (&Phase::OnReader, 0)
    );
    play.enter("739154");
    assert_eq!(play.dialog.typed(Field::First), 0, "digits typed here go nowhere");
    let again = play.hear(News::Outcome(Outcome::WrongPin { tries_left: Some(2) }));
    assert!(matches!(again, Step::UseReader), "the reader asks again");
    assert_eq!(play.dialog.note(), Some(&Note::WrongPin));
    let step = play.hear(News::Outcome(Outcome::Done(Zeroizing::new("{\"ok\":[]}".into()))));
    assert!(matches!(step, Step::Finish(Ending::Answered(_))));
}

#[test]
fn the_last_try_on_a_reader_is_confirmed_in_the_window() {
    let mut play = Play::new(AskKind::Use);
    play.hear(News::Looked(Ok(with_pad(2))));
    assert!(matches!(
        play.hear(News::Outcome(Outcome::WrongPin { tries_left: Some(1) })),
        Step::Wait
    ));
    assert!(matches!(play.dialog.phase(), Phase::LastTry { .. }));
    assert!(matches!(play.key(Key::Confirm), Step::Wait), "too soon");
    play.pass(500);
    assert!(matches!(play.key(Key::Confirm), Step::UseReader));
    let mut other = Play::new(AskKind::Use);
    assert!(matches!(other.hear(News::Looked(Ok(with_pad(1)))), Step::Wait));
    assert!(failed_with(&other.key(Key::Cancel), "pin-cancelled"));
}

#[test]
fn a_new_pin_is_chosen_in_the_window_whatever_the_reader_has() {
    let mut play = Play::new(AskKind::Choose);
    assert!(matches!(play.hear(News::Looked(Ok(with_pad(3)))), Step::Wait));
    assert_eq!(play.dialog.phase(), &Phase::Typing);
}
