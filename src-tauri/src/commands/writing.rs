//! Drafts, notes, prescriptions, imports.

use super::{Answer, Desk};
use wardkey_desk::view;

/// What was typed and not yet written.
#[tauri::command]
pub async fn draft(desk: Desk<'_>, commitment: String) -> Answer<Option<view::Draft>> {
    desk.draft(&commitment).await
}

/// Keeps what is being typed, sealed to the clinician.
#[tauri::command]
pub async fn save_draft(desk: Desk<'_>, commitment: String, draft: view::Draft) -> Answer<()> {
    desk.save_draft(&commitment, draft).await
}

/// Writes an encounter note.
#[tauri::command]
pub async fn write_note(desk: Desk<'_>, commitment: String, text: String) -> Answer<()> {
    desk.write_note(&commitment, &text).await
}

/// Signs a prescription with the signature key, and writes it.
#[tauri::command]
pub async fn write_prescription(desk: Desk<'_>, commitment: String, prescription: view::Prescription) -> Answer<()> {
    desk.write_prescription(&commitment, prescription).await
}

/// What an IPS document would write.
#[tauri::command]
pub async fn import_preview(desk: Desk<'_>, commitment: String, bytes_base64: String) -> Answer<view::ImportPreview> {
    desk.import_preview(&commitment, &bytes_base64).await
}

/// Writes the document that was shown.
#[tauri::command]
pub async fn import_confirm(desk: Desk<'_>, commitment: String) -> Answer<view::ImportDone> {
    desk.import_confirm(&commitment).await
}
