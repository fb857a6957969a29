//! The line under the dots, and the reason why nothing more can be done.

use super::canvas::{Canvas, Type};
use crate::card::AskKind;
use crate::dialog::{Dialog, Field, Note, Phase, SLOW_CARD};
use crate::texts::{ENGLISH, sentence};
use eframe::egui::{Align2, Color32, Rect, pos2};
use std::borrow::Cow;
use std::time::Instant;
use wardkey_core::fault::Fault;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Quiet,
    Hint,
    Warning,
    Danger,
}

/// What there is to say now.
pub fn show(canvas: &Canvas<'_>, rect: Rect, dialog: &Dialog, now: Instant) {
    if let Some((tone, text)) = said(dialog, now) {
        banner(canvas, rect, tone, &text);
    }
}

fn said(dialog: &Dialog, now: Instant) -> Option<(Tone, Cow<'_, str>)> {
    match (dialog.phase(), dialog.note()) {
        (Phase::LastTry { .. }, _) => Some((Tone::Warning, ENGLISH.last_try.into())),
        (Phase::Working { since }, _) => match dialog.touches(now) {
            Some(times) => Some((Tone::Hint, ENGLISH.touches(times))),
            None if now.saturating_duration_since(*since) >= SLOW_CARD => Some((Tone::Warning, ENGLISH.slow.into())),
            None if dialog.may_want_touch(now) => Some((Tone::Hint, ENGLISH.touch.into())),
            None => None,
        },
        (Phase::OnReader, Some(note)) => Some((tone(note), ENGLISH.note(note, dialog.tries_left()))),
        (Phase::OnReader, None) => Some((Tone::Quiet, ENGLISH.on_reader_how.into())),
        (Phase::Typing, Some(note)) => Some((tone(note), ENGLISH.note(note, dialog.tries_left()))),
        (Phase::Typing, None) if dialog.is_slow_to_look(now) => Some((Tone::Warning, ENGLISH.slow.into())),
        (Phase::Typing, None) => quiet(dialog),
        (Phase::Stopped(_) | Phase::Finished, _) => None,
    }
}

fn quiet(dialog: &Dialog) -> Option<(Tone, Cow<'_, str>)> {
    match (dialog.ask().kind, dialog.field()) {
        (AskKind::Choose, Field::First) => Some((Tone::Quiet, ENGLISH.rules.into())),
        (AskKind::Choose, Field::Again) => Some((Tone::Quiet, ENGLISH.type_again.into())),
        (AskKind::Use, _) if !dialog.has_looked() => Some((Tone::Quiet, ENGLISH.reading.into())),
        (AskKind::Use, _) => {
            let tone = if dialog.tries_left() == Some(1) {
                Tone::Warning
            } else {
                Tone::Quiet
            };
            ENGLISH.tries_left(dialog.tries_left()).map(|text| (tone, text))
        }
    }
}

const fn tone(note: &Note) -> Tone {
    match note {
        Note::WrongPin => Tone::Danger,
        Note::OneTimePassword | Note::DigitsOnly | Note::CapsLock | Note::TooShort => Tone::Hint,
        Note::Weak(_) | Note::Refused(_) | Note::Different => Tone::Warning,
    }
}

fn banner(canvas: &Canvas<'_>, rect: Rect, tone: Tone, text: &str) {
    let palette = canvas.palette;
    let (color, soft): (Color32, Color32) = match tone {
        Tone::Quiet => {
            let how = Type {
                size: 15.0,
                color: palette.text_2,
                rows: 2,
            };
            canvas.text(rect.with_min_x(rect.min.x + 2.0), Align2::LEFT_TOP, text, how);
            return;
        }
        Tone::Hint => (palette.action, palette.action_soft),
        Tone::Warning => (palette.warn, palette.warn_soft),
        Tone::Danger => (palette.danger, palette.danger_soft),
    };
    let how = Type {
        size: 15.0,
        color: if tone == Tone::Hint { palette.text } else { color },
        rows: 3,
    };
    let inner = Rect::from_min_max(
        pos2(rect.min.x + 42.0, rect.min.y + 9.0),
        pos2(rect.max.x - 12.0, rect.max.y),
    );
    let height = canvas.height(text, inner.width(), how) + 18.0;
    let place = Rect::from_min_max(rect.min, pos2(rect.max.x, rect.min.y + height));
    canvas.fill(place, 10, soft);
    canvas.sign(
        pos2(place.min.x + 22.0, place.min.y + 19.0),
        9.0,
        color,
        soft,
        tone != Tone::Hint,
    );
    canvas.text(inner, Align2::LEFT_TOP, text, how);
}

/// The fault that ends the dialog: what happened, and what to do now.
pub fn stopped(canvas: &Canvas<'_>, rect: Rect, fault: &Fault) {
    let palette = canvas.palette;
    let message = sentence(&fault.message);
    let words = Rect::from_min_max(
        pos2(rect.min.x + 68.0, rect.min.y + 24.0),
        pos2(rect.max.x - 20.0, rect.max.y),
    );
    let what = Type {
        size: 19.0,
        color: palette.danger,
        rows: 3,
    };
    let how = Type {
        size: 16.0,
        color: palette.text,
        rows: 4,
    };
    let middle = words.min.y + canvas.height(&message, words.width(), what) + 10.0;
    let end = middle + canvas.height(&fault.action, words.width(), how) + 24.0;
    canvas.fill(rect.with_max_y(end), 12, palette.danger_soft);
    canvas.sign(
        pos2(rect.min.x + 36.0, rect.min.y + 38.0),
        16.0,
        palette.danger,
        palette.danger_soft,
        true,
    );
    canvas.text(words, Align2::LEFT_TOP, &message, what);
    canvas.text(words.with_min_y(middle), Align2::LEFT_TOP, &fault.action, how);
}
