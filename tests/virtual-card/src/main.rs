//! A virtual YubiKey in a virtual reader; runs until it is stopped (= pulled).

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use wardkey_virtual_card::{Applet, Card, CardFault, Fault, TestCa, control};

/// Inserts a virtual YubiKey into a reader of vpcd. Stop the program to pull the card.
#[derive(Parser)]
struct Arguments {
    /// vpcd's port on 127.0.0.1: 35963 is "Virtual PCD 00 00", 35964 "Virtual PCD 00 01".
    #[arg(long, default_value_t = 35963)]
    port: u16,
    /// The file that keeps the card; made factory-fresh if it is missing. A folder means card.json in it.
    #[arg(long)]
    state: PathBuf,
    /// The folder of the test attestation root (root.pem), shared by all cards; made if missing.
    #[arg(long)]
    ca: PathBuf,
    /// Serial number of a new card; random if left out.
    #[arg(long)]
    serial: Option<u32>,
    /// Holds the card to the reader's antenna instead of inserting it: `ykman --reader` wants that.
    #[arg(long)]
    nfc: bool,
    /// A socket to be made, on which the line `touch` touches the card.
    #[arg(long)]
    control: Option<PathBuf>,
    /// Seconds to wait for vpcd.
    #[arg(long, default_value_t = 10)]
    wait: u64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("wardkey-virtual-card: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), CardFault> {
    let ca = TestCa::open(&arguments.ca)?;
    let deadline = Instant::now() + Duration::from_secs(arguments.wait);
    let card = loop {
        let applet = Applet::open(&arguments.state, &ca, arguments.serial)?;
        let serial = applet.serial();
        let finger = applet.finger();
        match Card::insert(applet, arguments.port, Fault::default()) {
            Ok(card) => {
                if let Some(path) = &arguments.control {
                    control::listen(path, finger)?;
                }
                println!("card {serial} inserted on port {}", arguments.port);
                break card.over_nfc(arguments.nfc);
            }
            Err(error) if Instant::now() > deadline => {
                return Err(CardFault::Service(format!(
                    "nobody listens on port {} ({error}); is pcscd running with vsmartcard-vpcd?",
                    arguments.port
                )));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    };
    // The connection ends when the reader goes away; that is no failure of the card.
    if let Err(error) = card.run() {
        println!("card removed: {error}");
    }
    Ok(())
}
