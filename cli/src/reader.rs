//! Which reader, and which card is in it.

use crate::fault::CliError;
use crate::out::notice;
use wardkey_desk::Notice;
use wardkey_hsm::{CardError, readers};

/// The reader that was named, or the only one with a card.
///
/// # Errors
/// No reader, no card, several cards.
pub fn chosen(name: Option<&str>) -> Result<String, Notice> {
    let all = readers().map_err(|error| notice(&error))?;
    if let Some(name) = name {
        let found = all.iter().find(|reader| reader.name == name);
        return match found {
            Some(reader) if reader.card_present => Ok(reader.name.clone()),
            Some(_) => Err(notice(&CardError::NoCard)),
            None => Err(notice(&CliError::NoReader)),
        };
    }
    let with_card: Vec<&str> = all
        .iter()
        .filter(|reader| reader.card_present)
        .map(|reader| reader.name.as_str())
        .collect();
    match with_card.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] if all.is_empty() => Err(notice(&CliError::NoReader)),
        [] => Err(notice(&CardError::NoCard)),
        several => Err(notice(&CliError::SeveralCards {
            names: several.join(", "),
        })),
    }
}

/// Every reader, or those that were named, which must be there.
///
/// # Errors
/// [`CliError::NoReader`].
pub fn all(named: &[String]) -> Result<Vec<String>, Notice> {
    let there: Vec<String> = readers()
        .map_err(|error| notice(&error))?
        .into_iter()
        .map(|reader| reader.name)
        .collect();
    let wanted = if named.is_empty() {
        there.clone()
    } else {
        named.to_vec()
    };
    if wanted.is_empty() || wanted.iter().any(|name| !there.contains(name)) {
        return Err(notice(&CliError::NoReader));
    }
    Ok(wanted)
}

/// Whether a card is in the reader.
#[must_use]
pub fn has_card(name: &str) -> bool {
    readers().is_ok_and(|all| all.iter().any(|reader| reader.name == name && reader.card_present))
}
