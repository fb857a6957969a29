//! Patients and the open chart.

use super::{Answer, Desk};
use wardkey_desk::view;

/// Who granted access to this institution.
#[tauri::command]
pub async fn patients(desk: Desk<'_>) -> Answer<Vec<view::PatientRow>> {
    desk.patients().await
}

/// Reads the granted sections; the patient sees the reason.
#[tauri::command]
pub async fn open_chart(desk: Desk<'_>, commitment: String, reason: String) -> Answer<view::Chart> {
    desk.open_chart(&commitment, &reason).await
}

/// The open chart as it is now; no new read.
#[tauri::command]
pub async fn chart(desk: Desk<'_>) -> Answer<Option<view::Chart>> {
    desk.chart().await
}

/// Forgets the open chart.
#[tauri::command]
pub async fn close_chart(desk: Desk<'_>) -> Answer<()> {
    desk.close_chart().await
}
