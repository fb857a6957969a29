//! The PIN window as a child process (protocol §9). The PIN itself never reaches this process.

use super::Answers;
use crate::error::DeskError;
use crate::notice::{Notice, Tone};
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use wardkey_hsm::pinjob::{PinAnswer, PinJob};
use zeroize::Zeroizing;

/// Longest answer, bytes.
const LONGEST: usize = 64 << 10;

/// Runs the program for one job. The child ends with this future.
pub(super) async fn ask(program: &Path, job: PinJob) -> Result<Answers, Notice> {
    let missing = |e: std::io::Error| DeskError::PinpadMissing {
        detail: format!("{}: {e}", program.display()),
    };
    let operations = job.operations.len();
    let line = serde_json::to_string(&job).map_err(|_| DeskError::PinpadBroken)?;
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(missing)?;
    let (Some(mut input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(DeskError::PinpadBroken.into());
    };
    let broken = |_: std::io::Error| DeskError::PinpadBroken;
    input.write_all(format!("{line}\n").as_bytes()).await.map_err(broken)?;
    drop(input);
    let mut answer = Zeroizing::new(vec![0; LONGEST]);
    let mut filled = 0;
    while filled < LONGEST {
        match output.read(&mut answer[filled..]).await.map_err(broken)? {
            0 => break,
            n => filled += n,
        }
        if answer[..filled].contains(&b'\n') {
            break;
        }
    }
    let parsed = serde_json::from_slice::<PinAnswer>(answer.get(..filled).unwrap_or_default());
    let _ = child.wait().await;
    match parsed {
        Ok(PinAnswer::Ok(outcomes)) if outcomes.len() == operations => Ok(Answers::new(outcomes)),
        Ok(PinAnswer::Error(fault)) => {
            let tone = if fault.code == "pin-cancelled" {
                Tone::Info
            } else {
                Tone::Danger
            };
            Err(Notice {
                code: fault.code,
                message: fault.message,
                action: fault.action,
                tone,
            })
        }
        _ => Err(DeskError::PinpadBroken.into()),
    }
}

#[cfg(all(test, unix))]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use wardkey_hsm::pinjob::PinJobKind;

    async fn with(script: &str) -> Result<Answers, Notice> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pinpad");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        let job = PinJob {
            reader: "r".to_owned(),
            serial: None,
            title: String::new(),
            asker: String::new(),
            purpose: String::new(),
            kind: PinJobKind::Use,
            operations: vec![],
            factory_pin: None,
            store: None,
            puk: None,
        };
        ask(&path, job).await
    }

    #[tokio::test]
    async fn answers_errors_and_silence_are_told_apart() {
        assert!(with("read line; echo '{\"ok\":[]}'").await.is_ok());
        let wrong = with(
            "read line; echo '{\"error\":{\"code\":\"pin-wrong\",\"message\":\"m\",\"action\":\"a\",\"triesLeft\":2}}'",
        )
        .await;
        assert_eq!(wrong.unwrap_err().code, "pin-wrong");
        assert_eq!(with("read line; exit 1").await.unwrap_err().code, "pinpad-broken");
        let more = "read line; echo '{\"ok\":[{\"shared\":\"0000000000000000000000000000000000000000000000000000000000000000\"}]}'";
        assert_eq!(
            with(more).await.unwrap_err().code,
            "pinpad-broken",
            "another number of outcomes than asked for"
        );
        let job = PinJob {
            reader: String::new(),
            serial: None,
            title: String::new(),
            asker: String::new(),
            purpose: String::new(),
            kind: PinJobKind::Use,
            operations: vec![],
            factory_pin: None,
            store: None,
            puk: None,
        };
        assert_eq!(
            ask(Path::new("/nonexistent/pinpad"), job).await.unwrap_err().code,
            "pinpad-missing"
        );
    }
}
