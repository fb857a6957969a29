//! The one line in and the one line out (protocol §9).

use crate::dialog::Ending;
use crate::fault::PinpadError;
use std::io::{BufRead, Write};
use wardkey_core::fault::Fault;
use wardkey_hsm::pinjob::{PinAnswer, PinFault, PinJob};
use zeroize::Zeroizing;

/// Longest line that is read, in bytes. A hundred operations take about 30 KB.
const LONGEST_LINE: u64 = 256 * 1024;

/// Reads the job.
///
/// # Errors
/// [`PinpadError::BadJob`] if there is no line, or it is no job.
pub fn read(from: impl BufRead) -> Result<PinJob, PinpadError> {
    let mut line = String::new();
    from.take(LONGEST_LINE)
        .read_line(&mut line)
        .map_err(|error| PinpadError::BadJob(error.to_string()))?;
    if line.trim().is_empty() {
        return Err(PinpadError::BadJob("standard input is empty".into()));
    }
    serde_json::from_str(&line).map_err(|error| PinpadError::BadJob(error.to_string()))
}

/// The line that answers an ending.
#[must_use]
pub fn line(ending: Ending) -> Zeroizing<String> {
    match ending {
        Ending::Answered(line) => line,
        Ending::Failed(Fault { code, message, action }) => {
            let fault = PinAnswer::Error(PinFault {
                code,
                message,
                action,
                tries_left: None,
            });
            fault.to_line().unwrap_or_else(|_| {
                Zeroizing::new(r#"{"error":{"code":"pinpad-failed","message":"","action":""}}"#.into())
            })
        }
    }
}

/// Writes the answer and flushes it.
///
/// # Errors
/// The writer's: nobody reads any more.
pub fn write(mut to: impl Write, line: &str) -> std::io::Result<()> {
    to.write_all(line.as_bytes())?;
    to.write_all(b"\n")?;
    to.flush()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use wardkey_core::fault::Coded as _;
    use wardkey_hsm::CardError;

    const JOB: &str = r#"{"reader":"R","title":"Sign in","asker":"A","purpose":"P","kind":"use","operations":[]}"#;

    #[test]
    fn one_line_is_a_job() {
        assert_eq!(read(format!("{JOB}\nmore").as_bytes()).unwrap().reader, "R");
        assert_eq!(read(JOB.as_bytes()).unwrap().reader, "R");
    }

    #[test]
    fn anything_else_is_told() {
        for text in ["", "\n", "no json\n", "{}\n", r#"{"reader":"R","pin":"123456"}"#] {
            assert!(matches!(read(text.as_bytes()), Err(PinpadError::BadJob(_))), "{text}");
        }
        let endless = std::io::BufReader::new(std::io::repeat(b'x'));
        assert!(matches!(read(endless), Err(PinpadError::BadJob(_))));
    }

    #[test]
    fn faults_answer_with_code_message_and_action() {
        let line = line(Ending::Failed(CardError::Cancelled.fault()));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["error"]["code"], "pin-cancelled");
        let mut out = Vec::new();
        write(&mut out, &line).unwrap();
        assert_eq!(out.iter().filter(|&&b| b == b'\n').count(), 1);
    }
}
