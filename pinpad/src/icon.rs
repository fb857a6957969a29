//! The window's icon, drawn here: a key hole on the action colour.

use crate::theme::LIGHT;
use eframe::egui::{Color32, IconData};

const SIDE: u32 = 64;

/// 64 × 64 pixels, RGBA.
#[must_use]
pub fn icon() -> IconData {
    let pixels = (0..SIDE * SIDE).flat_map(|n| pixel(n % SIDE, n / SIDE).to_array());
    IconData {
        rgba: pixels.collect(),
        width: SIDE,
        height: SIDE,
    }
}

fn pixel(x: u32, y: u32) -> Color32 {
    let (x, y) = (x as f32 + 0.5 - 32.0, y as f32 + 0.5 - 32.0);
    let corner = ((x.abs() - 16.0).max(0.0).powi(2) + (y.abs() - 16.0).max(0.0).powi(2)).sqrt();
    let hole = x.hypot(y + 6.0) < 9.0 || ((-4.0..18.0).contains(&y) && x.abs() < 3.0 + (y + 4.0) * 0.12);
    match (corner < 15.0, hole) {
        (false, _) => Color32::TRANSPARENT,
        (true, true) => LIGHT.action_text,
        (true, false) => LIGHT.action,
    }
}
