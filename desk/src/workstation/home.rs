//! Which institution this terminal belongs to: by the settings, or remembered since it was registered here.

use super::Workstation;
use crate::error::DeskError;
use crate::notice::Notice;
use crate::settings::Settings;
use crate::view::Topic;
use wardkey_client::InstitutionFacts;
use wardkey_core::id::InstitutionId;
use wardkey_core::typed::Domain;

const FILE: &str = "institution";

pub(super) fn remembered(settings: &Settings) -> Option<InstitutionId> {
    settings.institution.or_else(|| {
        std::fs::read_to_string(settings.data.join(FILE))
            .ok()?
            .trim()
            .parse()
            .ok()
    })
}

impl Workstation {
    /// Remembers the institution, unless the settings name one.
    pub(super) fn come_home(&self, facts: &InstitutionFacts) -> Result<(), Notice> {
        if self.settings.institution.is_none() {
            std::fs::write(self.settings.data.join(FILE), facts.id.to_string())
                .map_err(|e| DeskError::FileFailed { detail: e.to_string() })?;
            self.state().home = Some(facts.id);
        }
        self.name_home(facts);
        Ok(())
    }

    /// Shows the registered name.
    pub(super) fn name_home(&self, facts: &InstitutionFacts) {
        let mut state = self.state();
        if state.home == Some(facts.id) && state.home_name != facts.name {
            state.home_name.clone_from(&facts.name);
            drop(state);
            self.tell(&[Topic::Snapshot]);
        }
    }

    /// The terminal's institution, from the registry.
    pub(super) async fn home(&self) -> Result<InstitutionFacts, Notice> {
        self.home_in(&self.network().await?.domain).await
    }

    /// The same, in a network that is at hand.
    pub(super) async fn home_in(&self, domain: &Domain) -> Result<InstitutionFacts, Notice> {
        let id = self.state().home.ok_or(DeskError::NoInstitution)?;
        let facts = self.gateway.institution(domain, &id).await?;
        self.name_home(&facts);
        Ok(facts)
    }
}
