//! Reception prints the posters.

use super::institutions::go;
use crate::phone::film;
use crate::stage::{Side, Stage};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Both posters as PDF and picture; the PDF is read back.
pub async fn print(s: &mut Stage) -> Result<Value> {
    let mut evidence = Vec::new();
    for side in [Side::Harbour, Side::Summit] {
        evidence.push(save(s, side).await?);
    }
    Ok(Value::Array(evidence))
}

/// Saves one poster and reads it back.
pub async fn save(s: &mut Stage, side: Side) -> Result<Value> {
    let (name, institution) = (side.terminal().name, side.terminal().institution);
    go(s, side, "posters").await?;
    let page = s.at(side).page()?;
    page.see("poster").await?;
    page.click("save-poster").await?;
    let pdf = page.text("poster-pdf").await?;
    let png = page.text("poster-png").await?;
    let link = page.text("poster-link").await?;
    s.at(side).shot(&format!("{name}-poster-area")).await?;
    let (out_pdf, out_png) = (
        s.place.out(&format!("poster-{name}.pdf")),
        s.place.out(&format!("poster-{name}.png")),
    );
    std::fs::copy(&pdf, &out_pdf).with_context(|| format!("the poster is not at {pdf}"))?;
    std::fs::copy(&png, &out_png).with_context(|| format!("the poster is not at {png}"))?;
    let words = words_of(&out_pdf)?;
    ensure!(
        words.contains(institution),
        "the PDF does not read “{institution}” but: {words}"
    );
    film(&out_png, &s.place.data(&format!("poster-{name}.y4m")))?;
    s.note(
        if side == Side::Harbour {
            "harbour-link"
        } else {
            "summit-link"
        },
        link.clone(),
    );
    Ok(json!({ "institution": institution, "link": link, "pdf": out_pdf, "png": out_png }))
}

/// The text of a PDF; if its letters are drawn as shapes, its title.
fn words_of(pdf: &Path) -> Result<String> {
    let mut words = String::new();
    for (program, arguments) in [("pdftotext", &["-layout"][..]), ("pdfinfo", &[][..])] {
        let mut command = Command::new(program);
        command.args(arguments).arg(pdf);
        if program == "pdftotext" {
            command.arg("-");
        }
        let output = command.output().with_context(|| format!("failed to start {program}"))?;
        if !output.status.success() {
            bail!("{program} cannot read {}", pdf.display());
        }
        words.push_str(&String::from_utf8_lossy(&output.stdout));
    }
    Ok(words)
}
