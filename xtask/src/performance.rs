//! `docs/performance.md` and its picture, written from the figures of a run.

use crate::project::Project;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::fs;

/// Lines in the paper between which the table is written.
const BEGIN: &str = "<!-- figures: written by `cargo xtask bench gateway --write` -->";
const END: &str = "<!-- end of figures -->";

/// One figure.
#[derive(Debug, Deserialize, Serialize)]
pub struct Row {
    /// What was measured.
    pub figure: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: String,
    /// What it should be.
    pub target: Option<f64>,
    /// Whether it is.
    pub met: Option<bool>,
}

impl Row {
    fn amount(&self) -> String {
        format!("{} {}", number(self.value), self.unit)
    }

    fn verdict(&self) -> &'static str {
        match self.met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        }
    }
}

fn number(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value}")
    }
}

/// For the terminal.
pub fn print(rows: &[Row]) {
    for row in rows {
        let target = row
            .target
            .map(|t| format!("(target {})", number(t)))
            .unwrap_or_default();
        println!("{:<75} {:>16} {target} {}", row.figure, row.amount(), row.verdict());
    }
}

/// Replaces the table in the paper, and the picture.
pub fn write(project: &Project, rows: &[Row], machine: &str) -> Result<()> {
    let paper = project.path("docs/performance.md");
    let text = fs::read_to_string(&paper).context("failed to read docs/performance.md")?;
    let (before, rest) = text
        .split_once(BEGIN)
        .context("docs/performance.md has no place for figures")?;
    let (_, after) = rest
        .split_once(END)
        .context("docs/performance.md has no end of figures")?;
    fs::write(&paper, format!("{before}{BEGIN}\n{}{END}{after}", table(rows, machine)))?;
    Ok(fs::write(project.path("docs/performance.svg"), picture(rows))?)
}

fn table(rows: &[Row], machine: &str) -> String {
    let mut out = format!("\nMeasured on {machine}.\n\n| figure | measured | target | |\n|---|---|---|---|\n");
    for row in rows {
        let target = row.target.map(number).unwrap_or_default();
        let _ = writeln!(
            out,
            "| {} | {} | {target} | {} |",
            row.figure,
            row.amount(),
            row.verdict()
        );
    }
    out.push('\n');
    out
}

/// How near each target is: a bar as long as the share that was reached, a line where the target is.
fn picture(rows: &[Row]) -> String {
    let (left, width, line) = (430.0, 300.0, 26.0);
    let targets: Vec<&Row> = rows.iter().filter(|row| row.target.is_some()).collect();
    let height = line * targets.len() as f64 + 40.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1060 {height}\" font-family=\"sans-serif\" font-size=\"13\" role=\"img\" \
         aria-label=\"How near each figure is to its target\">\n<rect width=\"1060\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (n, row) in targets.iter().enumerate() {
        let (top, target) = (20.0 + line * n as f64, row.target.unwrap_or(1.0));
        let reached = if row.met == Some(row.value >= target) {
            row.value / target
        } else {
            target / row.value
        };
        let (long, colour) = (
            width * reached.clamp(0.0, 1.5),
            if row.met == Some(true) { "#1b7f5c" } else { "#b3541e" },
        );
        let figure = row.figure.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            out,
            "<text x=\"10\" y=\"{}\">{figure}</text><rect x=\"{left}\" y=\"{}\" width=\"{long:.0}\" height=\"16\" fill=\"{colour}\"/>\
             <text x=\"{:.0}\" y=\"{}\">{} {}</text>",
            top + 13.0,
            top,
            left + long + 6.0,
            top + 13.0,
            row.amount(),
            row.verdict()
        );
    }
    let _ = writeln!(
        out,
        "<line x1=\"{0}\" x2=\"{0}\" y1=\"10\" y2=\"{1}\" stroke=\"#222\" stroke-dasharray=\"4 3\"/><text x=\"{0}\" y=\"{2}\" \
         text-anchor=\"middle\">target</text>\n</svg>",
        left + width,
        height - 18.0,
        height - 5.0
    );
    out
}
