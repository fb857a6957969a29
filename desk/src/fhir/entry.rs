//! One resource as one line of a chart.

use super::dose::dosages;
use super::lens::{all_words, codes, different, human_name, join, list, notes, reference, text, when, words};
use super::{Index, observation};
use crate::view::{Severity, Value as Measured};
use base64::engine::{Engine as _, general_purpose::STANDARD};
use serde_json::Value;

/// What a resource says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// What it is.
    pub title: String,
    /// More of it.
    pub detail: String,
    /// When, as precise as the source gives it.
    pub date: String,
    /// Status in the source's words.
    pub status: String,
    /// How serious.
    pub severity: Option<Severity>,
    /// A measured value.
    pub value: Option<Measured>,
}

/// Reads a resource; `index` finds what it refers to.
#[must_use]
pub fn facts<'a>(resource: &'a Value, index: &Index<'a>) -> Facts {
    let kind = text(resource, "resourceType").unwrap_or("Resource");
    let mut facts = match kind {
        "AllergyIntolerance" => allergy(resource),
        "Condition" => condition(resource),
        "MedicationStatement" | "MedicationRequest" | "MedicationAdministration" | "MedicationDispense" => {
            medication(resource, index)
        }
        "Immunization" => immunization(resource),
        "Observation" => measurement(resource),
        "DiagnosticReport" => report(resource, index),
        "Encounter" => encounter(resource),
        "DocumentReference" => document(resource),
        "Composition" => composition(resource),
        "Patient" | "Practitioner" | "RelatedPerson" => person(resource),
        "Device" => device(resource),
        "DeviceUseStatement" => device_use(resource, index),
        _ => other(resource),
    };
    if facts.title.is_empty() {
        facts.title = narrative(resource).unwrap_or_else(|| kind.to_owned());
    }
    if facts.status.is_empty() {
        facts.status = text(resource, "status").unwrap_or_default().to_owned();
    }
    facts
}

fn allergy(of: &Value) -> Facts {
    let reactions = list(of, "reaction");
    let substance = || reactions.iter().find_map(|r| words(r, "substance"));
    let manifestations: Vec<String> = reactions
        .iter()
        .flat_map(|r| {
            all_words(r, "manifestation")
                .into_iter()
                .chain(text(r, "description").map(str::to_owned))
        })
        .collect();
    let worst = reactions
        .iter()
        .filter_map(|r| text(r, "severity"))
        .map(grade)
        .max_by_key(rank)
        .flatten();
    let criticality = match text(of, "criticality") {
        Some("high") => Some(Severity::High),
        Some("low") => Some(Severity::Low),
        _ => None,
    };
    Facts {
        title: words(of, "code")
            .or_else(|| words(of, "substance"))
            .or_else(substance)
            .unwrap_or_default(),
        detail: join(
            [Some(different(manifestations).join(", ")), Some(notes(of).join(" "))],
            " · ",
        ),
        date: when(of, &["onsetDateTime", "onsetPeriod", "onsetString", "recordedDate"]),
        status: words(of, "clinicalStatus")
            .or_else(|| words(of, "verificationStatus"))
            .unwrap_or_default(),
        severity: [criticality, worst].into_iter().max_by_key(rank).flatten(),
        value: None,
    }
}

const fn rank(severity: &Option<Severity>) -> u8 {
    match severity {
        None => 0,
        Some(Severity::Low) => 1,
        Some(Severity::Moderate) => 2,
        Some(Severity::High) => 3,
    }
}

fn grade(word: &str) -> Option<Severity> {
    let word = word.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|p| word.contains(p));
    if has(&["severe", "high", "24484000"]) {
        Some(Severity::High)
    } else if has(&["moderate", "6736007"]) {
        Some(Severity::Moderate)
    } else if has(&["mild", "low", "255604002"]) {
        Some(Severity::Low)
    } else {
        None
    }
}

fn condition(of: &Value) -> Facts {
    let severity = words(of, "severity");
    Facts {
        title: words(of, "code").unwrap_or_default(),
        detail: join(
            [
                severity.clone(),
                Some(all_words(of, "bodySite").join(", ")),
                Some(notes(of).join(" ")),
            ],
            " · ",
        ),
        date: when(of, &["onsetDateTime", "onsetPeriod", "onsetString", "recordedDate"]),
        status: words(of, "clinicalStatus")
            .or_else(|| words(of, "verificationStatus"))
            .unwrap_or_default(),
        severity: severity
            .as_deref()
            .and_then(grade)
            .or_else(|| of.get("severity").map(codes)?.into_iter().find_map(grade)),
        value: None,
    }
}

