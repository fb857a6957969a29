//! The command line: `wardkey-workstation [--config FILE]`.

use std::ffi::OsString;
use std::path::PathBuf;

/// Where the settings are if nothing is said.
const DEFAULT: &str = "config/workstation.toml";

/// The command line cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Misused;

/// Path of the settings file from the arguments (without the program's own name).
///
/// # Errors
/// [`Misused`] if there is anything else than `--config FILE`.
pub fn settings_path(arguments: impl IntoIterator<Item = OsString>) -> Result<PathBuf, Misused> {
    let mut arguments = arguments.into_iter();
    let path = match arguments.next() {
        None => PathBuf::from(DEFAULT),
        Some(name) if name == "--config" => arguments.next().map(PathBuf::from).ok_or(Misused)?,
        Some(_) => return Err(Misused),
    };
    arguments.next().is_none().then_some(path).ok_or(Misused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(arguments: &[&str]) -> Result<PathBuf, Misused> {
        settings_path(arguments.iter().map(OsString::from))
    }

    #[test]
    fn takes_the_named_file_or_the_usual_one() {
        assert_eq!(path(&["--config", "a.toml"]), Ok(PathBuf::from("a.toml")));
        assert_eq!(path(&[]), Ok(PathBuf::from(DEFAULT)));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for wrong in [
            &["--config"][..],
            &["--conf", "a"],
            &["--config", "a", "b"],
            &["a.toml"],
        ] {
            assert_eq!(path(wrong), Err(Misused), "{wrong:?}");
        }
    }
}
