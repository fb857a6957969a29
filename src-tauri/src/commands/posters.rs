//! The institution's poster.

use super::{Answer, Desk};
use wardkey_desk::view;

/// The poster with the QR code.
#[tauri::command]
pub async fn poster(desk: Desk<'_>) -> Answer<view::Poster> {
    desk.poster().await
}

/// Saves the poster as PDF and PNG.
#[tauri::command]
pub async fn save_poster(desk: Desk<'_>) -> Answer<view::PosterFiles> {
    desk.save_poster().await
}
