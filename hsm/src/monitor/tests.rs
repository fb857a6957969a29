//! The three systems' rules against a fake service that behaves like each of them.
#![expect(clippy::unwrap_used, reason = "test")]

use super::service::Cancel;
use super::{Rule, Seen, StatusSource, Watch, changes, watch_source};
use crate::CardError;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// The machine: its readers, and whether the service runs.
#[derive(Default)]
struct Machine {
    readers: Vec<Seen>,
    down: bool,
    connections: u32,
}

/// A service that behaves as the rule says.
struct Fake {
    machine: Arc<Mutex<Machine>>,
    rule: Rule,
    connected: bool,
    told: Vec<Seen>,
}

impl Fake {
    fn alive(&mut self) -> Result<Vec<Seen>, CardError> {
        let machine = self.machine.lock().unwrap();
        if machine.down || (self.rule.stops_with_last_reader && machine.readers.is_empty()) {
            self.connected = false;
        }
        if self.connected {
            Ok(machine.readers.clone())
        } else {
            Err(CardError::ServiceDown)
        }
    }
}

impl StatusSource for Fake {
    fn connect(&mut self) -> Result<(), CardError> {
        self.connected = true;
        self.told.clear();
        self.alive().map(|_| self.machine.lock().unwrap().connections += 1)
    }

    fn list(&mut self) -> Result<Vec<String>, CardError> {
        Ok(self.alive()?.into_iter().map(|one| one.reader).collect())
    }

    fn wait(&mut self, readers: &[String], notified: bool, at_most: Duration) -> Result<Vec<Seen>, CardError> {
        assert_eq!(
            notified, self.rule.notifies,
            "a system is asked only for what it can do"
        );
        let deadline = Instant::now() + at_most;
        loop {
            let all = self.alive()?;
            let new_reader = notified && all.iter().any(|one| !readers.contains(&one.reader));
            let mine: Vec<Seen> = all.into_iter().filter(|one| readers.contains(&one.reader)).collect();
            if mine != self.told || new_reader || Instant::now() >= deadline {
                self.told.clone_from(&mine);
                return Ok(mine);
            }
            std::thread::sleep(Duration::from_millis(3));
        }
    }
}

struct Play {
    machine: Arc<Mutex<Machine>>,
    events: mpsc::Receiver<String>,
    _watch: Watch,
}

impl Play {
    fn begin(rule: Rule, readers: &[Seen]) -> Self {
        let machine = Arc::new(Mutex::new(Machine {
            readers: readers.to_vec(),
            ..Machine::default()
        }));
        let fake = Fake {
            machine: Arc::clone(&machine),
            rule,
            connected: false,
            told: Vec::new(),
        };
        let (send, events) = mpsc::channel();
        let tell = move |event| drop(send.send(short(&event)));
        let watch = watch_source(fake, rule, Cancel::default(), None, tell).unwrap();
        Self {
            machine,
            events,
            _watch: watch,
        }
    }

    fn change(&self, change: impl FnOnce(&mut Machine)) {
        change(&mut self.machine.lock().unwrap());
    }

    /// Exactly these events come, and then none.
    fn expect(&self, wanted: &[&str]) {
        for one in wanted {
            let event = self.events.recv_timeout(Duration::from_secs(3));
            assert_eq!(event.as_deref(), Ok(*one), "of {wanted:?}");
        }
        assert_eq!(
            self.events.recv_timeout(Duration::from_millis(700)).ok(),
            None,
            "after {wanted:?}"
        );
    }
}

fn one(reader: &str, card: bool, changes: u32) -> Seen {
    Seen {
        reader: reader.to_owned(),
        card,
        changes,
    }
}

fn short(event: &super::ReaderEvent) -> String {
    use super::ReaderEvent as E;
    match event {
        E::CardInserted { reader } => format!("card+{reader}"),
        E::CardRemoved { reader } => format!("card-{reader}"),
        E::ReaderAdded { reader } => format!("reader+{reader}"),
        E::ReaderRemoved { reader } => format!("reader-{reader}"),
        E::ServiceDown => "down".to_owned(),
        E::ServiceUp => "up".to_owned(),
    }
}

const ALL: [Rule; 3] = [Rule::LINUX, Rule::MACOS, Rule::WINDOWS];

