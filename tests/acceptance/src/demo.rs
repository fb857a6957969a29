//! Everything open for a person: windows, phone page, and a prompt that inserts and pulls virtual cards.

use crate::cast::{CARDS, HARBOUR, SUMMIT};
use crate::display::Display;
use crate::gateway::Gateway;
use crate::phone::film;
use crate::place::Place;
use crate::process::{Process, guarded};
use crate::stage::trust;
use crate::workstation::{Cards, Terminal, write_settings};
use anyhow::{Context, Result, bail};
use std::path::Path;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use wardkey_virtual_card::rig::{CardHandle, PORTS, Rig};

/// What runs. Windows go first, services last.
struct Demo {
    phone: Option<Process>,
    _windows: Vec<Process>,
    cards: [Option<CardHandle>; 2],
    gateway: Gateway,
    rig: Option<Rig>,
    display: Display,
    place: Place,
}

/// Starts everything and reads commands until `quit`, the end of input, or Ctrl-C.
pub async fn run(root: &Path, keep: bool, cards: Cards) -> Result<()> {
    let place = Place::make(root, "demo-data", "demo", keep)?;
    let mut demo = Demo::start(place.clone(), cards)?;
    demo.welcome();
    let told = demo.listen().await;
    drop(demo);
    place.tidy(keep)?;
    told
}

impl Demo {
    fn start(place: Place, cards: Cards) -> Result<Self> {
        let display = match Display::of_user() {
            Some(display) => display,
            None => Display::own("demo", &place.logs())?,
        };
        let ca = place.data("test-ca");
        std::fs::create_dir_all(&ca)?;
        let rig = match cards {
            Cards::Virtual => Some(Rig::start(&ca).context("failed to start the card service")?),
            Cards::Real => None,
        };
        if let Some(rig) = &rig {
            trust(rig, &place)?;
        }
        let gateway = Gateway::start(&place)?;
        let terminals: &[&Terminal] = if cards == Cards::Virtual {
            &[&HARBOUR, &SUMMIT]
        } else {
            &[&HARBOUR]
        };
        let mut windows = Vec::new();
        for terminal in terminals {
            let config = write_settings(&place, terminal, gateway.origin(), cards)?;
            let mut command = guarded("dbus-run-session");
            command
                .arg("--")
                .arg(place.program("wardkey-workstation"))
                .arg("--config")
                .arg(config);
            display.dress(&mut command);
            windows.push(Process::start(
                &format!("workstation-{}", terminal.name),
                &mut command,
                &place.logs(),
            )?);
        }
        let mut demo = Self {
            phone: None,
            _windows: windows,
            cards: [None, None],
            gateway,
            rig,
            display,
            place,
        };
        demo.open_phone(None)?;
        Ok(demo)
    }

