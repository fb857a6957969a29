//! Small readers for FHIR data types (R4 §2.24). Each takes what is there and never fails.

use serde_json::Value;

/// A non-empty string member.
#[must_use]
pub fn text<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    of.get(name)?.as_str().map(str::trim).filter(|s| !s.is_empty())
}

/// The members of an array, or the one value where a list was expected.
pub(super) fn list<'a>(of: &'a Value, name: &str) -> Vec<&'a Value> {
    match of.get(name) {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(Value::Null) | None => vec![],
        Some(one) => vec![one],
    }
}

/// Words of a CodeableConcept, a Coding, a code, or an R5 CodeableReference: text, else a display, else a code.
#[must_use]
pub fn code_text(concept: &Value) -> Option<String> {
    if let Some(plain) = concept.as_str() {
        return Some(plain.trim().to_owned()).filter(|s| !s.is_empty());
    }
    if let Some(items) = concept.as_array() {
        return items.iter().find_map(code_text);
    }
    let coding = || list(concept, "coding");
    text(concept, "text")
        .or_else(|| coding().into_iter().find_map(|c| text(c, "display")))
        .or_else(|| text(concept, "display"))
        .map(str::to_owned)
        .or_else(|| concept.get("concept").and_then(code_text))
        .or_else(|| {
            coding()
                .into_iter()
                .find_map(|c| text(c, "code"))
                .or_else(|| text(concept, "code"))
                .map(str::to_owned)
        })
}

/// Every code of a CodeableConcept, a Coding, a code or a list of them.
#[must_use]
pub fn codes(concept: &Value) -> Vec<&str> {
    match concept {
        Value::String(code) => vec![code.as_str()],
        Value::Array(items) => items.iter().flat_map(codes).collect(),
        Value::Object(_) => list(concept, "coding")
            .into_iter()
            .chain(std::iter::once(concept))
            .filter_map(|c| text(c, "code"))
            .collect(),
        _ => vec![],
    }
}

/// Words of a member that is a CodeableConcept (or anything [`code_text`] takes).
pub(super) fn words(of: &Value, name: &str) -> Option<String> {
    of.get(name).and_then(code_text)
}

/// Words of every member of a list.
pub(super) fn all_words(of: &Value, name: &str) -> Vec<String> {
    list(of, name).into_iter().filter_map(code_text).collect()
}

/// Each once, in their order.
pub(super) fn different(mut words: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    words.retain(|word| seen.insert(word.to_lowercase()));
    words
}

/// The text of a Reference and its words: (`reference`, `display`).
#[must_use]
pub fn reference<'a>(of: &'a Value, name: &str) -> (Option<&'a str>, Option<&'a str>) {
    match list(of, name).first() {
        Some(found) => (text(found, "reference"), text(found, "display")),
        None => (None, None),
    }
}

/// The first of these choices that holds a date: `xDateTime`, `xPeriod.start`, `xString`, a plain date, a Timing's first event.
#[must_use]
pub fn when(of: &Value, names: &[&str]) -> String {
    for name in names {
        let Some(value) = of.get(*name) else { continue };
        let found = value
            .as_str()
            .or_else(|| text(value, "start"))
            .or_else(|| text(value, "end"))
            .or_else(|| value.get("event").and_then(|e| e.get(0)).and_then(Value::as_str));
        if let Some(found) = found {
            return found.trim().to_owned();
        }
    }
    String::new()
}

/// A HumanName or a list of them: the official one first, `text` or given and family names.
#[must_use]
pub fn human_name(names: &Value) -> Option<String> {
    let all: Vec<&Value> = match names {
        Value::Array(items) => items.iter().collect(),
        Value::String(plain) => return Some(plain.clone()),
        one => vec![one],
    };
    let best = all
        .iter()
        .find(|n| text(n, "use") == Some("official"))
        .or_else(|| all.iter().find(|n| text(n, "use") == Some("usual")));
    let name = best.or_else(|| all.first())?;
    if let Some(whole) = text(name, "text") {
        return Some(whole.to_owned());
    }
    let given = list(name, "given").into_iter().filter_map(Value::as_str);
    let family = list(name, "family").into_iter().filter_map(Value::as_str);
    let joined = given.chain(family).collect::<Vec<_>>().join(" ");
    Some(joined).filter(|s| !s.trim().is_empty())
}

/// Texts of Annotations.
pub(super) fn notes(of: &Value) -> Vec<String> {
    list(of, "note")
        .into_iter()
        .filter_map(|n| text(n, "text").or_else(|| n.as_str()).map(str::to_owned))
        .collect()
}

/// A number, also one written as a string.
pub(super) fn number(of: &Value, name: &str) -> Option<f64> {
    let value = of.get(name)?;
    value
        .as_f64()
        .or_else(|| value.as_str()?.trim().replace(',', ".").parse().ok())
        .filter(|n| n.is_finite())
}

/// `5 mg`: value, comparator and unit of a Quantity.
pub(super) fn quantity(of: &Value) -> Option<String> {
    let value = of.get("value")?;
    let number = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let comparator = text(of, "comparator").unwrap_or_default();
    let unit = unit(of);
    Some(if unit.is_empty() {
        format!("{comparator}{number}")
    } else {
        format!("{comparator}{number} {unit}")
    })
}

/// A Quantity's unit: as written, else its UCUM code.
pub(super) fn unit(of: &Value) -> String {
    let unit = text(of, "unit").or_else(|| text(of, "code")).unwrap_or_default();
    if unit == "1" { String::new() } else { unit.to_owned() }
}

/// Joins what is there.
pub(super) fn join(parts: impl IntoIterator<Item = Option<String>>, with: &str) -> String {
    parts
        .into_iter()
        .flatten()
        .filter(|p| !p.trim().is_empty())
        .collect::<Vec<_>>()
        .join(with)
}
