//! `wardkey`: cards and devices for IT.

use clap::Parser as _;
use std::process::ExitCode;
use wardkey_cli::args::Arguments;
use wardkey_cli::out::Out;
use wardkey_cli::{log, run};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log::start();
    let out = Out::new(arguments.json);
    run::run(arguments, &out).into()
}
