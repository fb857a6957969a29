//! Debian packages: what the build links to, and what the story is played on.

use crate::run::{self, say};
use anyhow::{Context, Result, bail};
use std::process::Command;

/// Each package with the reason for it.
const NEEDED: &[(&str, &str)] = &[
    ("build-essential", "compiler and linker"),
    ("pkg-config", "finds libraries for the build"),
    ("libclang-dev", "bindings of the virtual card"),
    ("libpcsclite-dev", "smart cards (PC/SC)"),
    ("libwebkit2gtk-4.1-dev", "the workstation's window"),
    ("libgl1", "the PIN window"),
    ("libegl1", "the PIN window"),
    ("libgl1-mesa-dri", "the PIN window without a graphics card"),
    ("libxkbcommon-x11-0", "the PIN window's keyboard"),
    ("fonts-dejavu-core", "the poster's letters"),
    ("pcscd", "smart card service"),
    ("vsmartcard-vpcd", "virtual card readers"),
    ("yubico-piv-tool", "a foreign client that judges the virtual card"),
    (
        "python3-venv",
        "holds ykman and schemathesis, foreign clients that judge the virtual card and the gateway",
    ),
    ("python3-pyscard", "ykman's way to the cards"),
    ("openssl", "makes keys and chains for the tests"),
    ("systemd", "judges the gateway's unit (systemd-analyze)"),
    ("opensc", "a foreign client that judges the virtual card"),
    ("softhsm2", "a PKCS#11 token that stands in for an HSM"),
    ("xvfb", "a display where there is none"),
    ("xdotool", "types PINs in the story"),
    ("dbus", "a session bus for the workstation's window"),
    ("webkit2gtk-driver", "drives the workstation's window"),
    ("chromium", "the patient's phone page"),
    ("chromium-driver", "drives the phone page"),
    ("ffmpeg", "shows the poster to the phone's camera"),
    ("imagemagick", "pictures of whole screens"),
    ("poppler-utils", "reads the poster's PDF back"),
    ("postgresql", "a database of the tests' own"),
    ("curl", "asks the chain in the operator's paper"),
];

/// Installs the missing packages, after saying which. Does nothing when all are there.
pub fn install() -> Result<()> {
    let missing: Vec<&(&str, &str)> = NEEDED.iter().filter(|(name, _)| !installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    say("These Debian packages are missing and will be installed now with apt-get:");
    for (name, reason) in &missing {
        eprintln!("      {name:<24} {reason}");
    }
    if !exists("apt-get") {
        bail!("apt-get was not found: install the packages above in your system's own way, then run this again");
    }
    run::run(apt()?.args(["update", "--quiet"]))?;
    let names = missing.iter().map(|(name, _)| *name);
    run::run(
        apt()?
            .args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(names),
    )
    .context("failed to install the packages above")
}

fn installed(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Abbrev}", package])
        .output()
        .is_ok_and(|output| output.status.success() && output.stdout.starts_with(b"ii"))
}

fn exists(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

/// `apt-get` as root: directly, or by sudo. It asks nothing.
fn apt() -> Result<Command> {
    let user = run::output(Command::new("id").arg("--user"))?;
    let mut command = if user.trim() == "0" {
        Command::new("env")
    } else if exists("sudo") {
        let mut command = Command::new("sudo");
        command.arg("env");
        command
    } else {
        bail!("installing packages needs root: run this as root once, or install sudo");
    };
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    Ok(command)
}
