//! The workstation's window. All it does is show `ui/desk` and hand its questions to `wardkey_desk`.

mod args;
mod commands;
mod logging;
#[cfg(test)]
mod manifest;
#[cfg(test)]
mod names;
mod window;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use wardkey_desk::Settings;

fn main() -> ExitCode {
    logging::start();
    let Ok(path) = args::settings_path(std::env::args_os().skip(1)) else {
        eprintln!("usage: wardkey-workstation [--config FILE]");
        return ExitCode::from(2);
    };
    match run(&path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed to start the workstation: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(path: &Path) -> Result<(), Box<dyn Error>> {
    let settings = Settings::load(path)?;
    let (desk, ear) = window::start(settings).map_err(|notice| format!("{notice}. {}", notice.action))?;
    Ok(window::show(desk, ear)?)
}
