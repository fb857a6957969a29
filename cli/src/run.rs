//! From the arguments to the end.

use crate::args::{Arguments, CardCommand, Command, DeviceCommand, InstitutionCommand, ItCommand};
use crate::exit::Exit;
use crate::out::Out;
use crate::verify_log::verify_log;
use crate::{batch, card, chain, device, institution, it, manual};
use wardkey_desk::Notice;

/// Does what was asked.
pub fn run(arguments: Arguments, out: &Out) -> Exit {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            out.say(&format!("failed to start: {error}"));
            return Exit::Failed;
        }
    };
    let outcome = runtime.block_on(act(arguments, out));
    // A card that hangs must not hold the program.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|notice| out.fail(&notice))
}

async fn act(arguments: Arguments, out: &Out) -> Result<Exit, Notice> {
    let settings = arguments.settings.as_path();
    match arguments.command {
        Command::Card(CardCommand::Status(reader)) => card::status(out, reader.reader.as_deref()),
        Command::Card(CardCommand::Unblock(reader)) => card::unblock(out, settings, reader.reader.as_deref()).await,
        Command::It(ItCommand::Setup(reader)) => it::setup(out, settings, reader.reader.as_deref()).await,
        Command::It(ItCommand::Add(reader)) => it::add(out, settings, reader.reader.as_deref()).await,
        Command::Card(CardCommand::Reset { reader, yes }) => card::reset(out, reader.reader.as_deref(), yes.as_deref()),
        Command::Card(CardCommand::Prepare(prepare)) => match &prepare.holders {
            Some(list) => batch::prepare(out, settings, list, &prepare.reader).await,
            None if prepare.master => institution::prepare_master(out, settings, &prepare.reader).await,
            None => card::prepare(out, settings, &prepare).await,
        },
        Command::Device(DeviceCommand::Request { holder, role, reader }) => {
            device::request(out, settings, reader.reader.as_deref(), &holder, &role).await
        }
        Command::Device(DeviceCommand::List { waiting, reader }) => {
            device::list(out, settings, reader.reader.as_deref(), waiting).await
        }
        Command::Device(DeviceCommand::Approve(approve)) => device::approve(out, settings, &approve).await,
        Command::Device(DeviceCommand::Revoke {
            card,
            reason,
            yes,
            reader,
        }) => device::revoke(out, settings, reader.reader.as_deref(), &card, &reason, yes.as_deref()).await,
        Command::Institution(InstitutionCommand::Register { name, country, reader }) => {
            institution::register(out, settings, reader.reader.as_deref(), &name, &country).await
        }
        Command::VerifyLog(asked) => verify_log(out, &asked).await,
        Command::Chain(command) => tokio::task::block_in_place(|| chain::chain(out, &command)),
        Command::Completions { shell } => Ok(manual::completions(shell)),
        Command::Man { markdown: true, .. } => Ok(manual::markdown()),
        Command::Man { folder, .. } => manual::man(folder.as_deref()),
    }
}
