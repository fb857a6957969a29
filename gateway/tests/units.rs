//! The files with which the gateway is run: what they promise is in them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::process::Command;

const UNIT: &str = include_str!("../../config/systemd/wardkey-gateway.service");
const CONTAINER: &str = include_str!("../../config/container/Containerfile");

fn lines(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect()
}

#[test]
fn the_unit_gives_the_gateway_nothing_that_it_does_not_need() {
    let unit = lines(UNIT);
    for line in [
        "Type=notify",
        "DynamicUser=yes",
        "StateDirectoryMode=0700",
        "UMask=0077",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateDevices=yes",
        "PrivateTmp=yes",
        "MemoryDenyWriteExecute=yes",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "SystemCallFilter=@system-service",
        "LimitCORE=0",
    ] {
        assert!(unit.contains(&line), "{line}");
    }
}

/// systemd's own judgement; the program need not be installed for it.
#[test]
fn systemd_finds_the_unit_sound_and_little_exposed() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("wardkey-gateway.service");
    std::fs::write(&unit, UNIT.replace("/usr/bin/wardkey-gateway", "/bin/true")).unwrap();
    let judge = |arguments: &[&str]| {
        let output = Command::new("systemd-analyze").args(arguments).arg(&unit).output();
        let output = output.expect("systemd-analyze is missing: `cargo xtask test` installs it (Debian's systemd)");
        let said = [output.stdout, output.stderr].concat();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&said)
        );
    };
    judge(&["verify", "--man=no"]);
    // Tenths of its scale from 0 (best) to 10.
    judge(&["security", "--offline=yes", "--threshold=15"]);
}

#[test]
fn the_container_is_built_apart_and_runs_as_nobody() {
    let lines = lines(CONTAINER);
    let stages = lines.iter().filter(|line| line.starts_with("FROM "));
    assert!(stages.count() > 1, "what builds is not what runs");
    let user = lines.iter().rposition(|line| *line == "USER 10001").unwrap();
    let last = lines.iter().rposition(|line| line.starts_with("FROM ")).unwrap();
    assert!(user > last);
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("HEALTHCHECK ") && line.contains("/healthz"))
    );
    assert!(CONTAINER.contains("NOT RUN") && CONTAINER.contains("--read-only"));
}
