//! A socket through which another program is the finger: each line `touch` is answered with `touched` or `not waiting`.

use crate::CardFault;
use crate::touch::Finger;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// Listens at this path, which must not exist yet, on a thread of its own.
///
/// # Errors
/// [`CardFault::File`] if the socket cannot be made.
pub fn listen(path: &Path, finger: Finger) -> Result<(), CardFault> {
    let fault = || CardFault::file(format!("cannot listen at {}", path.display()));
    let socket = UnixListener::bind(path).map_err(fault())?;
    std::thread::Builder::new()
        .name("control".to_owned())
        .spawn(move || {
            for caller in socket.incoming().flatten() {
                // A caller that goes away is no fault of the card.
                drop(serve(caller, &finger));
            }
        })
        .map_err(fault())?;
    Ok(())
}

fn serve(caller: UnixStream, finger: &Finger) -> io::Result<()> {
    let mut answers = caller.try_clone()?;
    for line in BufReader::new(caller).lines() {
        let answer = match line?.trim() {
            "touch" if finger.touch() => "touched",
            "touch" => "not waiting",
            _ => "unknown command",
        };
        writeln!(answers, "{answer}")?;
    }
    Ok(())
}
