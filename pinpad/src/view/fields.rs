//! The rows of dots.

use super::canvas::{Canvas, Type};
use crate::card::AskKind;
use crate::dialog::{Dialog, Field, Note, Phase};
use crate::entry::{FEWEST, MOST};
use crate::texts::ENGLISH;
use eframe::egui::{Align2, Pos2, Rect, Stroke, pos2, vec2};
use std::time::Instant;

const DOT: f32 = 8.0;
const STEP: f32 = 32.0;

/// One row to use a PIN, two to choose one; returns where they end.
pub fn show(canvas: &Canvas<'_>, rect: Rect, dialog: &Dialog, now: Instant) -> f32 {
    let rows: &[(Field, &str, f32)] = match dialog.ask().kind {
        AskKind::Use => &[(Field::First, ENGLISH.pin, 60.0)],
        AskKind::Choose => &[
            (Field::First, ENGLISH.new_pin, 48.0),
            (Field::Again, ENGLISH.again, 48.0),
        ],
    };
    let mut top = rect.min.y;
    for (field, label, height) in rows {
        let row = Rect::from_min_size(pos2(rect.min.x, top), vec2(rect.width(), *height));
        match dialog.phase() {
            Phase::Working { .. } | Phase::OnReader | Phase::Finished => {
                canvas.boxed(row, 10, canvas.palette.surface, Stroke::new(1.0, canvas.palette.line))
            }
            _ => dots(canvas, row, label, dialog, *field),
        }
        top = row.max.y + 8.0;
    }
    let all = Rect::from_min_max(rect.min, pos2(rect.max.x, top - 8.0));
    match dialog.phase() {
        Phase::Working { since } => {
            let touch = dialog.touches(now).is_some();
            working(canvas, all, now.saturating_duration_since(*since).as_secs_f32(), touch);
        }
        Phase::OnReader => said(canvas, all, ENGLISH.on_reader, true, |place| keys(canvas, place)),
        Phase::LastTry { .. } if dialog.is_on_reader() => {
            canvas.boxed(all, 10, canvas.palette.surface, Stroke::new(1.0, canvas.palette.line));
        }
        _ => {}
    }
    all.max.y
}

fn dots(canvas: &Canvas<'_>, row: Rect, label: &str, dialog: &Dialog, field: Field) {
    let palette = canvas.palette;
    let active = dialog.field() == field && dialog.phase() == &Phase::Typing;
    let wrong = active && dialog.typed(field) == 0 && matches!(dialog.note(), Some(Note::WrongPin));
    let border = match (wrong, active) {
        (true, _) => Stroke::new(2.0, palette.danger),
        (false, true) => Stroke::new(2.0, palette.action),
        (false, false) => Stroke::new(1.0, palette.control_line),
    };
    canvas.boxed(row, 10, palette.surface, border);
    let how = Type {
        size: 15.0,
        color: palette.text_2,
        rows: 1,
    };
    canvas.text(row.with_min_x(row.min.x + 18.0), Align2::LEFT_CENTER, label, how);
    let typed = dialog.typed(field);
    for place in 0..MOST {
        let right = (MOST - 1 - place) as f32 * STEP + 26.0;
        let centre = pos2(row.max.x - right, row.center().y);
        if place < typed {
            canvas.disc(centre, DOT, palette.text);
        } else if place == typed && active {
            canvas.circle(centre, DOT - 1.0, Stroke::new(2.0, palette.action));
        } else {
            let color = if place < FEWEST {
                palette.control_line
            } else {
                palette.line
            };
            canvas.disc(centre, 3.0, color);
        }
    }
}

fn working(canvas: &Canvas<'_>, rect: Rect, seconds: f32, touch: bool) {
    if touch {
        return said(canvas, rect, ENGLISH.touch_now, true, |place| {
            finger(canvas, place, seconds)
        });
    }
    said(canvas, rect, ENGLISH.working, false, |place| {
        canvas.ring(place, 11.0, seconds)
    });
}

/// One line in the middle of the box with a sign before it; large and in colour if the person is to do something.
fn said(canvas: &Canvas<'_>, rect: Rect, text: &str, urgent: bool, sign: impl FnOnce(Pos2)) {
    let palette = canvas.palette;
    let (fill, border) = if urgent {
        (palette.action_soft, Stroke::new(2.0, palette.action))
    } else {
        (palette.surface, Stroke::new(1.0, palette.line))
    };
    let how = Type {
        size: if urgent { 21.0 } else { 16.0 },
        color: palette.text,
        rows: 1,
    };
    let width = (canvas.width(text, how.size) + 44.0).min(rect.width() - 24.0);
    let place = Rect::from_center_size(rect.center(), vec2(width, rect.height()));
    canvas.boxed(rect, 10, fill, border);
    sign(pos2(place.min.x + 14.0, place.center().y));
    canvas.text(place.with_min_x(place.min.x + 42.0), Align2::LEFT_CENTER, text, how);
}

/// A YubiKey's contact that blinks, as the card in the hand does.
fn finger(canvas: &Canvas<'_>, centre: Pos2, seconds: f32) {
    let palette = canvas.palette;
    canvas.circle(centre, 13.0, Stroke::new(2.0, palette.action));
    let lit = (seconds * 2.0).fract() < 0.6;
    canvas.disc(centre, 7.0, if lit { palette.action } else { palette.line });
}

/// The keys of a reader.
fn keys(canvas: &Canvas<'_>, centre: Pos2) {
    for row in 0..3u8 {
        for column in 0..3u8 {
            let offset = vec2(f32::from(column) - 1.0, f32::from(row) - 1.0) * 10.0;
            canvas.fill(
                Rect::from_center_size(centre + offset, vec2(7.0, 7.0)),
                2,
                canvas.palette.action,
            );
        }
    }
}
