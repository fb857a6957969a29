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

/// Makes a refused write a draft again.
#[tauri::command]
pub async fn write_again(desk: Desk<'_>, record: String) -> Answer<()> {
    desk.write_again(&record).await
}
