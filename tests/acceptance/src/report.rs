//! What happened, step by step: printed as it goes, and left as report.json.

use anyhow::Result;
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
        if self.broken {
            let reason = json!({ "error": "not played: an earlier step failed" });
            self.add(Step {
                name: name.to_owned(),
                ok: false,
                ms: 0,
                evidence: reason,
            })?;
            return Ok(false);
        }
        let ok = self.play_apart(name, step).await?;
        self.broken = !ok;
        Ok(ok)
    }

    /// Plays a step that no other stands on: the story goes on when it fails.
    pub async fn play_apart(&mut self, name: &str, step: impl Future<Output = Result<Value>>) -> Result<bool> {
        if self.broken {
            return self.name_only(name);
        }
        let begun = Instant::now();
        let outcome = step.await;
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (ok, evidence) = match outcome {
            Ok(evidence) => (true, evidence),
            Err(error) => (false, json!({ "error": format!("{error:#}") })),
        };
        self.broken = !ok;
        self.add(Step {
            name: name.to_owned(),
            ok,
            ms,
            evidence,
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

    fn name_only(&mut self, name: &str) -> Result<bool> {
        let reason = json!({ "error": "not played: an earlier step failed" });
        self.add(Step {
            name: name.to_owned(),
            ok: false,
            ms: 0,
            evidence: reason,
        })?;
        Ok(false)
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
