use std::time::Duration;

/// Reads a header.
pub(super) fn header(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a header is KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Reads a time: a whole number with a unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) =
        text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().map_err(|_| "a time is a number with ms, s, m or h")?;
    let seconds = match unit {
        "ms" => return Ok(Duration::from_millis(number)),
        "s" => Some(number),
        "m" => number.checked_mul(60),
        "h" => number.checked_mul(60 * 60),
        "" if number == 0 => Some(0),
        _ => None,
    };
    seconds.map(Duration::from_secs).ok_or_else(|| "a time is a number with ms, s, m or h".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let seconds = |seconds| Ok(Duration::from_secs(seconds));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(["5s", "2m", "1h", "0"].map(duration), [5, 120, 3600, 0].map(seconds));
        for wrong in ["", "5", "s", "5d", "-1s", "1.5s", "99999999999999999999s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert_eq!(header("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(header("a").is_err());
    }
}
