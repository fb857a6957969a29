//! Who is signed in.

use super::{Answer, Desk};
use wardkey_desk::view;

/// Everything that is always visible.
#[tauri::command]
pub async fn snapshot(desk: Desk<'_>) -> Answer<view::Snapshot> {
    desk.snapshot().await
}

/// Signs in with the card in the reader, or uncovers; the PIN window asks for the PIN.
#[tauri::command]
pub async fn sign_in(desk: Desk<'_>) -> Answer<()> {
    desk.sign_in().await
}

/// Locks the terminal; drafts are kept.
#[tauri::command]
pub async fn lock(desk: Desk<'_>) -> Answer<()> {
    desk.lock().await
}
