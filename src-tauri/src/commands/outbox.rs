//! Writes on their way.

use super::{Answer, Desk};
use wardkey_desk::view;

/// Writes and their states.
#[tauri::command]
pub async fn outbox(desk: Desk<'_>) -> Answer<Vec<view::OutboxRow>> {
    desk.outbox().await
}

/// Sends now what waits.
#[tauri::command]
pub async fn retry(desk: Desk<'_>) -> Answer<()> {
    desk.retry().await
}
