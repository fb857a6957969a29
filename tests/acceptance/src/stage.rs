//! Everything that the story is played on.

use crate::cast::{HARBOUR, Person, SUMMIT};
use crate::gateway::Gateway;
use crate::phone::Phone;
use crate::pinpad;
use crate::place::Place;
use crate::workstation::{Terminal, Workstation};
use anyhow::{Context, Result};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use wardkey_virtual_card::rig::{CardHandle, PORTS, Rig};

/// The two institutions of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// At home.
    Harbour,
    /// Far from home.
    Summit,
}

impl Side {
    /// Its terminal.
    pub const fn terminal(self) -> &'static Terminal {
        match self {
            Self::Harbour => &HARBOUR,
            Self::Summit => &SUMMIT,
        }
    }
}

/// Windows first, services last: fields are dropped in this order.
pub struct Stage {
    /// Harbour's workstation.
    harbour: Workstation,
    /// Summit's workstation.
    summit: Workstation,
    /// The patient's phone.
    pub phone: Phone,
    cards: [Option<CardHandle>; 2],
    /// The gateway.
    pub gateway: Gateway,
    /// The card service.
    pub rig: Rig,
    /// Folders.
    pub place: Place,
    /// What later steps need of earlier ones: ids, links.
    pub notes: HashMap<&'static str, String>,
}

impl Stage {
    /// Starts the services; no window is open yet.
    pub fn set(place: Place) -> Result<Self> {
        let ca = place.data("test-ca");
        std::fs::create_dir_all(&ca)?;
        let rig = Rig::start(&ca).context("failed to start the card service")?;
        trust(&rig, &place)?;
        let gateway = Gateway::start(&place)?;
        let harbour = Workstation::new(&place, HARBOUR, gateway.origin())?;
        let summit = Workstation::new(&place, SUMMIT, gateway.origin())?;
        let phone = Phone::new(&place, "patient");
        Ok(Self {
            harbour,
            summit,
            phone,
            cards: [None, None],
            gateway,
            rig,
            place,
            notes: HashMap::new(),
        })
    }

    /// A workstation.
    pub fn at(&self, side: Side) -> &Workstation {
        match side {
            Side::Harbour => &self.harbour,
            Side::Summit => &self.summit,
        }
    }

    /// A workstation, to open or close.
    pub fn at_mut(&mut self, side: Side) -> &mut Workstation {
        match side {
            Side::Harbour => &mut self.harbour,
            Side::Summit => &mut self.summit,
        }
    }

    /// Puts a card into a terminal's reader, after pulling the one in it.
    pub async fn insert(&mut self, side: Side, person: &Person) -> Result<()> {
        self.pull(side).await?;
        let slot = side.terminal().slot;
        let state = self.place.data("cards").join(person.card);
        if let Some(folder) = state.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let card = self.rig.insert(PORTS[slot], &state, Some(person.serial));
        self.cards[slot] = Some(card.with_context(|| format!("failed to insert {}", person.card))?);
        Ok(())
    }

    /// Pulls the card, if there is one, and waits until the reader says so.
    pub async fn pull(&mut self, side: Side) -> Result<()> {
        if self.cards[side.terminal().slot].take().is_some() {
            self.rig.wait_for_card(side.terminal().reader, false)?;
        }
        Ok(())
    }

    /// Pulls the card without waiting. Answers when it was pulled.
    pub fn snatch(&mut self, side: Side) -> Instant {
        self.cards[side.terminal().slot] = None;
        Instant::now()
    }

    /// Types the person's PIN into the PIN window and waits until it is gone.
    pub async fn pin(&self, side: Side, person: &Person) -> Result<()> {
        self.at(side).pin(&[person.pin]).await?;
        pinpad::vanish(self.at(side).display(), Duration::from_secs(20)).await
    }

    /// Chooses the person's first PIN: typed twice.
    pub async fn choose_pin(&self, side: Side, person: &Person) -> Result<()> {
        self.at(side).pin(&[person.pin, person.pin]).await?;
        pinpad::vanish(self.at(side).display(), Duration::from_secs(20)).await
    }

    /// Puts a card in at the lock screen and waits for the PIN window, which opens by itself.
    pub async fn ask_to_sign_in(&mut self, side: Side, person: &Person) -> Result<()> {
        self.pull(side).await?;
        let page = self.at(side).page()?.clone();
        if page.shows("leave-tasks").await? {
            page.click("leave-tasks").await?;
        }
        self.insert(side, person).await?;
        pinpad::appear(self.at(side).display(), Duration::from_secs(15))
            .await
            .map(drop)
    }

    /// Remembers a value for later steps.
    pub fn note(&mut self, name: &'static str, value: impl Into<String>) {
        self.notes.insert(name, value.into());
    }

    /// A value of an earlier step.
    pub fn noted(&self, name: &str) -> Result<String> {
        self.notes
            .get(name)
            .cloned()
            .with_context(|| format!("no earlier step noted `{name}`"))
    }

    /// Closes the windows as a person would, so that browsers write their profiles.
    pub async fn close(&mut self) {
        self.harbour.stop().await;
        self.summit.stop().await;
        self.phone.stop().await;
    }

    /// Pictures of every window, for a failed step.
    pub async fn pictures_of_failure(&self) {
        for side in [Side::Harbour, Side::Summit] {
            let name = side.terminal().name;
            let _ = self
                .at(side)
                .display()
                .shot(&self.place.out(&format!("failed-{name}.png")));
            if let Ok(page) = self.at(side).page() {
                let _ = std::fs::write(self.place.out(&format!("failed-{name}.txt")), page.words().await);
            }
        }
        if let Ok(page) = self.phone.page() {
            let _ = page.shot(&self.place.out("failed-phone.png")).await;
            let _ = std::fs::write(self.place.out("failed-phone.txt"), page.words().await);
        }
    }
}

/// Puts the test root, and nothing else, into the folder that the terminals' settings name.
pub fn trust(rig: &Rig, place: &Place) -> Result<()> {
    let roots = place.data("test-roots");
    std::fs::create_dir_all(&roots)?;
    std::fs::copy(rig.root_pem(), roots.join("root.pem")).context("the card service has no test root")?;
    Ok(())
}
