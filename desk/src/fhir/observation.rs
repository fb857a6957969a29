//! Observations (R4 §10.1): value, range, components.

use super::lens::{all_words, code_text, join, list, notes, number, quantity, text, unit, words};
use crate::view::Value as Measured;
use serde_json::Value;

/// The measured value with its range, if it is a plain number.
pub(super) fn measured(of: &Value) -> Option<Measured> {
    let quantity = of.get("valueQuantity")?;
    let range = list(of, "referenceRange")
        .into_iter()
        .find(|r| r.get("low").is_some() || r.get("high").is_some());
    let end = |name: &str| range.and_then(|r| r.get(name)).and_then(|q| number(q, "value"));
    Some(Measured {
        number: number(quantity, "value")?,
        unit: unit(quantity),
        low: end("low"),
        high: end("high"),
    })
}

/// The value of an observation or a component in words.
fn value_text(of: &Value) -> Option<String> {
    let simple = [
        "valueString",
        "valueDateTime",
        "valueTime",
        "valueInteger",
        "valueBoolean",
    ];
    let plain = simple.iter().find_map(|n| of.get(*n)).map(|v| match v {
        Value::String(s) => s.clone(),
        Value::Bool(b) => if *b { "yes" } else { "no" }.to_owned(),
        other => other.to_string(),
    });
    of.get("valueQuantity")
        .and_then(quantity)
        .or_else(|| words(of, "valueCodeableConcept"))
        .or(plain)
        .or_else(|| {
            of.get("valueRange")
                .map(|r| join([r.get("low").and_then(quantity), r.get("high").and_then(quantity)], "–"))
        })
        .or_else(|| {
            of.get("valueRatio").map(|r| {
                join(
                    [
                        r.get("numerator").and_then(quantity),
                        r.get("denominator").and_then(quantity),
                    ],
                    " / ",
                )
            })
        })
        .or_else(|| {
            of.get("valuePeriod").map(|p| {
                join(
                    [text(p, "start").map(str::to_owned), text(p, "end").map(str::to_owned)],
                    " – ",
                )
            })
        })
        .or_else(|| words(of, "dataAbsentReason").map(|why| format!("no value: {why}")))
}

/// What an observation says, in words.
pub(super) fn detail(of: &Value) -> String {
    let components = list(of, "component").into_iter().filter_map(|c| {
        let name = c.get("code").and_then(code_text)?;
        Some(match value_text(c) {
            Some(value) => format!("{name}: {value}"),
            None => name,
        })
    });
    let components = components.collect::<Vec<_>>().join("; ");
    let range = list(of, "referenceRange")
        .into_iter()
        .find_map(|r| text(r, "text"))
        .map(|r| format!("range {r}"));
    let interpretation = all_words(of, "interpretation").join(", ");
    join(
        [
            value_text(of),
            Some(components),
            Some(interpretation),
            range,
            Some(notes(of).join(" ")),
        ],
        " · ",
    )
}
