//! The readers of this machine and whether a card is in them.

use crate::CardError;
use crate::piv::transport;
use serde::Serialize;

/// One reader as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReaderState {
    /// The PC/SC name.
    pub name: String,
    /// True if a card is in it.
    pub card_present: bool,
    /// Answer to reset, hex; empty without a card.
    pub atr: String,
}

/// All readers, in the service's order; empty if there is none.
///
/// # Errors
/// [`CardError::ServiceDown`], [`CardError::ServiceDenied`].
pub fn readers() -> Result<Vec<ReaderState>, CardError> {
    let context = transport::context()?;
    let names = match context.list_readers_owned() {
        Ok(names) => names,
        Err(pcsc::Error::NoReadersAvailable) => Vec::new(),
        Err(error) => return Err(transport::error(error)),
    };
    let mut states: Vec<_> = names
        .into_iter()
        .map(|name| pcsc::ReaderState::new(name, pcsc::State::UNAWARE))
        .collect();
    if states.is_empty() {
        return Ok(Vec::new());
    }
    context
        .get_status_change(std::time::Duration::ZERO, &mut states)
        .map_err(transport::error)?;
    Ok(states.iter().map(state).collect())
}

pub(crate) fn state(from: &pcsc::ReaderState) -> ReaderState {
    ReaderState {
        name: from.name().to_string_lossy().into_owned(),
        card_present: from.event_state().contains(pcsc::State::PRESENT),
        atr: hex::encode(from.atr()),
    }
}
