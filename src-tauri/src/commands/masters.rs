//! For the holders of several master keys: the list, what waits for signatures, the institution's key.

use super::{Answer, Desk};
use wardkey_desk::view;

/// Where the institution's agreement key stands.
#[tauri::command]
pub async fn key_state(desk: Desk<'_>) -> Answer<view::KeyView> {
    desk.key_state().await
}

/// Moves the institution's agreement key to its next epoch.
#[tauri::command]
pub async fn move_key(desk: Desk<'_>) -> Answer<()> {
    desk.move_key().await
}

/// Gives the institution's agreement key to cards that lack it.
#[tauri::command]
pub async fn give_key(desk: Desk<'_>) -> Answer<()> {
    desk.give_key().await
}

/// Suspends a device, or lets it act again.
#[tauri::command]
pub async fn set_suspension(desk: Desk<'_>, device: String, suspended: bool) -> Answer<()> {
    desk.set_suspension(&device, suspended).await
}

/// The master keys.
#[tauri::command]
pub async fn masters(desk: Desk<'_>) -> Answer<view::MastersView> {
    desk.masters().await
}

/// Offers the new card in the reader as a master key, further or in another's place.
#[tauri::command]
pub async fn offer_master(desk: Desk<'_>, replaces: Option<String>, threshold: u8) -> Answer<view::OfferedMaster> {
    desk.offer_master(replaces.as_deref(), threshold).await
}

/// Accepts the offered card.
#[tauri::command]
pub async fn accept_master(desk: Desk<'_>) -> Answer<()> {
    desk.accept_master().await
}

/// Removes a master key, or changes how many must sign.
#[tauri::command]
pub async fn change_masters(desk: Desk<'_>, remove: Option<String>, threshold: u8) -> Answer<()> {
    desk.change_masters(remove.as_deref(), threshold).await
}

/// What waits for signatures.
#[tauri::command]
pub async fn proposals(desk: Desk<'_>) -> Answer<Vec<view::ProposalRow>> {
    desk.proposals().await
}

/// Signs what another master proposed.
#[tauri::command]
pub async fn cosign(desk: Desk<'_>, proposal: String) -> Answer<()> {
    desk.cosign(&proposal).await
}

/// Withdraws a proposal.
#[tauri::command]
pub async fn withdraw(desk: Desk<'_>, proposal: String, reason: String) -> Answer<()> {
    desk.withdraw(&proposal, &reason).await
}
