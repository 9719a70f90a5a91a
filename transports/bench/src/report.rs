//! A table, or one JSON object a line.

use serde::Serialize;

/// Something that is measured, and its name where a case measures several.
#[derive(Debug, Clone, Copy)]
pub struct Quantity(&'static str, Unit);

/// What a quantity is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// More is better.
    PerSecond,
    /// More is better.
    MebibytesPerSecond,
    /// Less is better.
    Microseconds,
    /// Less is better.
    Nanoseconds,
    /// Less is better.
    Mebibytes,
    /// Less is better.
    Bytes,
}

impl Unit {
    fn as_str(self) -> &'static str {
        match self {
            Self::PerSecond => "1/s",
            Self::MebibytesPerSecond => "MiB/s",
            Self::Microseconds => "us",
            Self::Nanoseconds => "ns",
            Self::Mebibytes => "MiB",
            Self::Bytes => "B",
        }
    }
}

impl Quantity {
    /// A quantity with a name of its own.
    #[must_use]
    pub const fn named(name: &'static str, unit: Unit) -> Self {
        Self(name, unit)
    }

    pub(crate) fn of(self, case: &str) -> String {
        if self.0.is_empty() { case.to_owned() } else { format!("{case}, {}", self.0) }
    }

    pub(crate) fn unit(self) -> &'static str {
        self.1.as_str()
    }
}

/// The only one of its case.
impl From<Unit> for Quantity {
    fn from(unit: Unit) -> Self {
        Self("", unit)
    }
}

#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) unit: &'static str,
    pub(crate) conduit: f64,
    pub(crate) raw: Option<f64>,
    pub(crate) ratio: Option<f64>,
    pub(crate) rounds: usize,
}

pub(crate) struct Report {
    json: bool,
    begun: bool,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, begun: false }
    }

    pub(crate) fn row(&mut self, row: &Row) {
        if self.json {
            // Numbers and text cannot fail to be JSON.
            return println!("{}", serde_json::to_string(row).unwrap_or_default());
        }
        if !std::mem::replace(&mut self.begun, true) {
            println!("{:<44} {:>6} {:>12} {:>12} {:>6}", "case", "unit", "conduit", "raw", "ratio");
        }
        let digits = if row.conduit < 100.0 { 2 } else { 0 };
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(String::new, |value| format!("{value:.digits$}"))
        };
        println!(
            "{:<44} {:>6} {:>12} {:>12} {:>6}",
            row.case,
            row.unit,
            number(Some(row.conduit), digits),
            number(row.raw, digits),
            number(row.ratio, 2),
        );
    }
}
