//! What happened, step by step: printed as it goes, and left as report.json.

use anyhow::{Result, anyhow};
use serde::Serialize;
use serde_json::{Value, json};
use std::future::Future;
use std::path::PathBuf;
use std::time::Instant;

/// One step of the story.
#[derive(Debug, Serialize)]
pub struct Step {
    /// What was done.
    pub name: String,
    /// Whether it went as told.
    pub ok: bool,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// What proves it: transaction hashes, record ids, log indices; or the error.
    pub evidence: Value,
}

/// The report of a run.
#[derive(Debug)]
pub struct Report {
    file: PathBuf,
    steps: Vec<Step>,
    broken: bool,
}

impl Report {
    /// An empty report.
    pub fn new(file: PathBuf) -> Self {
        Self {
            file,
            steps: Vec::new(),
            broken: false,
        }
    }

    /// Plays a step. After a failed step the others are only named: they stand on it. Answers whether it went well.
    pub async fn play(&mut self, name: &str, step: impl Future<Output = Result<Value>>) -> Result<bool> {
        let ok = self.play_apart(name, step).await?;
        self.broken |= !ok;
        Ok(ok)
    }

    /// Plays a step that no other stands on: the story goes on when it fails.
    pub async fn play_apart(&mut self, name: &str, step: impl Future<Output = Result<Value>>) -> Result<bool> {
        let begun = Instant::now();
        let outcome = if self.broken {
            Err(anyhow!("not played: an earlier step failed"))
        } else {
            step.await
        };
        let ok = outcome.is_ok();
        self.add(Step {
            name: name.to_owned(),
            ok,
            ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            evidence: outcome.unwrap_or_else(|error| json!({ "error": format!("{error:#}") })),
        })?;
        Ok(ok)
    }

    /// Whether every step went well.
    pub fn well(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.ok)
    }

    /// How many steps went well, and how many there are.
    pub fn count(&self) -> (usize, usize) {
        (self.steps.iter().filter(|step| step.ok).count(), self.steps.len())
    }

    fn add(&mut self, step: Step) -> Result<()> {
        let mark = if step.ok { "ok    " } else { "FAILED" };
        println!("{mark} {:>7} ms  {}", step.ms, step.name);
        if let Some(error) = step.evidence.get("error").and_then(Value::as_str) {
            println!("       {}", error.replace('\n', "\n       "));
        }
        self.steps.push(step);
        std::fs::write(&self.file, serde_json::to_vec_pretty(&self.steps)?)?;
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failed_step_stops_the_story_unless_it_stands_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report.json");
        let mut report = Report::new(file.clone());
        assert!(!report.well(), "nothing was played");
        report.play_apart("apart", async { Err(anyhow!("odd")) }).await.unwrap();
        assert!(report.play("first", async { Ok(json!(1)) }).await.unwrap());
        report.play("second", async { Err(anyhow!("broken")) }).await.unwrap();
        let played = report.play("third", async { Ok(json!(3)) }).await.unwrap();
        assert!(!played && !report.well());
        assert_eq!(report.count(), (1, 4));
        let steps: Vec<Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let told = |at: usize| (steps[at]["ok"].as_bool().unwrap(), steps[at]["evidence"].to_string());
        assert_eq!(told(0), (false, r#"{"error":"odd"}"#.to_owned()));
        assert_eq!(told(1), (true, "1".to_owned()));
        assert_eq!(told(3).1, r#"{"error":"not played: an earlier step failed"}"#);
    }
}
