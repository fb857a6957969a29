//! Dosage (R4 §2.24.0.13) in a line of words.

use super::lens::{join, list, quantity, text, words};
use serde_json::Value;

/// What a Dosage says: its own text, else dose, frequency and route.
pub(super) fn dosage(of: &Value) -> Option<String> {
    if let Some(whole) = text(of, "text").or_else(|| text(of, "patientInstruction")) {
        return Some(whole.to_owned());
    }
    let dose = list(of, "doseAndRate")
        .into_iter()
        .chain(std::iter::once(of))
        .find_map(amount);
    let needed = (of.get("asNeededBoolean") == Some(&Value::Bool(true))).then(|| "as needed".to_owned());
    let line = join(
        [dose, of.get("timing").and_then(timing), words(of, "route"), needed],
        ", ",
    );
    Some(line).filter(|l| !l.is_empty())
}

fn amount(of: &Value) -> Option<String> {
    of.get("doseQuantity").and_then(quantity).or_else(|| {
        let range = of.get("doseRange")?;
        Some(join(
            [
                range.get("low").and_then(quantity),
                range.get("high").and_then(quantity),
            ],
            "–",
        ))
    })
}

fn timing(of: &Value) -> Option<String> {
    if let Some(words) = words(of, "code") {
        return Some(words);
    }
    let repeat = of.get("repeat")?;
    let when = list(repeat, "when")
        .into_iter()
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join(" ");
    if !when.is_empty() {
        return Some(when);
    }
    let every = join(
        [
            repeat.get("period").map(Value::to_string),
            text(repeat, "periodUnit").map(str::to_owned),
        ],
        " ",
    );
    let times = repeat
        .get("frequency")
        .map_or_else(|| "once".to_owned(), |n| format!("{n}×"));
    (!every.is_empty()).then(|| format!("{times} per {every}"))
}

/// Every dosage of a statement, request or dispense.
pub(super) fn dosages(resource: &Value) -> String {
    ["dosage", "dosageInstruction"]
        .iter()
        .flat_map(|name| list(resource, name))
        .filter_map(dosage)
        .collect::<Vec<_>>()
        .join("; ")
}
