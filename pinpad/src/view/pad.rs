//! The number pad for touch screens and gloved hands.

use super::Press;
use super::button::{self, Role};
use super::canvas::Canvas;
use crate::dialog::{Dialog, Key, Phase};
use crate::entry::Digit;
use crate::texts::ENGLISH;
use eframe::egui::{Pos2, Rect, Stroke, pos2, vec2};

const KEY: eframe::egui::Vec2 = vec2(72.0, 66.0);
const GAP: f32 = 8.0;
const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// Draws the keys like a telephone's: 1 at the top left.
pub fn show(canvas: &Canvas<'_>, rect: Rect, dialog: &Dialog) -> Vec<Press> {
    canvas.line(
        rect.left_top(),
        rect.left_bottom(),
        Stroke::new(1.0, canvas.palette.line),
    );
    let size = vec2(3.0 * KEY.x + 2.0 * GAP, 4.0 * KEY.y + 3.0 * GAP);
    let first = Rect::from_center_size(rect.center(), size).min;
    let enabled = dialog.phase() == &Phase::Typing;
    let mut presses = Vec::new();
    for n in 1..=9u8 {
        let place = key(first, usize::from((n - 1) % 3), usize::from((n - 1) / 3));
        presses.extend(digit(canvas, place, n, enabled));
    }
    if button::show(canvas, key(first, 0, 3), ENGLISH.clear, Role::Digit, enabled) {
        presses.push(Press::Key(Key::Clear));
    }
    presses.extend(digit(canvas, key(first, 1, 3), 0, enabled));
    presses.extend(erase(canvas, key(first, 2, 3), enabled));
    presses
}

fn key(first: Pos2, column: usize, row: usize) -> Rect {
    let offset = vec2(column as f32 * (KEY.x + GAP), row as f32 * (KEY.y + GAP));
    Rect::from_min_size(first + offset, KEY)
}

fn digit(canvas: &Canvas<'_>, place: Rect, n: u8, enabled: bool) -> Option<Press> {
    let label = DIGITS.get(usize::from(n))?;
    let pressed = button::show(canvas, place, label, Role::Digit, enabled);
    Digit::number(n)
        .filter(|_| pressed)
        .map(|digit| Press::Key(Key::Digit(digit)))
}

/// The key with the arrow, drawn because fonts differ.
fn erase(canvas: &Canvas<'_>, place: Rect, enabled: bool) -> Option<Press> {
    let pressed = button::show(canvas, place, "", Role::Digit, enabled);
    let color = if enabled {
        canvas.palette.text
    } else {
        canvas.palette.text_2
    };
    let (c, stroke) = (place.center(), Stroke::new(2.0, color));
    let outline = [
        (-15.0, 0.0),
        (-7.0, -9.0),
        (13.0, -9.0),
        (13.0, 9.0),
        (-7.0, 9.0),
        (-15.0, 0.0),
        (-7.0, -9.0),
    ];
    canvas.path(outline.iter().map(|(x, y)| pos2(c.x + x, c.y + y)).collect(), stroke);
    canvas.line(c + vec2(-2.0, -4.0), c + vec2(6.0, 4.0), stroke);
    canvas.line(c + vec2(6.0, -4.0), c + vec2(-2.0, 4.0), stroke);
    pressed.then_some(Press::Key(Key::Erase))
}
