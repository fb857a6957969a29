//! What the window looks like. Fixed places, so that nothing moves while somebody types; colours from [`crate::theme`].

mod button;
mod canvas;
mod fields;
mod footer;
mod header;
mod message;
mod pad;

use crate::dialog::{Dialog, Key, Phase};
use crate::theme::Palette;
use canvas::Canvas;
use eframe::egui::{Rect, Stroke, Ui, Vec2, pos2, vec2};
use std::time::Instant;

/// The window without the number pad, in points.
pub const SIZE: Vec2 = vec2(460.0, 384.0);
/// What the number pad adds to the width.
pub const PAD_WIDTH: f32 = 272.0;

const MARGIN: f32 = 24.0;

/// What was pressed with the pointer, or with Enter on a focused button.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// The same as a key.
    Key(Key),
    /// Show or hide the number pad.
    Pad,
}

/// Draws the dialog as it stands at `now` and tells what was pressed.
pub fn show(ui: &mut Ui, palette: &Palette, dialog: &Dialog, pad: bool, now: Instant) -> Vec<Press> {
    let origin = ui.max_rect().min;
    let canvas = Canvas::new(ui, palette);
    // The border sets the window off where no window manager draws one (a kiosk).
    canvas.boxed(ui.max_rect(), 0, palette.ground, Stroke::new(1.0, palette.control_line));
    header::show(&canvas, at(origin, MARGIN, 22.0, SIZE.x - 2.0 * MARGIN, 44.0), dialog);
    let body = at(origin, MARGIN, 82.0, SIZE.x - 2.0 * MARGIN, 222.0);
    match dialog.phase() {
        Phase::Stopped(fault) => message::stopped(&canvas, body, fault),
        _ => {
            let used = header::purpose(&canvas, body, dialog);
            let below = fields::show(&canvas, body.with_min_y(used + 14.0), dialog, now);
            message::show(&canvas, body.with_min_y(below + 12.0), dialog, now);
        }
    }
    let mut presses = footer::show(
        &canvas,
        at(origin, MARGIN, 314.0, SIZE.x - 2.0 * MARGIN, 48.0),
        dialog,
        pad,
        now,
    );
    if pad {
        presses.extend(pad::show(&canvas, at(origin, SIZE.x, 0.0, PAD_WIDTH, SIZE.y), dialog));
    }
    presses
}

fn at(origin: eframe::egui::Pos2, x: f32, y: f32, width: f32, height: f32) -> Rect {
    Rect::from_min_size(pos2(origin.x + x, origin.y + y), vec2(width, height))
}