    /// The phone page in a small window; its camera is the machine's, or sees a poster.
    fn open_phone(&mut self, film: Option<&Path>) -> Result<()> {
        self.phone = None;
        let mut command = guarded("chromium");
        self.display.dress(&mut command);
        command.args([
            "--no-first-run",
            "--disable-sync",
            "--disable-background-networking",
            "--window-size=430,900",
        ]);
        command.args(["--disable-component-update", "--disable-quic"]);
        if rustix::process::getuid().is_root() {
            command.arg("--no-sandbox");
        }
        command.arg(format!(
            "--user-data-dir={}",
            self.place.data("phone-patient").display()
        ));
        if let Some(film) = film {
            command.args(["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]);
            command.arg(format!("--use-file-for-fake-video-capture={}", film.display()));
        }
        command.arg(format!("--app={}/", self.gateway.origin()));
        self.phone = Some(Process::start("phone", &mut command, &self.place.logs())?);
        Ok(())
    }

    fn welcome(&self) {
        println!("\nWardkey runs. Gateway and phone page: {}/", self.gateway.origin());
        if std::env::var_os("DISPLAY").is_none() {
            let display = self.display.name();
            println!("There is no display here: the windows are on {display}, a virtual one.");
            println!("  look:   import -display {display} -window root screen.png");
            println!("  touch:  x11vnc -display {display} -localhost   (package x11vnc), then any VNC viewer");
        }
        if self.rig.is_none() {
            println!("Real cards: put yours into the reader. One window is open: Harbour Hospital.");
        }
        println!("\nWhat to do next:");
        println!(
            "  1. insert harbour-master   then in Harbour's window: Terminal tasks, Approvals, Prepare a master card,"
        );
        println!("                             sign in with it, register the institution");
        println!("  2. accredit Harbour Hospital");
        println!("  3. insert harbour-doctor   Cards: prepare it, send the request");
        println!("     insert harbour-master   Approvals: sign in, compare the words, approve");
        println!("  4. in Posters: save; then  poster harbour   shows it to the phone's camera: scan and grant");
        println!("  5. insert harbour-doctor   sign in, open the chart, import a summary, write");
        println!("  6. the same for Summit     (summit-master, summit-doctor), grant less, then revoke");
        println!("  7. pull                    the screen is covered at once\n");
        self.help();
    }

    fn help(&self) {
        let cards: Vec<&str> = CARDS.iter().map(|person| person.card).collect();
        println!(
            "Commands: insert CARD · pull [harbour|summit] · accredit NAME · suspend NAME · poster harbour|summit · camera · help · quit"
        );
        println!("Cards: {}. A new card asks you to choose a PIN.", cards.join(", "));
    }

    async fn listen(&mut self) -> Result<()> {
        let mut lines = typed_lines();
        while let Some(line) = lines.recv().await {
            let line = line.trim();
            if ["quit", "exit", "q"].contains(&line) {
                return Ok(());
            }
            if let Err(error) = self.obey(line).await {
                println!("{error:#}");
            }
        }
        // Without a terminal (input closed) it runs until it is interrupted.
        std::future::pending().await
    }

    async fn obey(&mut self, line: &str) -> Result<()> {
        let (verb, what) = line.split_once(' ').unwrap_or((line, ""));
        let what = what.trim();
        match verb {
            "" => Ok(()),
            "help" => {
                self.help();
                Ok(())
            }
            "insert" => self.insert(what),
            "pull" => self.pull(what),
            "accredit" | "suspend" => self.operator(verb, what).await,
            "poster" => self.poster(what),
            "camera" => self.open_phone(None),
            _ => bail!("`{verb}` is no command here; `help` lists them"),
        }
    }

    fn insert(&mut self, name: &str) -> Result<()> {
        let rig = self.rig.as_ref().context("real cards are inserted by hand")?;
        let person = CARDS.iter().find(|person| person.card == name);
        let person = person.with_context(|| format!("there is no card `{name}`; `help` lists them"))?;
        let slot = usize::from(name.starts_with(SUMMIT.name));
        self.cards[slot] = None;
        std::fs::create_dir_all(self.place.data("cards"))?;
        let state = self.place.data("cards").join(person.card);
        self.cards[slot] = Some(rig.insert(PORTS[slot], &state, Some(person.serial))?);
        println!(
            "{name} is in {}'s reader.",
            if slot == 0 { "Harbour" } else { "Summit" }
        );
        Ok(())
    }

    fn pull(&mut self, side: &str) -> Result<()> {
        for (slot, terminal) in [HARBOUR, SUMMIT].iter().enumerate() {
            if (side.is_empty() || side == terminal.name) && self.cards[slot].take().is_some() {
                println!("The card was pulled from {}'s reader.", terminal.institution);
            }
        }
        Ok(())
    }

    async fn operator(&self, action: &str, name: &str) -> Result<()> {
        let institution = self.gateway.institution(name).await?;
        let id = institution["id"].as_str().context("the institution has no id")?;
        println!("{}", self.gateway.operator(action, id)?);
        Ok(())
    }

    fn poster(&mut self, side: &str) -> Result<()> {
        let folder = self.place.data(side).join("posters");
        let saved =
            std::fs::read_dir(&folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect::<Vec<_>>());
        let picture = saved
            .unwrap_or_default()
            .into_iter()
            .find(|file| file.extension().is_some_and(|kind| kind == "png"));
        let picture = picture.context("no poster was saved yet: open Posters in that window and save it")?;
        let to = self.place.data("camera.y4m");
        film(&picture, &to)?;
        self.open_phone(Some(&to))?;
        println!("The phone was started again; its camera sees {}.", picture.display());
        Ok(())
    }
}

/// What is typed on the terminal, line by line; ends with the input.
fn typed_lines() -> UnboundedReceiver<String> {
    let (send, lines) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(std::result::Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
