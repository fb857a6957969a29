//! How the systems' card services differ, as data, and the one way to follow any of them.

use super::{RETRY, Seen};
use crate::CardError;
use std::time::Duration;

/// Where states come from: the card service, or a fake in tests.
pub trait StatusSource: Send + 'static {
    /// Reaches the service anew; what was known before counts no more.
    ///
    /// # Errors
    /// [`CardError::ServiceDown`] if the service does not run; others count as the same.
    fn connect(&mut self) -> Result<(), CardError>;

    /// The names of all readers.
    ///
    /// # Errors
    /// As [`StatusSource::connect`].
    fn list(&mut self) -> Result<Vec<String>, CardError>;

    /// Waits until one of these readers differs from what was told last, or is asked for the first time, at most so long; then
    /// tells all that are still there. With `notified`, a new reader ends the wait as well.
    ///
    /// # Errors
    /// As [`StatusSource::connect`].
    fn wait(&mut self, readers: &[String], notified: bool, at_most: Duration) -> Result<Vec<Seen>, CardError>;
}

/// How one system's card service behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The service knows the notification reader (`\\?PnP?\Notification`) and reports new readers through it.
    pub notifies: bool,
    /// The service ends with the last reader and comes back with the next: then it is not down, there is just no reader.
    pub stops_with_last_reader: bool,
    /// Longest wait, after which the list of readers is read again whatever was reported, and a stop is noticed.
    pub round: Duration,
}

impl Rule {
    /// pcsc-lite.
    pub const LINUX: Self = Self {
        notifies: true,
        stops_with_last_reader: false,
        round: Duration::from_millis(500),
    };
    /// macOS: no notification reader, so the list is polled.
    pub const MACOS: Self = Self {
        notifies: false,
        stops_with_last_reader: false,
        round: Duration::from_millis(200),
    };
    /// Windows: `SCARD_E_SERVICE_STOPPED` when the last reader has gone, `SCARD_E_NO_SERVICE` until there is one again.
    pub const WINDOWS: Self = Self {
        notifies: true,
        stops_with_last_reader: true,
        round: Duration::from_millis(500),
    };

    /// This system's.
    #[must_use]
    pub const fn here() -> Self {
        if cfg!(target_os = "macos") {
            Self::MACOS
        } else if cfg!(target_os = "windows") {
            Self::WINDOWS
        } else {
            Self::LINUX
        }
    }
}

/// Follows a source by a rule.
pub(super) struct Follower<S> {
    source: S,
    rule: Rule,
    /// `None` without a connection.
    readers: Option<Vec<String>>,
}

impl<S: StatusSource> Follower<S> {
    pub(super) const fn new(source: S, rule: Rule) -> Self {
        Self {
            source,
            rule,
            readers: None,
        }
    }

    /// Waits until something may have changed, at most about a round, then tells all readers. An error is "service down"; the
    /// next look tries to reach it again.
    pub(super) fn look(&mut self) -> Result<Vec<Seen>, CardError> {
        let outcome = self.follow();
        if outcome.is_err() {
            // The old context never recovers.
            self.readers = None;
        }
        match outcome {
            Err(CardError::ServiceDown) if self.rule.stops_with_last_reader => {
                std::thread::sleep(RETRY);
                Ok(Vec::new())
            }
            other => other,
        }
    }

    fn follow(&mut self) -> Result<Vec<Seen>, CardError> {
        let Some(known) = self.readers.take() else {
            self.source.connect()?;
            return self.see_all();
        };
        let seen = if known.is_empty() && !self.rule.notifies {
            // Nothing to wait on.
            std::thread::sleep(self.rule.round);
            Vec::new()
        } else {
            self.source.wait(&known, self.rule.notifies, self.rule.round)?
        };
        // Whatever woke us, the list is the truth about the readers.
        let listed = self.source.list()?;
        if listed != known || seen.len() != known.len() {
            return self.see(listed);
        }
        self.readers = Some(known);
        Ok(seen)
    }

    fn see_all(&mut self) -> Result<Vec<Seen>, CardError> {
        let listed = self.source.list()?;
        self.see(listed)
    }

    fn see(&mut self, readers: Vec<String>) -> Result<Vec<Seen>, CardError> {
        let seen = self.source.wait(&readers, self.rule.notifies, Duration::ZERO)?;
        self.readers = Some(readers);
        Ok(seen)
    }
}
