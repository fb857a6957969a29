//! Cards: for IT staff.

use super::{Answer, Desk};
use wardkey_desk::view;

/// The card in the reader.
#[tauri::command]
pub async fn card_status(desk: Desk<'_>) -> Answer<Option<view::CardStatus>> {
    desk.card_status().await
}

/// Prepares a new card for one named person; steps come as `progress` events.
#[tauri::command]
pub async fn prepare_card(desk: Desk<'_>, holder: String, role: String) -> Answer<()> {
    desk.prepare_card(&holder, &role).await
}

/// Asks for the card's approval.
#[tauri::command]
pub async fn request_device(desk: Desk<'_>) -> Answer<view::DeviceRequested> {
    desk.request_device().await
}

/// Asks for a longer approval of the signed-in card.
#[tauri::command]
pub async fn request_renewal(desk: Desk<'_>) -> Answer<view::DeviceRequested> {
    desk.request_renewal().await
}