#[test]
fn every_system_reports_cards_and_readers_that_come_and_go() {
    for rule in ALL {
        let play = Play::begin(rule, &[one("A", false, 0)]);
        play.expect(&["up", "reader+A"]);
        play.change(|machine| machine.readers = vec![one("A", true, 1)]);
        play.expect(&["card+A"]);
        // A YubiKey: reader and card come in one.
        play.change(|machine| machine.readers.push(one("B", true, 1)));
        play.expect(&["reader+B", "card+B"]);
        play.change(|machine| machine.readers[0] = one("A", false, 2));
        play.expect(&["card-A"]);
        play.change(|machine| drop(machine.readers.pop()));
        play.expect(&["card-B", "reader-B"]);
    }
}

#[test]
fn the_last_reader_takes_the_windows_service_with_it_and_brings_it_back() {
    let play = Play::begin(Rule::WINDOWS, &[]);
    play.expect(&["up"]);
    play.change(|machine| machine.readers = vec![one("A", true, 1)]);
    play.expect(&["reader+A", "card+A"]);
    play.change(|machine| machine.readers.clear());
    play.expect(&["card-A", "reader-A"]);
    play.change(|machine| machine.readers = vec![one("A", true, 1)]);
    play.expect(&["reader+A", "card+A"]);
    assert_eq!(
        play.machine.lock().unwrap().connections,
        2,
        "an old context never recovers"
    );
}

#[test]
fn elsewhere_the_service_stays_without_readers() {
    for rule in [Rule::LINUX, Rule::MACOS] {
        let play = Play::begin(rule, &[one("A", true, 1)]);
        play.expect(&["up", "reader+A", "card+A"]);
        play.change(|machine| machine.readers.clear());
        play.expect(&["card-A", "reader-A"]);
        play.change(|machine| machine.readers = vec![one("A", false, 0)]);
        play.expect(&["reader+A"]);
        assert_eq!(play.machine.lock().unwrap().connections, 1);
    }
}

#[test]
fn a_service_that_stops_takes_the_cards_with_it_and_is_found_again() {
    for rule in [Rule::LINUX, Rule::MACOS] {
        let play = Play::begin(rule, &[one("A", true, 1)]);
        play.expect(&["up", "reader+A", "card+A"]);
        play.change(|machine| machine.down = true);
        play.expect(&["card-A", "reader-A", "down"]);
        play.change(|machine| machine.down = false);
        play.expect(&["up", "reader+A", "card+A"]);
    }
}

#[test]
fn another_card_between_two_looks_is_never_taken_for_the_first() {
    for rule in ALL {
        let play = Play::begin(rule, &[one("A", true, 1)]);
        play.expect(&["up", "reader+A", "card+A"]);
        play.change(|machine| machine.readers = vec![one("A", true, 3)]);
        play.expect(&["card-A", "card+A"]);
        // Two more cards, the second still in.
        play.change(|machine| machine.readers = vec![one("A", true, 7)]);
        play.expect(&["card-A", "card+A", "card-A", "card+A"]);
        // One came and went.
        play.change(|machine| machine.readers = vec![one("A", false, 8)]);
        play.expect(&["card-A"]);
        play.change(|machine| machine.readers = vec![one("A", false, 10)]);
        play.expect(&["card+A", "card-A"]);
    }
}

fn between(old: Seen, new: Seen) -> Vec<String> {
    changes::between(Some(&Some(vec![old])), Some(&[new]))
        .iter()
        .map(short)
        .collect()
}

#[test]
fn a_counter_that_makes_no_sense_is_not_believed() {
    assert_eq!(
        between(one("A", true, 1), one("A", true, 2)),
        ["card-A", "card+A"],
        "odd, so still two cards"
    );
    assert_eq!(between(one("A", true, 1), one("A", true, 4001)), ["card-A", "card+A"]);
    assert_eq!(between(one("A", false, 1), one("A", false, 2)), [""; 0]);
    assert_eq!(between(one("A", false, 1), one("A", true, 9)), ["card+A"]);
    assert_eq!(
        between(one("A", true, 0xffff), one("A", true, 1)),
        ["card-A", "card+A"],
        "it starts again at 0"
    );
    assert_eq!(
        between(one("A", true, 0), one("A", false, 0)),
        ["card-A"],
        "a service that does not count"
    );
    assert_eq!(between(one("A", true, 5), one("A", true, 5)), [""; 0]);
}

#[test]
fn each_system_has_its_rule() {
    let expected = if cfg!(target_os = "macos") {
        Rule::MACOS
    } else if cfg!(windows) {
        Rule::WINDOWS
    } else {
        Rule::LINUX
    };
    assert_eq!(Rule::here(), expected);
}
