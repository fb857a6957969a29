//! Reads a PIN job, asks for the PIN, answers. Exit code 0 if the card did the job, 1 if not; a line is written either way.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use wardkey_pinpad::card::Ask;
use wardkey_pinpad::fault::PinpadError;
use wardkey_pinpad::hsm_card::HsmCard;
use wardkey_pinpad::reply::Reply;
use wardkey_pinpad::window::{self, Setting};
use wardkey_pinpad::{guard, job, log, reader};

fn main() -> ExitCode {
    log::start();
    let reply = Arc::new(Reply::default());
    if let Err(error) = run(&reply) {
        tracing::error!("failed to ask for a PIN: {error}");
        reply.send(window::unopened(&error));
    }
    if reply.was_answered() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run(reply: &Arc<Reply>) -> Result<(), PinpadError> {
    guard::harden().map_err(|error| {
        tracing::error!("failed to switch core dumps off: {error}");
        PinpadError::Unguarded
    })?;
    let job = job::read(io::stdin().lock())?;
    let (ask, name, reply) = (Ask::from(&job), reader::of(&job), Arc::clone(reply));
    window::open(Setting {
        ask,
        card: Box::new(HsmCard::new(job)),
        watch: Box::new(move |tell| reader::watch(name, tell)),
        answer: Box::new(move |ending| reply.send(ending)),
        theme: window::theme_from_environment(),
    })
}
