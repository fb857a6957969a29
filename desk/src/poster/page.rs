//! The page as SVG.

use crate::error::DeskError;
use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;
use wardkey_client::Network;
use wardkey_core::id::InstitutionId;

/// A4 in tenths of a millimetre.
const WIDTH: usize = 2100;
const HEIGHT: usize = 2970;
/// Side of the QR code with its quiet zone.
const CODE: usize = 1300;

/// What a poster says.
#[derive(Clone, Debug)]
pub struct Sheet<'a> {
    /// Name of the institution.
    pub name: &'a str,
    /// What the QR code says.
    pub link: &'a str,
    /// True on a trial: said on the poster too.
    pub trial: bool,
}

/// What the QR code says (protocol §8).
#[must_use]
pub fn link(gateway: &str, network: &Network, institution: &InstitutionId, name: &str) -> String {
    format!(
        "{gateway}/#/scan?v=1&c={}&k={}&i={institution}&n={}",
        network.domain.chain_id,
        hex::encode(network.domain.contract),
        wardkey_client::percent_encode(name),
    )
}

/// The page.
///
/// # Errors
/// [`DeskError::PosterFailed`] if the link does not fit into a QR code.
pub fn svg(sheet: &Sheet<'_>) -> Result<String, DeskError> {
    let code = QrCode::with_error_correction_level(sheet.link, EcLevel::M)
        .map_err(|e| DeskError::PosterFailed { detail: e.to_string() })?;
    let mut out = String::with_capacity(64 << 10);
    let _ = write!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="210mm" height="297mm" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="DejaVu Sans, Noto Sans, Liberation Sans, Helvetica, Arial, sans-serif"><rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/><rect width="{WIDTH}" height="36" fill="#0b5d5e"/>"##
    );
    title(&mut out, sheet.name);
    line(&mut out, 690, 62, "#24403f", "Scan this code with your phone");
    modules(&mut out, &code);
    steps(&mut out);
    line(
        &mut out,
        2850,
        40,
        "#5a6b6a",
        "You decide what this institution may read and write, and until when.",
    );
    if sheet.trial {
        line(&mut out, 2925, 40, "#a3231a", "TRIAL – no real patients, no real cards");
    }
    out.push_str("</svg>");
    Ok(out)
}

fn line(out: &mut String, y: usize, size: usize, fill: &str, text: &str) {
    let _ = write!(
        out,
        r#"<text x="{}" y="{y}" font-size="{size}" fill="{fill}" text-anchor="middle">{}</text>"#,
        WIDTH / 2,
        escape(text)
    );
}

/// The name on one to three lines, as large as it fits.
fn title(out: &mut String, name: &str) {
    let lines = wrap(name, 18);
    let longest = lines.iter().map(|l| l.chars().count()).max().unwrap_or(1).max(1);
    let size = (3000 / longest).clamp(60, 170);
    let top = 380 - (lines.len() - 1) * size / 2;
    for (at, text) in lines.iter().enumerate() {
        let _ = write!(
            out,
            r##"<text x="{}" y="{}" font-size="{size}" font-weight="bold" fill="#0b2f30" text-anchor="middle">{}</text>"##,
            WIDTH / 2,
            top + at * size * 6 / 5,
            escape(text)
        );
    }
}

/// Words on lines of about `width` characters, at most three lines.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(text.chars().count().div_ceil(3));
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let (count, current) = (lines.len(), lines.last_mut());
        let Some(current) = current else { break };
        if current.is_empty() || current.chars().count() + 1 + word.chars().count() <= width || count == 3 {
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

fn modules(out: &mut String, code: &QrCode) {
    let side = code.width();
    // Four modules of quiet zone (ISO/IEC 18004 §5.3.8); whole units keep the edges sharp.
    let unit = CODE / (side + 8);
    let start = (WIDTH - unit * side) / 2;
    let top = 800 + (CODE - unit * side) / 2;
    let colors = code.to_colors();
    out.push_str(r##"<path fill="#000000" d=""##);
    for (row, line) in colors.chunks(side).enumerate() {
        let mut column = 0;
        while column < side {
            let run = line[column..].iter().take_while(|c| **c == Color::Dark).count();
            if run > 0 {
                let _ = write!(
                    out,
                    "M{} {}h{}v{unit}h-{}z",
                    start + column * unit,
                    top + row * unit,
                    run * unit,
                    run * unit
                );
            }
            column += run.max(1);
        }
    }
    out.push_str(r#""/>"#);
}

fn steps(out: &mut String) {
    const STEPS: [&str; 3] = [
        "Open the camera and point it here",
        "Check the name, choose what to share",
        "The ward sees it at once",
    ];
    for (at, text) in STEPS.iter().enumerate() {
        let y = 2250 + at * 175;
        let _ = write!(
            out,
            r##"<circle cx="420" cy="{}" r="58" fill="#0b5d5e"/><text x="420" y="{}" font-size="66" font-weight="bold" fill="#ffffff" text-anchor="middle">{}</text><text x="530" y="{}" font-size="62" fill="#24403f">{text}</text>"##,
            y - 22,
            y + 2,
            at + 1,
            y
        );
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
