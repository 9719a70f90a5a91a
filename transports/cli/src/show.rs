//! Tables, and numbers for people.

use std::{
    fmt::Write,
    io::{self, IsTerminal, Write as _},
    time::Duration,
};

use crate::exit::Exit;

/// Rows of texts under their titles, each column as wide as it has to be.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// Columns of numbers, which end at the right.
    right: Vec<bool>,
}

impl Table {
    /// Creates a table; the columns whose titles begin with `>` have numbers.
    pub(crate) fn new(titles: &[&str]) -> Self {
        let right = titles.iter().map(|title| title.starts_with('>')).collect();
        let titles = titles.iter().map(|title| title.trim_start_matches('>').to_owned());
        Self { rows: vec![titles.collect()], right }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(crate) fn print(&self) -> Result<(), Exit> {
        let columns = self.right.len();
        let width = |column: usize| {
            self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        let is_terminal = io::stdout().is_terminal();
        let mut text = String::new();
        for (at, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let (width, gap) = (widths[column], if column == 0 { "" } else { "  " });
                let _ = match self.right[column] {
                    true => write!(line, "{gap}{cell:>width$}"),
                    false => write!(line, "{gap}{cell:width$}"),
                };
            }
            let line = line.trim_end();
            let _ = match at == 0 && is_terminal {
                true => writeln!(text, "\x1b[1m{line}\x1b[0m"),
                false => writeln!(text, "{line}"),
            };
        }
        print(&text)
    }
}

/// Prints a text. A reader that has gone, as `head` does, ends the program.
pub(crate) fn print(text: &str) -> Result<(), Exit> {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed.map_err(|error| Exit::late(format!("the output cannot be written: {error}")))
}

/// Prints a line of JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<(), Exit> {
    let text = serde_json::to_string(value).map_err(|error| Exit::late(error.to_string()))?;
    print(&(text + "\n"))
}

/// A number of bytes.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut unit, mut below) = (0, count);
    while below >= 1024 && unit + 1 < UNITS.len() {
        below /= 1024;
        unit += 1;
    }
    let tenths = (u128::from(count) * 10) >> (10 * unit);
    match unit {
        0 => format!("{count} B"),
        unit => format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]),
    }
}

/// A short time.
pub(crate) fn micros(micros: u64) -> String {
    match micros {
        0..1000 => format!("{micros}us"),
        1000..1_000_000 => format!("{}.{}ms", micros / 1000, micros / 100 % 10),
        _ => format!("{}.{}s", micros / 1_000_000, micros / 100_000 % 10),
    }
}

/// A long time, in its two largest units.
pub(crate) fn age(millis: u64) -> String {
    let seconds = Duration::from_millis(millis).as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m{}s", seconds % 60),
        3600..86_400 => format!("{hours}h{}m", minutes % 60),
        _ => format!("{days}d{}h", hours % 24),
    }
}

/// What a body says: text as it is, other bytes as hexadecimal digits.
pub(crate) fn body(bytes: &[u8]) -> serde_json::Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::json!({ "text": text }),
        Err(_) => serde_json::json!({ "hex": hex(bytes) }),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let sizes = [0, 1023, 1024, 1536, (1 << 20) - 1, 5 << 30, u64::MAX];
        let texts =
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1023.9 KiB", "5.0 GiB", "16777215.9 TiB"];
        assert_eq!(sizes.map(bytes), texts);
        assert_eq!([7, 1234, 1_999_999].map(micros), ["7us", "1.2ms", "1.9s"]);
        let ages = [0, 61_000, 3_661_000, 90_061_000].map(age);
        assert_eq!(ages, ["0s", "1m1s", "1h1m", "1d1h"]);
        assert_eq!(hex(&[0, 0xfa]), "00fa");
    }
}
