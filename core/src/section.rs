//! Sections of the International Patient Summary (IPS 2.0) with their numbers here (protocol §2) and LOINC codes.

use serde::{Deserialize, Serialize};

macro_rules! sections {
    ($($name:ident = $number:literal, $text:literal, $loinc:expr;)+) => {
        /// A section of a patient's record. The number is its bit in a grant.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[repr(u8)]
        pub enum Section { $(#[doc = $text] $name = $number,)+ }

        impl Section {
            /// Every section, by number.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The section with this number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }

            /// Its name in JSON, camelCase.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// LOINC code of the IPS section, where IPS has one.
            #[must_use]
            pub const fn loinc(self) -> Option<&'static str> {
                match self { $(Self::$name => $loinc,)+ }
            }
        }
    };
}

sections! {
    Demographics = 0, "demographics", None;
    Problems = 1, "problems", Some("11450-4");
    Allergies = 2, "allergies", Some("48765-2");
    Medications = 3, "medications", Some("10160-0");
    Immunizations = 4, "immunizations", Some("11369-6");
    Results = 5, "results", Some("30954-2");
    Procedures = 6, "procedures", Some("47519-4");
    Devices = 7, "devices", Some("46264-8");
    AdvanceDirectives = 8, "advanceDirectives", Some("42348-3");
    Alerts = 9, "alerts", Some("104605-1");
    FunctionalStatus = 10, "functionalStatus", Some("47420-5");
    PastProblems = 11, "pastProblems", Some("11348-0");
    Pregnancy = 12, "pregnancy", Some("10162-6");
    PatientStory = 13, "patientStory", Some("81338-6");
    PlanOfCare = 14, "planOfCare", Some("18776-5");
    SocialHistory = 15, "socialHistory", Some("29762-2");
    VitalSigns = 16, "vitalSigns", Some("8716-3");
    Encounters = 17, "encounters", None;
    Documents = 18, "documents", None;
}

/// Number of the patient's own log key; never granted.
pub const LOG_SECTION: u8 = 31;

impl Section {
    /// Its number, 0–18.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its bit in a grant's `read` or `write` mask.
    #[must_use]
    pub const fn bit(self) -> u32 {
        1 << self.number()
    }

    /// The sections whose bits are set.
    pub fn in_mask(mask: u32) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |s| mask & s.bit() != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_agree_with_json() {
        for (i, section) in Section::ALL.iter().enumerate() {
            assert_eq!(usize::from(section.number()), i);
            assert_eq!(Section::from_number(section.number()), Some(*section));
            assert_eq!(serde_json::to_value(section).ok(), Some(section.name().into()));
        }
        assert_eq!(Section::from_number(19), None);
        assert_eq!(Section::from_number(LOG_SECTION), None);
    }
}
