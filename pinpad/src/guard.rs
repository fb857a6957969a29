//! What the process forbids itself, and how it notices that nobody waits for its answer.

use std::io;

/// No core dump, and no other program of this user may read this one's memory (prctl(2) PR_SET_DUMPABLE, ptrace(2)).
///
/// # Errors
/// The system refuses; the caller then must not ask for a PIN.
#[cfg(target_os = "linux")]
pub fn harden() -> io::Result<()> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    )?;
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// No core dump.
///
/// # Errors
/// The system refuses; the caller then must not ask for a PIN.
#[cfg(all(unix, not(target_os = "linux")))]
pub fn harden() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    Ok(setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    )?)
}

/// Windows writes no core dumps unless an administrator asks for them.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn harden() -> io::Result<()> {
    Ok(())
}

/// Calls `gone` once when the reading end of standard output is closed: the workstation has ended, and a PIN must not
/// be asked for any more. Files and terminals never close.
///
/// # Errors
/// The system gives no thread.
#[cfg(unix)]
pub fn when_unheard(gone: impl FnOnce() + Send + 'static) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    std::thread::Builder::new().name("listener".into()).spawn(move || {
        let out = io::stdout();
        let mut watched = [PollFd::new(&out, PollFlags::empty())];
        loop {
            match poll(&mut watched, None) {
                Ok(_) if watched[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) => return gone(),
                Err(rustix::io::Errno::INTR) => {}
                _ => return,
            }
        }
    })?;
    Ok(())
}

/// Not watched on this system; the window's own time limit closes it.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn when_unheard(_gone: impl FnOnce() + Send + 'static) -> io::Result<()> {
    Ok(())
}