fn medication<'a>(of: &'a Value, index: &Index<'a>) -> Facts {
    let (named, display) = match of.get("medication") {
        Some(r5) => reference(r5, "reference"),
        None => reference(of, "medicationReference"),
    };
    let resolved = named.and_then(|r| index.find(of, r)).and_then(drug);
    let title = words(of, "medicationCodeableConcept")
        .or(resolved)
        .or_else(|| display.map(str::to_owned))
        .or_else(|| words(of, "medication"));
    let reason = join([Some(all_words(of, "reasonCode").join(", "))], "");
    let quantity = of
        .get("dispenseRequest")
        .and_then(|d| d.get("quantity"))
        .and_then(super::lens::quantity);
    Facts {
        title: title.unwrap_or_default(),
        detail: join(
            [Some(dosages(of)), quantity, Some(reason), Some(notes(of).join(" "))],
            " · ",
        ),
        date: when(
            of,
            &[
                "effectiveDateTime",
                "effectivePeriod",
                "authoredOn",
                "whenHandedOver",
                "dateAsserted",
            ],
        ),
        ..Facts::default()
    }
}

/// Name of a Medication: its code, else its ingredients.
fn drug(of: &Value) -> Option<String> {
    let ingredients = || {
        let names: Vec<String> = list(of, "ingredient")
            .into_iter()
            .filter_map(|i| words(i, "itemCodeableConcept").or_else(|| words(i, "item")))
            .collect();
        Some(names.join(", ")).filter(|n| !n.is_empty())
    };
    words(of, "code").or_else(ingredients)
}

fn immunization(of: &Value) -> Facts {
    let lot = text(of, "lotNumber").map(|l| format!("lot {l}"));
    let doses = list(of, "protocolApplied").into_iter().filter_map(|p| {
        let number = p
            .get("doseNumberPositiveInt")
            .or_else(|| p.get("doseNumberString"))
            .or_else(|| p.get("doseNumber"))?;
        Some(format!(
            "dose {}",
            number.as_str().map_or_else(|| number.to_string(), str::to_owned)
        ))
    });
    let against = list(of, "protocolApplied")
        .into_iter()
        .flat_map(|p| all_words(p, "targetDisease"))
        .collect::<Vec<_>>()
        .join(", ");
    Facts {
        title: words(of, "vaccineCode").unwrap_or_default(),
        detail: join(
            [Some(against), doses.into_iter().next(), lot, Some(notes(of).join(" "))],
            " · ",
        ),
        date: when(of, &["occurrenceDateTime", "occurrenceString", "date", "recorded"]),
        ..Facts::default()
    }
}

fn measurement(of: &Value) -> Facts {
    Facts {
        title: words(of, "code").unwrap_or_default(),
        detail: observation::detail(of),
        date: when(
            of,
            &[
                "effectiveDateTime",
                "effectivePeriod",
                "effectiveInstant",
                "effectiveTiming",
                "issued",
            ],
        ),
        value: observation::measured(of),
        ..Facts::default()
    }
}

fn report<'a>(of: &'a Value, index: &Index<'a>) -> Facts {
    let results = list(of, "result").into_iter().filter_map(|r| {
        let found = text(r, "reference")
            .and_then(|name| index.find(of, name))
            .and_then(|o| words(o, "code"));
        found.or_else(|| text(r, "display").map(str::to_owned))
    });
    let results = results.collect::<Vec<_>>().join(", ");
    Facts {
        title: words(of, "code").unwrap_or_default(),
        detail: join([text(of, "conclusion").map(str::to_owned), Some(results)], " · "),
        date: when(of, &["effectiveDateTime", "effectivePeriod", "issued"]),
        ..Facts::default()
    }
}

fn encounter(of: &Value) -> Facts {
    let reason = join(
        [
            Some(all_words(of, "reasonCode").join(", ")),
            Some(all_words(of, "reason").join(", ")),
        ],
        ", ",
    );
    Facts {
        title: words(of, "type").or_else(|| words(of, "class")).unwrap_or_default(),
        detail: join(
            [Some(reason), reference(of, "serviceProvider").1.map(str::to_owned)],
            " · ",
        ),
        date: when(of, &["period", "actualPeriod"]),
        ..Facts::default()
    }
}

