//! The people of the story and their cards.

use crate::workstation::Terminal;

/// A card and whose it is.
#[derive(Debug)]
pub struct Person {
    /// The card's short name, as typed in the demo.
    pub card: &'static str,
    /// Name in full; empty for master cards, which belong to an institution.
    pub name: &'static str,
    /// Role.
    pub role: &'static str,
    /// The PIN that this person chose.
    pub pin: &'static str,
    /// The card's serial number.
    pub serial: u32,
}

/// Harbour Hospital's terminal, at the first reader.
pub const HARBOUR: Terminal = Terminal {
    name: "harbour",
    institution: "Harbour Hospital",
    country: "PT",
    reader: "Virtual PCD 00 00",
    slot: 0,
};
/// Summit Clinic's terminal, at the second reader.
pub const SUMMIT: Terminal = Terminal {
    name: "summit",
    institution: "Summit Clinic",
    country: "CH",
    reader: "Virtual PCD 00 01",
    slot: 1,
};

/// Harbour's master key.
pub const HARBOUR_MASTER: Person = Person {
    card: "harbour-master",
    name: "",
    role: "",
    pin: "604193",
    serial: 20_100_001,
};
/// Harbour's doctor.
pub const HARBOUR_DOCTOR: Person = Person {
    card: "harbour-doctor",
    name: "Dr Helena Marques",
    role: "Doctor",
    pin: "351846",
    serial: 20_100_002,
};
/// Summit's master key.
pub const SUMMIT_MASTER: Person = Person {
    card: "summit-master",
    name: "",
    role: "",
    pin: "728305",
    serial: 20_200_001,
};
/// Summit's doctor.
pub const SUMMIT_DOCTOR: Person = Person {
    card: "summit-doctor",
    name: "Dr Nora Keller",
    role: "Doctor",
    pin: "915274",
    serial: 20_200_002,
};

/// Everybody with a card.
pub const CARDS: [&Person; 4] = [&HARBOUR_MASTER, &HARBOUR_DOCTOR, &SUMMIT_MASTER, &SUMMIT_DOCTOR];

/// The traveller, as typed on the phone.
pub const PATIENT: &str = "Amina Duarte";
/// Year, month, day of birth.
pub const BORN: (u32, u32, u32) = (1971, 4, 23);
/// The section that the patient keeps from Summit.
pub const WITHHELD: &str = "socialHistory";
