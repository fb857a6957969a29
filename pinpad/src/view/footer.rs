//! The buttons.

use super::Press;
use super::button::{self, Role};
use super::canvas::Canvas;
use crate::card::AskKind;
use crate::dialog::{Dialog, Field, Key, Phase};
use crate::texts::ENGLISH;
use eframe::egui::{Rect, pos2};
use std::time::Instant;

const GAP: f32 = 10.0;

/// Confirm and Cancel at the right, the number pad's button at the left.
pub fn show(canvas: &Canvas<'_>, rect: Rect, dialog: &Dialog, pad: bool, now: Instant) -> Vec<Press> {
    let mut presses = Vec::new();
    let stopped = matches!(dialog.phase(), Phase::Stopped(_));
    let on_reader = dialog.is_on_reader();
    if dialog.phase() == &Phase::OnReader {
        let cancel = from_right(canvas, rect, rect.max.x, ENGLISH.cancel, 96.0);
        if button::show(canvas, cancel, ENGLISH.cancel, Role::Plain, true) {
            presses.push(Press::Key(Key::Cancel));
        }
        return presses;
    }
    let label = if pad { ENGLISH.pad_close } else { ENGLISH.pad };
    // Drawn in the order in which Tab goes: what is done next comes first.
    let confirm = from_right(canvas, rect, rect.max.x, confirm_label(dialog), 116.0);
    if button::show(
        canvas,
        confirm,
        confirm_label(dialog),
        Role::Primary,
        dialog.can_confirm(now),
    ) {
        presses.push(Press::Key(Key::Confirm));
    }
    if stopped {
        return presses;
    }
    let cancel_label = if matches!(dialog.phase(), Phase::LastTry { .. }) && !on_reader {
        ENGLISH.back
    } else {
        ENGLISH.cancel
    };
    let cancel = from_right(canvas, rect, confirm.min.x - GAP, cancel_label, 96.0);
    if button::show(canvas, cancel, cancel_label, Role::Plain, dialog.can_cancel(now)) {
        presses.push(Press::Key(Key::Cancel));
    }
    if on_reader {
        return presses;
    }
    let width = canvas.width(label, 16.0) + 24.0;
    let toggle = Rect::from_min_max(
        rect.min - eframe::egui::vec2(12.0, 0.0),
        pos2(rect.min.x - 12.0 + width, rect.max.y),
    );
    if button::show(canvas, toggle, label, Role::Quiet, true) {
        presses.push(Press::Pad);
    }
    presses
}

fn from_right(canvas: &Canvas<'_>, rect: Rect, right: f32, label: &str, least: f32) -> Rect {
    let width = (canvas.width(label, 16.0) + 36.0).max(least);
    Rect::from_min_max(pos2(right - width, rect.min.y), pos2(right, rect.max.y))
}

const fn confirm_label(dialog: &Dialog) -> &'static str {
    match (dialog.phase(), dialog.ask().kind, dialog.field()) {
        (Phase::Stopped(_), ..) => ENGLISH.close,
        (Phase::LastTry { .. }, ..) => ENGLISH.spend,
        (_, AskKind::Use, _) => ENGLISH.confirm,
        (_, AskKind::Choose, Field::First) => ENGLISH.next,
        (_, AskKind::Choose, Field::Again) => ENGLISH.set,
    }
}
