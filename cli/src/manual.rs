//! Completions, manual pages, and the page of the documentation that lists it all.

use crate::args::Arguments;
use crate::exit::Exit;
use crate::fault::CliError;
use crate::out::notice;
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use wardkey_desk::Notice;

/// Prints a shell's completions.
#[must_use]
pub fn completions(shell: Shell) -> Exit {
    clap_complete::generate(
        shell,
        &mut Arguments::command(),
        "wardkey",
        &mut std::io::stdout().lock(),
    );
    Exit::Ok
}

/// Prints `wardkey(1)`, or writes it and a page for every command into a folder.
///
/// # Errors
/// [`CliError::FileFailed`].
pub fn man(folder: Option<&Path>) -> Result<Exit, Notice> {
    let failed = |error: std::io::Error| {
        notice(&CliError::FileFailed {
            detail: error.to_string(),
        })
    };
    match folder {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(failed)?;
            clap_mangen::generate_to(Arguments::command(), folder).map_err(failed)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Arguments::command())
                .render(&mut page)
                .map_err(failed)?;
            std::io::stdout().lock().write_all(&page).map_err(failed)?;
        }
    }
    Ok(Exit::Ok)
}

/// Prints [`page`].
#[must_use]
pub fn markdown() -> Exit {
    // Whoever reads may have closed the pipe.
    let _ = std::io::stdout().lock().write_all(page().as_bytes());
    Exit::Ok
}

/// The shapes of `--json`, one object a line.
const SHAPES: &str = include_str!("shapes.md");

/// `docs/command-line.md`: written by this function, compared with the file in a test.
#[must_use]
pub fn page() -> String {
    let mut command = Arguments::command();
    command.build();
    let about = command.get_long_about().or(command.get_about());
    let mut page = format!(
        "# The command line\n\nWritten by `wardkey` itself (`cli/src/manual.rs`); a test compares it. {}\n",
        about.map(ToString::to_string).unwrap_or_default().replace("\n\n", " ")
    );
    page.push_str("\n## Commands\n");
    for area in command.get_subcommands().filter(|area| area.get_name() != "help") {
        let mut leaves: Vec<_> = area
            .get_subcommands()
            .filter(|leaf| leaf.get_name() != "help")
            .collect();
        if leaves.is_empty() {
            leaves.push(area);
        }
        for leaf in leaves {
            describe(&mut page, leaf);
        }
    }
    page.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for exit in Exit::ALL {
        let _ = writeln!(page, "| {} | {} |", exit.code(), exit.meaning());
    }
    page.push('\n');
    page.push_str(SHAPES);
    page
}

fn describe(page: &mut String, command: &clap::Command) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(page, "\n### `{usage}`\n{about}.\n\n");
    for argument in command.get_arguments() {
        if argument.is_global_set() || ["help", "version"].contains(&argument.get_id().as_str()) {
            continue;
        }
        let name = match argument.get_long() {
            Some(long) => format!("--{long}"),
            None => argument.get_id().to_string().to_uppercase(),
        };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(page, "- `{name}`: {help}");
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    /// `wardkey man --markdown > docs/command-line.md` writes it anew.
    #[test]
    fn the_page_in_the_documentation_is_the_programs() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/command-line.md");
        assert_eq!(std::fs::read_to_string(path).unwrap(), page());
    }

    #[test]
    fn every_command_has_a_manual_page_and_every_shell_completions() {
        let folder = tempfile::tempdir().unwrap();
        man(Some(folder.path())).unwrap();
        for name in ["wardkey.1", "wardkey-card-prepare.1", "wardkey-device-approve.1"] {
            let page = std::fs::read_to_string(folder.path().join(name)).unwrap();
            assert!(page.contains(".SH NAME"), "{name}");
        }
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
            let mut made = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "wardkey", &mut made);
            assert!(String::from_utf8(made).unwrap().contains("prepare"), "{shell}");
        }
    }
}
