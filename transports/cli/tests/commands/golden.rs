//! Compares an output with a file, without what differs from run to run.

use std::{env, fs, path::PathBuf};

use serde_json::Value;

/// Compares a text with a golden file; `CONDUIT_GOLDEN=overwrite` writes it instead.
pub(crate) fn assert_golden(name: &str, text: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", name].iter().collect();
    if env::var_os("CONDUIT_GOLDEN").is_some() {
        fs::write(&path, text).expect("it can be written");
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, wanted, "{}", path.display());
}

/// Ids and times are placeholders, and gaps have one length. Lines after the first one are in order.
pub(crate) fn stable(text: &str) -> String {
    let word = |word: &str| {
        let is_hex = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = word.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let unit = &word[number.len()..];
        let is_number = !number.is_empty()
            && number.starts_with(|c: char| c.is_ascii_digit())
            && number.bytes().all(|byte| byte.is_ascii_digit() || b".ms".contains(&byte));
        match word.len() {
            32 | 8 if is_hex(word) => "<id>".to_owned(),
            _ if is_number && matches!(unit, "us" | "ms" | "s") => "<time>".to_owned(),
            _ => word.to_owned(),
        }
    };
    let line = |line: &str| {
        let indent = line.len() - line.trim_start().len();
        let words: Vec<_> = line.split_whitespace().map(word).collect();
        format!("{}{}\n", &line[..indent], words.join(" "))
    };
    text.lines().map(line).collect()
}

/// A line for each object, with what differs from run to run left out.
pub(crate) fn stable_json(text: &str) -> String {
    fn strip(value: &mut Value) {
        const VOLATILE: [&str; 7] =
            ["held_us", "instance", "longest_us", "round_trip_us", "stats", "time_us", "uptime_ms"];
        match value {
            Value::Object(fields) => {
                for (name, value) in fields.iter_mut() {
                    match VOLATILE.contains(&name.as_str()) {
                        true => *value = "<differs>".into(),
                        false => strip(value),
                    }
                }
            }
            Value::Array(all) => {
                all.iter_mut().for_each(strip);
                // They stand in the order of ids.
                all.sort_by_key(ToString::to_string);
            }
            _ => {}
        }
    }
    let line = |line: &str| {
        let mut value = serde_json::from_str(line).expect("each line is JSON");
        strip(&mut value);
        format!("{value}\n")
    };
    let mut lines: Vec<_> = text.lines().map(line).collect();
    lines.sort();
    lines.concat()
}
