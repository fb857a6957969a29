//! Counting tests from what test runners print.

/// Tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many passed.
    pub passed: u32,
    /// How many failed.
    pub failed: u32,
}

impl Tally {
    /// One test.
    pub fn one(passed: bool) -> Self {
        Self {
            passed: u32::from(passed),
            failed: u32::from(!passed),
        }
    }

    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
        }
    }

    /// What one line of a test runner's output adds: cargo's `test result:`, forge's `Suite result:` or vitest's `Tests`.
    pub fn of_line(line: &str) -> Self {
        let line = plain(line);
        let line = line.trim_start();
        let counts = if let Some(rest) = line.strip_prefix("test result:") {
            rest
        } else if let Some(rest) = line.strip_prefix("Suite result:") {
            rest
        } else if let Some(rest) = line.strip_prefix("Tests ") {
            rest
        } else {
            return Self::default();
        };
        Self {
            passed: before(counts, "passed"),
            failed: before(counts, "failed"),
        }
    }
}

/// The number that stands before the word.
fn before(text: &str, word: &str) -> u32 {
    let words: Vec<&str> = text.split([' ', ';', '|']).filter(|word| !word.is_empty()).collect();
    let at = words.iter().position(|candidate| *candidate == word);
    at.and_then(|at| words.get(at.checked_sub(1)?)?.parse().ok())
        .unwrap_or(0)
}

/// The line without terminal colours.
fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut inside = false;
    for letter in line.chars() {
        match (inside, letter) {
            (false, '\u{1b}') => inside = true,
            (false, letter) => out.push(letter),
            (true, letter) if letter.is_ascii_alphabetic() => inside = false,
            (true, _) => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_forge_and_vitest_are_counted() {
        let cargo =
            "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(Tally::of_line(cargo), Tally { passed: 12, failed: 3 });
        assert_eq!(
            Tally::of_line("      Tests  2 failed | 40 passed (42)"),
            Tally { passed: 40, failed: 2 }
        );
        assert_eq!(
            Tally::of_line("\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m7 passed\u{1b}[39m\u{1b}[22m (7)"),
            Tally { passed: 7, failed: 0 }
        );
        let forge = "Suite result: FAILED. 9 passed; 2 failed; 0 skipped; finished in 1.21ms (3.02ms CPU time)";
        assert_eq!(Tally::of_line(forge), Tally { passed: 9, failed: 2 });
        assert_eq!(
            Tally::of_line("Ran 15 test suites in 1.20s: 9 tests passed, 2 failed, 0 skipped (11 total tests)"),
            Tally::default()
        );
        assert_eq!(Tally::of_line("Test Files  1 passed (1)"), Tally::default());
        assert_eq!(Tally::of_line("test a::b ... ok"), Tally::default());
    }
}