fn document(of: &Value) -> Facts {
    let attachments: Vec<&Value> = list(of, "content")
        .into_iter()
        .filter_map(|c| c.get("attachment"))
        .collect();
    let plain = attachments.iter().find_map(|a| {
        let kind = text(a, "contentType")?;
        let data = STANDARD.decode(text(a, "data")?).ok()?;
        kind.starts_with("text/plain")
            .then(|| String::from_utf8_lossy(&data).into_owned())
    });
    let title = attachments.iter().find_map(|a| text(a, "title")).map(str::to_owned);
    let description = text(of, "description").map(str::to_owned);
    Facts {
        title: words(of, "type").or_else(|| title.clone()).unwrap_or_default(),
        detail: plain.unwrap_or_else(|| join([description, title], " · ")),
        date: when(of, &["date", "created", "indexed"]),
        ..Facts::default()
    }
}

fn composition(of: &Value) -> Facts {
    let sections: Vec<&str> = list(of, "section")
        .into_iter()
        .filter_map(|s| text(s, "title"))
        .collect();
    Facts {
        title: text(of, "title")
            .map(str::to_owned)
            .or_else(|| words(of, "type"))
            .unwrap_or_default(),
        detail: sections.join(", "),
        date: when(of, &["date"]),
        ..Facts::default()
    }
}

fn person(of: &Value) -> Facts {
    let contact: Vec<&str> = list(of, "telecom")
        .into_iter()
        .filter_map(|t| text(t, "value"))
        .collect();
    let address = list(of, "address").into_iter().next().map(|a| {
        let lines = list(a, "line")
            .into_iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .join(", ");
        let rest = ["postalCode", "city", "country"].map(|n| text(a, n).map(str::to_owned));
        text(a, "text").map_or_else(|| join(std::iter::once(Some(lines)).chain(rest), ", "), str::to_owned)
    });
    Facts {
        title: of.get("name").and_then(human_name).unwrap_or_default(),
        detail: join(
            [text(of, "gender").map(str::to_owned), Some(contact.join(", ")), address],
            " · ",
        ),
        date: when(of, &["birthDate"]),
        ..Facts::default()
    }
}

fn device(of: &Value) -> Facts {
    let names = list(of, "deviceName")
        .into_iter()
        .find_map(|n| text(n, "name"))
        .map(str::to_owned);
    Facts {
        title: words(of, "type")
            .or(names)
            .or_else(|| text(of, "modelNumber").map(str::to_owned))
            .unwrap_or_default(),
        detail: join(
            [
                text(of, "manufacturer").map(str::to_owned),
                text(of, "serialNumber").map(str::to_owned),
            ],
            " · ",
        ),
        date: when(of, &["manufactureDate"]),
        ..Facts::default()
    }
}

fn device_use<'a>(of: &'a Value, index: &Index<'a>) -> Facts {
    let (named, display) = reference(of, "device");
    let found = named
        .and_then(|r| index.find(of, r))
        .map(|d| device(d).title)
        .filter(|t| !t.is_empty());
    Facts {
        title: found.or_else(|| display.map(str::to_owned)).unwrap_or_default(),
        detail: join([words(of, "bodySite"), Some(notes(of).join(" "))], " · "),
        date: when(of, &["timingDateTime", "timingPeriod", "timingTiming", "recordedOn"]),
        ..Facts::default()
    }
}

/// Any other resource: what most of them call their subject matter.
fn other(of: &Value) -> Facts {
    let coded = ["code", "type", "vaccineCode", "category", "scope", "relationship"]
        .iter()
        .find_map(|n| words(of, n));
    let plain = ["title", "name", "description"]
        .iter()
        .find_map(|n| text(of, n))
        .map(str::to_owned);
    let name = of.get("name").filter(|n| !n.is_string()).and_then(human_name);
    Facts {
        title: drug(of)
            .or(coded)
            .or_else(|| plain.clone())
            .or(name)
            .unwrap_or_default(),
        detail: join(
            [
                plain,
                text(of, "conclusion").map(str::to_owned),
                Some(notes(of).join(" ")),
            ],
            " · ",
        ),
        date: when(
            of,
            &[
                "performedDateTime",
                "performedPeriod",
                "performedString",
                "occurrenceDateTime",
                "period",
                "date",
                "dateTime",
                "authoredOn",
                "created",
                "issued",
                "recorded",
            ],
        ),
        severity: None,
        ..Facts::default()
    }
}

/// First words of the narrative, without its markup.
fn narrative(of: &Value) -> Option<String> {
    let div = text(of.get("text")?, "div")?;
    let mut out = String::new();
    let mut inside = false;
    for c in div.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                out.push(' ');
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    let words = out.split_whitespace().take(20).collect::<Vec<_>>().join(" ");
    Some(words).filter(|w| !w.is_empty())
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
