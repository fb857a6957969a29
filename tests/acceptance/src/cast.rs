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
/// The card of Harbour's IT.
pub const HARBOUR_IT: Person = Person {
    card: "harbour-it",
    name: "",
    role: "",
    pin: "247918",
    serial: 20_100_003,
};
/// The card of Summit's IT.
pub const SUMMIT_IT: Person = Person {
    card: "summit-it",
    name: "",
    role: "",
    pin: "830462",
    serial: 20_200_003,
};
/// Harbour's doctor.
pub const HARBOUR_DOCTOR: Person = Person {
    card: "harbour-doctor",
    name: "Dr Helena Marques",
    role: "Doctor",
    pin: "35184629",
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
pub const CARDS: [&Person; 6] = [
    &HARBOUR_IT,
    &HARBOUR_MASTER,
    &HARBOUR_DOCTOR,
    &SUMMIT_IT,
    &SUMMIT_MASTER,
    &SUMMIT_DOCTOR,
];

/// The traveller, as typed on the phone.
pub const PATIENT: &str = "Amina Duarte";
/// Year, month, day of birth.
pub const BORN: (u32, u32, u32) = (1971, 4, 23);
/// The section that the patient keeps from Summit.
pub const WITHHELD: &str = "socialHistory";
