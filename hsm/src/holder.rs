//! Which programs use the card service, to name them when a card is busy. They are named, never ended.

use std::collections::BTreeSet;

/// Names of the other programs that have the PC/SC library loaded, as far as this user may see; empty where the system does
/// not tell (Windows, macOS).
#[must_use]
pub fn programs() -> Vec<String> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let own = std::process::id().to_string();
    let names: BTreeSet<String> = processes
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(|pid| pid != own && pid.bytes().all(|b| b.is_ascii_digit()))
        })
        .filter(|entry| {
            std::fs::read_to_string(entry.path().join("maps")).is_ok_and(|maps| maps.contains("libpcsclite.so"))
        })
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| name != "pcscd")
        .collect();
    names.into_iter().collect()
}
