//! What was done, in a file beside the list: `LIST.state.json`. Whole or absent at any moment: written beside, synced, renamed.

use super::holders::Holder;
use crate::fault::CliError;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Version of the file's form.
const VERSION: u32 = 1;

/// How far a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stand {
    /// No card yet.
    Waiting,
    /// A card was taken for it; its preparation may have been broken off.
    Begun,
    /// Prepared, its holder has chosen a PIN.
    Prepared,
    /// Its approval is asked for: done.
    Requested,
}

/// The last error of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// Stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub action: String,
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its number in the list.
    pub line: u64,
    /// Name.
    pub holder: String,
    /// Role.
    pub role: String,
    /// How far.
    pub stand: Stand,
    /// The card's serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The request's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The six words of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// What went wrong last; gone once it went well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RowError>,
}

#[derive(Deserialize, Serialize)]
struct Whole {
    version: u32,
    rows: Vec<Row>,
}

/// The file beside a list.
#[must_use]
pub fn path(list: &Path) -> PathBuf {
    let mut name = list.as_os_str().to_owned();
    name.push(".state.json");
    PathBuf::from(name)
}

/// The rows of an earlier run brought together with the list: lines that follow at its end are new.
///
/// # Errors
/// [`CliError::HoldersChanged`] if a line that was there is another now, or the file is of another version.
pub fn load(list: &Path, holders: &[Holder]) -> Result<Vec<Row>, CliError> {
    let changed = |detail: String| CliError::HoldersChanged { detail };
    let before = match std::fs::read(path(list)) {
        Ok(bytes) => {
            let whole: Whole = serde_json::from_slice(&bytes).map_err(|error| changed(error.to_string()))?;
            if whole.version != VERSION {
                return Err(changed(format!("its state file has version {}", whole.version)));
            }
            whole.rows
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(changed(error.to_string())),
    };
    for (place, row) in before.iter().enumerate() {
        match holders.get(place) {
            Some(now) if now.holder == row.holder && now.role == row.role => {}
            Some(now) => {
                return Err(changed(format!(
                    "line {} was {}, now {}",
                    row.line, row.holder, now.holder
                )));
            }
            None => return Err(changed(format!("line {}, {}, is gone", row.line, row.holder))),
        }
    }
    let mut rows = before;
    rows.extend(holders.iter().skip(rows.len()).map(fresh));
    Ok(rows)
}

fn fresh(holder: &Holder) -> Row {
    Row {
        line: holder.line,
        holder: holder.holder.clone(),
        role: holder.role.clone(),
        stand: Stand::Waiting,
        serial: None,
        request: None,
        words: Vec::new(),
        error: None,
    }
}

/// Writes the rows.
///
/// # Errors
/// [`CliError::FileFailed`].
pub fn save(list: &Path, rows: &[Row]) -> Result<(), CliError> {
    let failed = |error: std::io::Error| CliError::FileFailed {
        detail: error.to_string(),
    };
    let whole = Whole {
        version: VERSION,
        rows: rows.to_vec(),
    };
    let bytes = serde_json::to_vec_pretty(&whole).map_err(|error| failed(error.into()))?;
    let path = path(list);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    beside.write_all(&bytes).map_err(failed)?;
    beside.as_file().sync_all().map_err(failed)?;
    beside.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use crate::batch::holders::parse;

    #[test]
    fn a_run_goes_on_where_it_was_and_new_lines_may_follow() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("ward.csv");
        let begun = parse("holder,role\nA,Doctor\nB,Nurse\n").unwrap();
        let mut rows = load(&list, &begun).unwrap();
        rows[0].stand = Stand::Requested;
        rows[0].serial = Some("17".to_owned());
        save(&list, &rows).unwrap();
        let longer = parse("holder,role\nA,Doctor\nB,Nurse\nC,Nurse\n").unwrap();
        let again = load(&list, &longer).unwrap();
        assert_eq!((again.len(), &again[0], again[2].stand), (3, &rows[0], Stand::Waiting));
        for text in ["holder,role\nA,Nurse\nB,Nurse\n", "holder,role\nA,Doctor\n"] {
            let other = parse(text).unwrap();
            assert!(
                matches!(load(&list, &other), Err(CliError::HoldersChanged { .. })),
                "{text}"
            );
        }
    }
}
