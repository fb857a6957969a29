//! Who asks, what for, which card.

use super::canvas::{Canvas, Type};
use crate::dialog::Dialog;
use crate::texts::{ENGLISH, filled};
use eframe::egui::{Align2, Rect, Stroke, pos2, vec2};

/// The card's picture, the asker, the title; the card's serial number at the right.
pub fn show(canvas: &Canvas<'_>, rect: Rect, dialog: &Dialog) {
    let palette = canvas.palette;
    picture(canvas, Rect::from_min_size(rect.min, vec2(44.0, 44.0)));
    let words = rect.with_min_x(rect.min.x + 58.0);
    let mut right = words.max.x;
    if let Some(serial) = dialog.serial() {
        let text = filled(ENGLISH.card, &[serial]);
        let small = Type {
            size: 14.0,
            color: palette.text_2,
            rows: 1,
        };
        right = canvas.text(words, Align2::RIGHT_TOP, &text, small).min.x - 16.0;
    }
    let asker = Type {
        size: 14.0,
        color: palette.text_2,
        rows: 1,
    };
    canvas.text(words.with_max_x(right), Align2::LEFT_TOP, &dialog.ask().asker, asker);
    let title = Type {
        size: 22.0,
        color: palette.text,
        rows: 1,
    };
    canvas.text(words, Align2::LEFT_BOTTOM, &dialog.ask().title, title);
}

/// The purpose, at most two rows at the top of `rect`; returns where it ends.
pub fn purpose(canvas: &Canvas<'_>, rect: Rect, dialog: &Dialog) -> f32 {
    let how = Type {
        size: 16.0,
        color: canvas.palette.text,
        rows: 2,
    };
    canvas.text(rect, Align2::LEFT_TOP, &dialog.ask().purpose, how).max.y
}

fn picture(canvas: &Canvas<'_>, tile: Rect) {
    let palette = canvas.palette;
    canvas.fill(tile, 12, palette.action_soft);
    let stroke = Stroke::new(2.0, palette.action);
    let card = Rect::from_center_size(tile.center(), vec2(27.0, 19.0));
    canvas.boxed(card, 4, palette.action_soft, stroke);
    let chip = Rect::from_min_size(pos2(card.min.x + 5.0, card.min.y + 5.0), vec2(7.0, 6.0));
    canvas.fill(chip, 2, palette.action);
    let y = card.max.y - 5.0;
    canvas.line(pos2(card.min.x + 16.0, y), pos2(card.max.x - 5.0, y), stroke);
}
