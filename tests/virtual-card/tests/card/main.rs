//! The virtual card behaves like the real one where it matters: judged by bare commands and by foreign clients, behind the
//! real `pcscd`. The rig makes tests take turns.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod attestation;
mod control;
mod lasting;
mod pin;
mod policies;
mod resetting;
mod ykman;

use std::ffi::CString;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;
use wardkey_virtual_card::rig::{CardHandle, PORTS, Rig};

pub(crate) const PIN: [u8; 8] = *b"123456\xff\xff";
pub(crate) const WRONG: [u8; 8] = *b"999999\xff\xff";
pub(crate) const PUK: [u8; 8] = *b"12345678";

/// Readers and a folder for cards.
pub(crate) struct Bench {
    // Before the folder: cards must be gone when it goes.
    pub(crate) rig: Rig,
    pub(crate) folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            rig: Rig::start(&folder.path().join("ca")).unwrap(),
            folder,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The card of this name, factory-fresh at first, in the first reader.
    pub(crate) fn insert(&self, name: &str) -> CardHandle {
        self.rig.insert(PORTS[0], &self.path(name), None).unwrap()
    }

    /// Pulls it and waits until the service has looked at the reader itself.
    pub(crate) fn pull(&self, card: CardHandle) {
        let reader = card.reader();
        drop(card);
        self.rig.wait_for_card(reader, false).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(500));
    }

    /// `yubico-piv-tool` in this folder; whether it succeeded, and its words.
    pub(crate) fn piv_tool(&self, card: &CardHandle, arguments: &str) -> (bool, String) {
        let output = Command::new("yubico-piv-tool")
            .args(["-r", card.reader()])
            .args(arguments.split(' '))
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    /// Makes a key with these policies, as a foreign client asks for it.
    pub(crate) fn generate(&self, card: &CardHandle, slot: &str, policies: &str) {
        let arguments = format!("-s {slot} -a generate -A ECCP256 {policies} -o public-{slot}.pem");
        let (ok, text) = self.piv_tool(card, arguments.trim());
        assert!(ok, "{text}");
    }
}

/// Bare commands, without any card layer.
pub(crate) struct Raw(pcsc::Card);

impl Raw {
    /// Connects and selects the PIV application.
    pub(crate) fn open(card: &CardHandle) -> Self {
        let raw = Self::open_unselected(card);
        raw.select();
        raw
    }

    /// Connects and leaves the card as the program before has left it.
    pub(crate) fn open_unselected(card: &CardHandle) -> Self {
        Self::connect(card.reader())
    }

    pub(crate) fn connect(reader: &str) -> Self {
        let context = pcsc::Context::establish(pcsc::Scope::System).unwrap();
        let name = CString::new(reader).unwrap();
        Self(
            context
                .connect(&name, pcsc::ShareMode::Shared, pcsc::Protocols::ANY)
                .unwrap(),
        )
    }

    pub(crate) fn select(&self) {
        assert_eq!(self.status(&[0, 0xa4, 4, 0, 5, 0xa0, 0, 0, 3, 8]), 0x9000);
    }

    /// Sends one command; data and status word.
    pub(crate) fn send(&self, command: &[u8]) -> (Vec<u8>, u16) {
        let mut buffer = vec![0; pcsc::MAX_BUFFER_SIZE];
        let answer = self.0.transmit(command, &mut buffer).unwrap();
        let (data, status) = answer.split_last_chunk::<2>().unwrap();
        let (mut data, status) = (data.to_vec(), u16::from_be_bytes(*status));
        if status >> 8 != 0x61 {
            return (data, status);
        }
        let (rest, status) = self.send(&[0, 0xc0, 0, 0, status.to_be_bytes()[1]]);
        data.extend(rest);
        (data, status)
    }

    pub(crate) fn status(&self, command: &[u8]) -> u16 {
        self.send(command).1
    }

    pub(crate) fn verify(&self, pin: &[u8; 8]) -> u16 {
        self.status(&[&[0, 0x20, 0, 0x80, 8][..], pin].concat())
    }

    /// RESET RETRY COUNTER.
    pub(crate) fn unblock(&self, puk: &[u8; 8], pin: &[u8; 8]) -> u16 {
        self.status(&[&[0, 0x2c, 0, 0x80, 16][..], puk, pin].concat())
    }

    pub(crate) fn metadata(&self, reference: u8) -> Vec<u8> {
        let (data, status) = self.send(&[0, 0xf7, 0, reference, 0]);
        assert_eq!(status, 0x9000);
        data
    }

    /// The default flag, tries and tries left of PIN (80) or PUK (81).
    pub(crate) fn secret(&self, reference: u8) -> (bool, u8, u8) {
        match self.metadata(reference)[..] {
            [1, 1, 0xff, 5, 1, default, 6, 2, tries, left] => (default == 1, tries, left),
            ref other => panic!("{other:x?}"),
        }
    }

    /// GENERAL AUTHENTICATE: a signature over 32 bytes.
    pub(crate) fn sign(&self, slot: u8) -> u16 {
        let template = [0x7c, 36, 0x82, 0, 0x81, 32];
        self.status(&[&[0, 0x87, 0x11, slot, 38][..], &template, &[7; 32], &[0]].concat())
    }

    /// Ends the connection and powers the card down.
    pub(crate) fn power_off(self) {
        self.0
            .disconnect(pcsc::Disposition::UnpowerCard)
            .map_err(|(_, error)| error)
            .unwrap();
    }

    /// Ends the connection and leaves the card as it is.
    pub(crate) fn leave(self) {
        self.0
            .disconnect(pcsc::Disposition::LeaveCard)
            .map_err(|(_, error)| error)
            .unwrap();
    }
}
