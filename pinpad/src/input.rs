//! The keyboard. Keys are taken out of egui's input before egui sees them, so that no digit stays in its event lists.

use crate::dialog::Key;
use crate::entry::Digit;
use eframe::egui::{self, Event, ImeEvent, RawInput};
use zeroize::Zeroize as _;

/// Knows which keys are held down. egui marks repeats only after this has taken the keys away from it.
#[derive(Debug, Default)]
pub struct Keyboard {
    held: Vec<egui::Key>,
    shift: bool,
}

impl Keyboard {
    /// Removes everything typed from `raw` and returns it. Tab, arrows and the pointer stay for egui. While a button has the
    /// keyboard focus (`focused`), Enter and Space are the button's.
    pub fn take(&mut self, raw: &mut RawInput, focused: bool) -> Vec<Key> {
        let mut keys = Vec::new();
        raw.events.retain_mut(|event| match event {
            Event::Text(text) | Event::Ime(ImeEvent::Commit(text)) => {
                typed(text, focused, self.shift, &mut keys);
                false
            }
            Event::Paste(text) | Event::MiddleClickPaste { text, .. } | Event::Ime(ImeEvent::Preedit { text, .. }) => {
                text.zeroize();
                false
            }
            Event::Copy | Event::Cut | Event::Ime(_) => false,
            Event::Key {
                key,
                pressed,
                modifiers,
                ..
            } => {
                self.shift = modifiers.shift;
                let repeat = self.is_repeat(*key, *pressed);
                keys.extend(command(*key, *modifiers).filter(|key| *pressed && wanted(*key, repeat, focused)));
                is_navigation(*key) || (focused && is_activation(*key) && !repeat)
            }
            Event::ModifiersChanged(modifiers) => {
                self.shift = modifiers.shift;
                true
            }
            Event::WindowFocused(false) => {
                self.held.clear();
                true
            }
            _ => true,
        });
        keys
    }

    /// Only Enter, Space and Esc are remembered: a list of held digits would be a list of digits.
    fn is_repeat(&mut self, key: egui::Key, pressed: bool) -> bool {
        let was_held = self.held.contains(&key);
        if !pressed {
            self.held.retain(|held| *held != key);
        } else if !was_held && (is_activation(key) || key == egui::Key::Escape) {
            self.held.push(key);
        }
        pressed && was_held
    }
}

fn typed(text: &mut String, focused: bool, shift: bool, keys: &mut Vec<Key>) {
    let of = |c: char| match Digit::typed(c) {
        Some(digit) => Key::Digit(digit),
        None if is_locked(c, shift) => Key::Capital(c),
        None => Key::Letter(c),
    };
    keys.extend(
        text.chars()
            .filter(|c| !(c.is_control() || focused && *c == ' '))
            .map(of),
    );
    text.zeroize();
}

/// No system tells the window whether Caps Lock is on; a capital without Shift, or a small letter with it, does.
fn is_locked(c: char, shift: bool) -> bool {
    if shift { c.is_lowercase() } else { c.is_uppercase() }
}

fn command(key: egui::Key, modifiers: egui::Modifiers) -> Option<Key> {
    match key {
        egui::Key::Enter => Some(Key::Confirm),
        egui::Key::Escape => Some(Key::Cancel),
        egui::Key::Backspace if modifiers.ctrl => Some(Key::Clear),
        egui::Key::Backspace => Some(Key::Erase),
        egui::Key::Delete => Some(Key::Clear),
        _ => None,
    }
}

fn wanted(key: Key, repeat: bool, focused: bool) -> bool {
    match key {
        Key::Confirm => !repeat && !focused,
        Key::Cancel => !repeat,
        _ => true,
    }
}

const fn is_navigation(key: egui::Key) -> bool {
    use egui::Key::{ArrowDown, ArrowLeft, ArrowRight, ArrowUp, Tab};
    matches!(key, Tab | ArrowUp | ArrowDown | ArrowLeft | ArrowRight)
}

const fn is_activation(key: egui::Key) -> bool {
    matches!(key, egui::Key::Enter | egui::Key::Space)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::Modifiers;

    fn event(key: egui::Key, pressed: bool) -> Event {
        Event::Key {
            key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: Modifiers::NONE,
        }
    }

    fn taken(events: Vec<Event>, focused: bool) -> (Vec<Key>, Vec<Event>) {
        let mut raw = RawInput {
            events,
            ..RawInput::default()
        };
        let keys = Keyboard::default().take(&mut raw, focused);
        (keys, raw.events)
    }

    fn digit(n: u8) -> Key {
        Digit::number(n).map_or(Key::Cancel, Key::Digit)
    }

    #[test]
    fn digits_reach_the_dialog_and_never_egui() {
        let (keys, left) = taken(
            vec![
                event(egui::Key::Num7, true),
                Event::Text("7".into()),
                Event::Text("３x".into()),
            ],
            false,
        );
        assert!(keys == [digit(7), digit(3), Key::Letter('x')]);
        assert!(left.is_empty());
    }

    #[test]
    fn caps_lock_shows_in_the_letters() {
        let with = |shift: bool, text: &str| {
            let pressed = Event::Key {
                key: egui::Key::A,
                physical_key: None,
                pressed: true,
                repeat: false,
                modifiers: if shift { Modifiers::SHIFT } else { Modifiers::NONE },
            };
            let mut raw = RawInput {
                events: vec![pressed, Event::Text(text.into())],
                ..RawInput::default()
            };
            Keyboard::default().take(&mut raw, false)
        };
        assert!(with(false, "a") == [Key::Letter('a')] && with(true, "A") == [Key::Letter('A')]);
        assert!(with(false, "A") == [Key::Capital('A')] && with(true, "a") == [Key::Capital('a')]);
        assert!(with(false, "7") == [digit(7)], "a digit is a digit");
        assert!(with(false, "&") == [Key::Letter('&')], "a sign has no case");
    }

    #[test]
    fn a_held_enter_or_esc_counts_once() {
        let held = [egui::Key::Enter, egui::Key::Escape]
            .into_iter()
            .flat_map(|key| [event(key, true), event(key, true)]);
        let (keys, _) = taken(held.collect(), false);
        assert!(keys == [Key::Confirm, Key::Cancel]);
        let enter = egui::Key::Enter;
        let (keys, _) = taken(vec![event(enter, true), event(enter, false), event(enter, true)], false);
        assert!(keys == [Key::Confirm, Key::Confirm], "released between");
        let (keys, _) = taken(
            vec![event(enter, true), Event::WindowFocused(false), event(enter, true)],
            false,
        );
        assert!(
            keys == [Key::Confirm, Key::Confirm],
            "the release went to another window"
        );
        let (_, left) = taken(vec![event(enter, true), event(enter, true)], true);
        assert_eq!(left.len(), 1, "a button is pressed once too");
    }

    #[test]
    fn a_focused_button_keeps_enter_and_space() {
        let events = vec![
            event(egui::Key::Enter, true),
            event(egui::Key::Space, true),
            Event::Text(" ".into()),
        ];
        let (keys, left) = taken(events, true);
        assert!(keys.is_empty());
        assert_eq!(left.len(), 2);
    }

    #[test]
    fn the_clipboard_is_ignored() {
        let (keys, left) = taken(vec![Event::Paste("739154".into()), Event::Copy, Event::Cut], false);
        assert!(keys.is_empty() && left.is_empty());
    }
}
