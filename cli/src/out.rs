//! What is printed: results on standard output, everything said to a person on standard error.

use crate::exit::Exit;
use serde::Serialize;
use std::io::{BufRead as _, Write as _};
use wardkey_core::fault::Coded;
use wardkey_desk::Notice;

/// Where results and words go.
#[derive(Clone, Copy, Debug)]
pub struct Out {
    json: bool,
}

/// `{"error": …}`.
#[derive(Serialize)]
struct Failed<'a> {
    error: Told<'a>,
}

/// An error as it is printed.
#[derive(Serialize)]
struct Told<'a> {
    code: &'a str,
    message: &'a str,
    action: &'a str,
}

impl Out {
    /// As JSON, or for a person.
    #[must_use]
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// A result: one JSON line, or the words.
    pub fn result<T: Serialize>(&self, value: &T, words: impl FnOnce(&T) -> String) {
        let line = if self.json {
            serde_json::to_string(value).unwrap_or_default()
        } else {
            words(value)
        };
        // Whoever reads may have closed the pipe; the work is done all the same.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    /// A step on the way to the result: a JSON line, or nothing, since the person is told in words.
    pub fn progress<T: Serialize>(&self, value: &T) {
        if self.json {
            self.result(value, |_| String::new());
        }
    }

    /// Something for the person, never a result.
    pub fn say(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// An error; answers how the program ends.
    pub fn fail(&self, notice: &Notice) -> Exit {
        if self.json {
            let error = Told {
                code: &notice.code,
                message: &notice.message,
                action: &notice.action,
            };
            let line = serde_json::to_string(&Failed { error }).unwrap_or_default();
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        } else {
            self.say(&format!("{} ({}). {}", notice.message, notice.code, notice.action));
        }
        Exit::of(&notice.code)
    }

    /// A line typed by the person; empty at the end of the input.
    #[must_use]
    pub fn ask(&self, question: &str) -> String {
        let _ = write!(std::io::stderr().lock(), "{question} ");
        let mut line = String::new();
        let _ = std::io::stdin().lock().read_line(&mut line);
        line.trim().to_owned()
    }
}

/// An error of ours or of a card as a notice.
#[must_use]
pub fn notice(error: &dyn Coded) -> Notice {
    Notice::of(error)
}
