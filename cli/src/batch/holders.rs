//! The list: CSV (RFC 4180) in UTF-8 with the columns `holder` and `role`, in any order, and no others.

use crate::fault::CliError;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use wardkey_desk::named;

/// Most lines of a list.
const MOST: usize = 10_000;
/// Most mistakes that are named.
const NAMED: usize = 10;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number in the file, from 1; the header is line 1.
    pub line: u64,
    /// Name.
    pub holder: String,
    /// Role.
    pub role: String,
}

/// Reads and checks the whole list. The file is locked until the answer's second part is dropped, so that two runs never work on one
/// list.
///
/// # Errors
/// [`CliError::HoldersUnreadable`], [`CliError::HoldersInUse`], [`CliError::HoldersWrong`] with every mistake.
pub fn read(path: &Path) -> Result<(Vec<Holder>, File), CliError> {
    let unreadable = |detail: String| CliError::HoldersUnreadable {
        detail: format!("{}: {detail}", path.display()),
    };
    let mut file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    file.try_lock().map_err(|_| CliError::HoldersInUse)?;
    let mut text = String::new();
    file.read_to_string(&mut text)
        .map_err(|error| unreadable(error.to_string()))?;
    Ok((parse(&text)?, file))
}

/// The lines of a list.
///
/// # Errors
/// [`CliError::HoldersWrong`].
pub fn parse(text: &str) -> Result<Vec<Holder>, CliError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut lines = Lines::of(text.trim_start_matches('\u{feff}'));
    let wrong = |detail: String| CliError::HoldersWrong { detail };
    let header = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
    let columns: Vec<String> = header.iter().map(str::to_lowercase).collect();
    let place = |name: &str| columns.iter().position(|column| column == name);
    let (Some(holder), Some(role), 2) = (place("holder"), place("role"), columns.len()) else {
        return Err(wrong(format!(
            "the first line must name the columns holder and role, and no others; it names {}",
            header.iter().collect::<Vec<_>>().join(", ")
        )));
    };
    let mut found = Vec::new();
    let mut mistakes = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => found.push(Holder {
                line: record.position().map_or(0, |position| lines.at(position.byte())),
                holder: record.get(holder).unwrap_or_default().to_owned(),
                role: record.get(role).unwrap_or_default().to_owned(),
            }),
            Err(error) => mistakes.push(error.to_string()),
        }
    }
    mistakes.extend(check(&found));
    if found.is_empty() && mistakes.is_empty() {
        mistakes.push("there is no holder in it".to_owned());
    }
    if mistakes.is_empty() {
        return Ok(found);
    }
    let more = mistakes.len().saturating_sub(NAMED);
    mistakes.truncate(NAMED);
    if more > 0 {
        mistakes.push(format!("and {more} more"));
    }
    Err(wrong(mistakes.join("; ")))
}

/// Counts lines up to places that only grow. The library's own count stands before the line feed of a CRLF and before empty lines.
struct Lines<'a> {
    text: &'a str,
    counted: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    const fn of(text: &'a str) -> Self {
        Self {
            text,
            counted: 0,
            line: 1,
        }
    }

    /// The line of the record that begins at a byte, or after the line ends that stand there.
    fn at(&mut self, byte: u64) -> u64 {
        let rest = usize::try_from(byte)
            .ok()
            .and_then(|at| self.text.get(at..))
            .unwrap_or_default();
        let start = self.text.len() - rest.trim_start_matches(['\r', '\n']).len();
        let passed = self.text.get(self.counted..start).unwrap_or_default();
        self.line += u64::try_from(passed.matches('\n').count()).unwrap_or_default();
        self.counted = start.max(self.counted);
        self.line
    }
}

fn check(all: &[Holder]) -> Vec<String> {
    let mut mistakes = Vec::new();
    let mut seen: HashMap<(&str, &str), u64> = HashMap::new();
    for one in all {
        if named(&one.holder, &one.role).is_err() {
            mistakes.push(format!(
                "line {}: name or role is missing or longer than 100 bytes",
                one.line
            ));
        }
        if one.holder.chars().chain(one.role.chars()).any(char::is_control) {
            mistakes.push(format!("line {}: a control character", one.line));
        }
        if let Some(before) = seen.insert((&one.holder, &one.role), one.line) {
            mistakes.push(format!("line {}: the same as line {before}", one.line));
        }
    }
    if all.len() > MOST {
        mistakes.push(format!("more than {MOST} lines"));
    }
    mistakes
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_spreadsheets_write_it() {
        let text = "\u{feff}Role,Holder\r\n\"Nurse, night\",\"Ada \"\"Bo\"\" Lin\"\r\n Doctor , Ōe Kenji \r\n";
        let all = parse(text).unwrap();
        assert_eq!(
            (all[0].holder.as_str(), all[0].role.as_str()),
            ("Ada \"Bo\" Lin", "Nurse, night")
        );
        assert_eq!(
            (all[1].line, all[1].holder.as_str(), all[1].role.as_str()),
            (3, "Ōe Kenji", "Doctor")
        );
        let with_gaps = parse("holder,role\n\nA,B\n\n\nC,\"D\"\nF,G\n").unwrap();
        assert_eq!(with_gaps.iter().map(|one| one.line).collect::<Vec<_>>(), [3, 6, 7]);
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let text = format!("holder,role\nA,Doctor\n,Nurse\nA,Doctor\n{},x\nB\n", "x".repeat(101));
        let CliError::HoldersWrong { detail } = parse(&text).unwrap_err() else {
            panic!("another error")
        };
        for part in [
            "line 3: name or role",
            "line 4: the same as line 2",
            "line 5: name or role",
            "line: 6",
        ] {
            assert!(detail.contains(part), "{part}: {detail}");
        }
    }

    #[test]
    fn other_columns_and_empty_lists_are_refused() {
        for text in ["", "name,role\nA,B\n", "holder,role,pin\nA,B,123456\n", "holder,role\n"] {
            assert!(matches!(parse(text), Err(CliError::HoldersWrong { .. })), "{text}");
        }
    }

    #[test]
    fn two_runs_never_share_a_list() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "holder,role\nA,B\n").unwrap();
        let (_, first) = read(&path).unwrap();
        assert_eq!(read(&path).unwrap_err(), CliError::HoldersInUse);
        drop(first);
        assert!(read(&path).is_ok());
    }
}
