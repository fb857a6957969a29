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

/// Asks IT to unblock the card in the reader; the words are in the snapshot.
#[tauri::command]
pub async fn ask_unblock(desk: Desk<'_>) -> Answer<()> {
    desk.ask_unblock().await
}

/// Gives that request up.
#[tauri::command]
pub async fn cancel_unblock(desk: Desk<'_>) -> Answer<()> {
    desk.cancel_unblock().await
}

/// The request that six words name, for IT.
#[tauri::command]
pub async fn find_unblock(desk: Desk<'_>, words: String) -> Answer<view::UnblockFound> {
    desk.find_unblock(&words).await
}

/// Answers it with the card's unblocking code, sealed to the terminal.
#[tauri::command]
pub async fn answer_unblock(desk: Desk<'_>, request: String) -> Answer<()> {
    desk.answer_unblock(&request).await
}

/// Asks for a longer approval of the signed-in card.
#[tauri::command]
pub async fn request_renewal(desk: Desk<'_>) -> Answer<view::DeviceRequested> {
    desk.request_renewal().await
}

/// IT's card: whether there is one, and whether it has unlocked.
#[tauri::command]
pub async fn it_card(desk: Desk<'_>) -> Answer<view::ItView> {
    desk.it_card().await
}

/// Makes the card in the reader the first IT card; steps come as `progress` events.
#[tauri::command]
pub async fn found_it_card(desk: Desk<'_>) -> Answer<()> {
    desk.found_it_card().await
}

/// IT's card opens what cards are prepared with, for a quarter of an hour.
#[tauri::command]
pub async fn unlock_it_card(desk: Desk<'_>) -> Answer<()> {
    desk.unlock_it_card().await
}

/// Makes the card in the reader an IT card too.
#[tauri::command]
pub async fn add_it_card(desk: Desk<'_>) -> Answer<()> {
    desk.add_it_card().await
}

/// Locks it again.
#[tauri::command]
pub async fn forget_it_card(desk: Desk<'_>) -> Answer<()> {
    desk.forget_it_card().await
}

/// The holder of the card in the reader chooses a new PIN in the PIN window.
#[tauri::command]
pub async fn unblock_card(desk: Desk<'_>) -> Answer<()> {
    desk.unblock_card().await
}
