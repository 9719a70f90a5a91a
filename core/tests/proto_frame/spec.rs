//! The tables of the specification.

const SPEC: &str = include_str!("../../../SPEC.md");

/// The rows of the table with these columns, each with its cells.
pub(crate) fn table(columns: &str) -> Vec<Vec<&'static str>> {
    let (_, table) = SPEC.split_once(&format!("\n{columns}\n")).expect("the table exists");
    let rows = table.lines().skip(1).map_while(|line| line.strip_prefix('|')?.strip_suffix('|'));
    rows.map(|row| row.split('|').map(str::trim).collect()).collect()
}
