//! A real gateway on a real socket, patients, and cards in memory behind the workstation's card port.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "tests; each uses a part"
)]

mod card;
mod desk;
mod server;

#[allow(unused_imports, reason = "each test uses a part")]
pub use card::*;
#[allow(unused_imports, reason = "each test uses a part")]
pub use desk::*;
#[allow(unused_imports, reason = "each test uses a part")]
pub use server::*;

use std::time::{Duration, Instant};
use wardkey_core::section::Section;

pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let start = Instant::now();
    while !holds().await {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "waited too long until {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn mask(sections: &[Section]) -> u32 {
    sections.iter().map(|s| s.bit()).sum()
}

pub fn everything() -> u32 {
    mask(Section::ALL)
}
