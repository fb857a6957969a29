//! From a job to what the person is shown.

use crate::card::{Ask, AskKind};
use wardkey_hsm::pinjob::{PinJob, PinJobKind};

const LONGEST_TITLE: usize = 60;
const LONGEST_ASKER: usize = 80;
const LONGEST_PURPOSE: usize = 200;
const LONGEST_SERIAL: usize = 24;

impl From<&PinJob> for Ask {
    fn from(job: &PinJob) -> Self {
        Self {
            title: shown(&job.title, LONGEST_TITLE),
            asker: shown(&job.asker, LONGEST_ASKER),
            purpose: shown(&job.purpose, LONGEST_PURPOSE),
            // An HSM's serial number is none that a person could compare with anything.
            serial: job
                .serial
                .as_deref()
                .filter(|_| job.store.is_none())
                .map(|serial| shown(serial, LONGEST_SERIAL)),
            kind: match job.kind {
                PinJobKind::Use => AskKind::Use,
                PinJobKind::Choose => AskKind::Choose,
            },
        }
    }
}

/// One line of at most `most` characters, without characters that hide or turn text around (Unicode bidi controls,
/// UAX #9 §2), so that nobody's name can imitate another text of the window.
fn shown(text: &str, most: usize) -> String {
    let visible = |c: char| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let spaced: String = text
        .chars()
        .filter(|&c| visible(c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        line
    } else {
        line.chars().take(most - 1).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_one_clean_line() {
        assert_eq!(shown("  Harbour\n\tHospital\u{202e}\u{0} ", 80), "Harbour Hospital");
        assert_eq!(shown("県立病院", 80), "県立病院");
        assert_eq!(shown(&"x".repeat(99), 10), "xxxxxxxxx…");
    }
}
