//! For the holder of the institution's master key.

use super::{Answer, Desk};
use wardkey_desk::view;

/// Signs in with the master card.
#[tauri::command]
pub async fn master_sign_in(desk: Desk<'_>) -> Answer<()> {
    desk.master_sign_in().await
}

/// Makes the institution's master key on a new card.
#[tauri::command]
pub async fn prepare_master(desk: Desk<'_>) -> Answer<()> {
    desk.prepare_master().await
}

/// Registers the institution, signed by the master key.
#[tauri::command]
pub async fn register_institution(desk: Desk<'_>, name: String, country: String) -> Answer<()> {
    desk.register_institution(&name, &country).await
}

/// Requests that wait for a decision.
#[tauri::command]
pub async fn requests(desk: Desk<'_>) -> Answer<Vec<view::RequestRow>> {
    desk.requests().await
}

/// Approves a request: rights as bits (1 read, 2 write), until `not_after`.
#[tauri::command]
pub async fn approve(desk: Desk<'_>, request: String, rights: u8, not_after: u64) -> Answer<()> {
    desk.approve(&request, rights, not_after).await
}

/// Refuses a request.
#[tauri::command]
pub async fn refuse(desk: Desk<'_>, request: String, reason: String) -> Answer<()> {
    desk.refuse(&request, &reason).await
}

/// All devices of the institution.
#[tauri::command]
pub async fn devices(desk: Desk<'_>) -> Answer<Vec<view::DeviceRow>> {
    desk.devices().await
}

/// Revokes a device for good; the reason is kept beside it.
#[tauri::command]
pub async fn revoke_device(desk: Desk<'_>, device: String, reason: String) -> Answer<()> {
    desk.revoke_device(&device, &reason).await
}

/// What a device read and wrote since a time.
#[tauri::command]
pub async fn device_uses(desk: Desk<'_>, device: String, since: u64) -> Answer<view::DeviceUses> {
    desk.device_uses(&device, since).await
}
