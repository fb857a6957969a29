//! Opens the window over a started workstation.

use crate::commands::{approvals, chart, enrolment, masters, outbox, posters, session, writing};
use serde::Serialize;
use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use tauri::{AppHandle, Emitter, RunEvent, WebviewWindowBuilder};
use wardkey_desk::view::Topic;
use wardkey_desk::{Notice, Settings, Workstation};

/// Payload of the event `changed`: what to read again.
#[derive(Clone, Serialize)]
struct Changed {
    topics: Vec<Topic>,
}

/// The window, once it is there; what changes before is read by the page when it starts.
type Ear = Arc<OnceLock<AppHandle>>;

/// Starts the workstation. Its changes and steps become events of the window.
///
/// # Errors
/// A notice: the data folder cannot be used, or another workstation uses it.
pub fn start(settings: Settings) -> Result<(Arc<Workstation>, Ear), Notice> {
    let ear = Ear::default();
    let (changes, steps) = (Arc::clone(&ear), Arc::clone(&ear));
    let changed = move |topics: &[Topic]| {
        tell(
            &changes,
            "changed",
            Changed {
                topics: topics.to_vec(),
            },
        )
    };
    let desk = tauri::async_runtime::block_on(async { Workstation::start(settings, changed) })?;
    desk.on_progress(move |progress| tell(&steps, "progress", progress.clone()));
    Ok((desk, ear))
}

/// Shows the window until it is closed; then the workstation is locked, so that no key outlives the window.
///
/// # Errors
/// The window system cannot be used.
pub fn show(desk: Arc<Workstation>, ear: Ear) -> tauri::Result<()> {
    let (last, cache) = (Arc::clone(&desk), desk.settings().data.join("window"));
    let app = builder(desk)
        .setup(move |app| open(app.handle(), cache, &ear))
        .build(tauri::generate_context!())?;
    app.run(move |_, event| {
        if matches!(event, RunEvent::Exit) && tauri::async_runtime::block_on(last.lock()).is_err() {
            tracing::error!("the workstation could not be locked at the end");
        }
    });
    Ok(())
}

fn builder(desk: Arc<Workstation>) -> tauri::Builder<tauri::Wry> {
    tauri::Builder::default()
        .manage(desk)
        .invoke_handler(tauri::generate_handler![
            session::snapshot,
            session::sign_in,
            session::lock,
            chart::patients,
            chart::open_chart,
            chart::chart,
            chart::close_chart,
            writing::draft,
            writing::save_draft,
            writing::write_note,
            writing::write_prescription,
            writing::import_preview,
            writing::import_confirm,
            outbox::outbox,
            outbox::retry,
            outbox::write_again,
            enrolment::it_card,
            enrolment::found_it_card,
            enrolment::unlock_it_card,
            enrolment::add_it_card,
            enrolment::forget_it_card,
            enrolment::unblock_card,
            enrolment::card_status,
            enrolment::prepare_card,
            enrolment::request_device,
            enrolment::request_renewal,
            enrolment::ask_unblock,
            enrolment::cancel_unblock,
            enrolment::find_unblock,
            enrolment::answer_unblock,
            approvals::master_sign_in,
            approvals::prepare_master,
            approvals::register_institution,
            approvals::requests,
            approvals::approve,
            approvals::refuse,
            approvals::devices,
            approvals::revoke_device,
            masters::key_state,
            masters::move_key,
            masters::give_key,
            masters::set_suspension,
            masters::masters,
            masters::offer_master,
            masters::accept_master,
            masters::change_masters,
            masters::proposals,
            masters::cosign,
            masters::withdraw,
            approvals::device_uses,
            posters::poster,
            posters::save_poster,
        ])
}

/// Opens the window of `tauri.conf.json`. What the web view keeps on disk (no patient data: the page stores nothing) stays in
/// the workstation's own folder, so that two workstations on one machine share nothing.
fn open(app: &AppHandle, cache: PathBuf, ear: &Ear) -> Result<(), Box<dyn Error>> {
    let _ = ear.set(app.clone());
    let config = app
        .config()
        .app
        .windows
        .first()
        .ok_or("tauri.conf.json names no window")?;
    WebviewWindowBuilder::from_config(app, config)?
        .data_directory(cache)
        .build()?;
    Ok(())
}

/// Emits to the window; a window that is not there hears nothing.
fn tell(ear: &Ear, event: &str, payload: impl Serialize + Clone) {
    if let Some(app) = ear.get()
        && let Err(error) = app.emit(event, payload)
    {
        tracing::debug!(%error, event, "the window did not hear an event");
    }
}
