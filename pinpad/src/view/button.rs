//! A button: 48 points high for gloved hands (WCAG 2.2, 2.5.8 asks 24), with a ring when the keyboard is on it.

use super::canvas::{Canvas, Type};
use eframe::egui::{Align2, Color32, CursorIcon, Rect, Stroke, Vec2};

/// What a button is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The one thing to do next.
    Primary,
    /// Anything else.
    Plain,
    /// Beside the point; no border.
    Quiet,
    /// A key of the pad; not reached by Tab.
    Digit,
}

/// Draws a button and tells whether it was pressed.
pub fn show(canvas: &Canvas<'_>, rect: Rect, label: &str, role: Role, enabled: bool) -> bool {
    let response = canvas.sense(rect, label, enabled, role != Role::Digit);
    let over = enabled && response.hovered();
    let (fill, text, border) = colours(canvas, role, enabled, over || response.is_pointer_button_down_on());
    canvas.boxed(rect, 10, fill, border);
    if response.has_focus() {
        canvas.boxed(
            rect.expand2(Vec2::splat(3.0)),
            12,
            Color32::TRANSPARENT,
            Stroke::new(2.0, canvas.palette.focus),
        );
    }
    let size = if role == Role::Digit && label.chars().count() == 1 {
        24.0
    } else {
        16.0
    };
    canvas.text(
        rect,
        Align2::CENTER_CENTER,
        label,
        Type {
            size,
            color: text,
            rows: 1,
        },
    );
    if over {
        response.clone().on_hover_cursor(CursorIcon::PointingHand);
    }
    response.clicked()
}

fn colours(canvas: &Canvas<'_>, role: Role, enabled: bool, lit: bool) -> (Color32, Color32, Stroke) {
    let palette = canvas.palette;
    match (role, enabled, lit) {
        (Role::Primary, true, false) => (palette.action, palette.action_text, Stroke::NONE),
        (Role::Primary, true, true) => (palette.action_hover, palette.action_text, Stroke::NONE),
        (Role::Primary, false, _) => (palette.surface_2, palette.text_2, Stroke::NONE),
        (Role::Quiet, _, false) => (palette.ground, palette.action, Stroke::NONE),
        (Role::Quiet, _, true) => (palette.action_soft, palette.action, Stroke::NONE),
        (_, false, _) => (palette.ground, palette.text_2, Stroke::new(1.0, palette.line)),
        (_, true, false) => (palette.surface, palette.text, Stroke::new(1.0, palette.control_line)),
        (_, true, true) => (palette.surface_2, palette.text, Stroke::new(1.0, palette.control_line)),
    }
}
