//! A figure with its target.

use serde::Serialize;

/// One line of a table of figures. `met` is `None` where there is no target.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// A figure without a target.
    #[must_use]
    pub fn plain(figure: impl Into<String>, value: f64, unit: &str) -> Self {
        let digits = if value.abs() < 100.0 { 100.0 } else { 1.0 };
        Self {
            figure: figure.into(),
            value: (value * digits).round() / digits,
            unit: unit.to_owned(),
            target: None,
            met: None,
        }
    }

    /// A figure that should be this much or more.
    #[must_use]
    pub fn at_least(figure: impl Into<String>, value: f64, unit: &str, target: f64) -> Self {
        Self {
            target: Some(target),
            met: Some(value >= target),
            ..Self::plain(figure, value, unit)
        }
    }

    /// A figure that should be this much or less.
    #[must_use]
    pub fn at_most(figure: impl Into<String>, value: f64, unit: &str, target: f64) -> Self {
        Self {
            target: Some(target),
            met: Some(value <= target),
            ..Self::plain(figure, value, unit)
        }
    }
}
