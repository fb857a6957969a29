//! The answer goes out once.

use crate::dialog::Ending;
use crate::job;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Writes the first ending to standard output and ignores every later one.
#[derive(Debug, Default)]
pub struct Reply {
    sent: AtomicBool,
    answered: AtomicBool,
}

impl Reply {
    /// Sends the ending, if none was sent.
    pub fn send(&self, ending: Ending) {
        if self.sent.swap(true, Ordering::SeqCst) {
            return;
        }
        self.answered
            .store(matches!(ending, Ending::Answered(_)), Ordering::SeqCst);
        if let Err(error) = output().and_then(|out| job::write(out, &job::line(ending))) {
            tracing::warn!("nobody took the answer: {error}");
        }
    }

    /// True if the card's answer was sent.
    #[must_use]
    pub fn was_answered(&self) -> bool {
        self.answered.load(Ordering::SeqCst)
    }
}

/// Standard output without `std`'s buffer, which would keep a copy of the shared secrets.
#[cfg(unix)]
fn output() -> io::Result<impl Write> {
    use std::os::fd::AsFd as _;
    Ok(std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

#[cfg(not(unix))]
fn output() -> io::Result<impl Write> {
    Ok(io::stdout())
}
