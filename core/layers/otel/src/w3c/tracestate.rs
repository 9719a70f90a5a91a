//! `tracestate`: what other tracing systems add to a trace.

use opentelemetry::trace::TraceState;

/// How many members there are at most. A header with more is not valid.
const MOST: usize = 32;

/// Reads the headers, in order. If a member is not valid, nothing is left.
pub(super) fn read(all: &[&str]) -> TraceState {
    let mut members = members(all).unwrap_or_default();
    // The API takes no system of 14 characters, which is the longest one.
    members.retain(|member| TraceState::from_key_value([*member]).is_ok());
    TraceState::from_key_value(members).unwrap_or_default()
}

fn members<'a>(all: &[&'a str]) -> Option<Vec<(&'a str, &'a str)>> {
    let members = all.iter().flat_map(|header| header.split(','));
    let members = members.map(|member| member.trim_matches([' ', '\t']));
    let mut found: Vec<(&str, &str)> = Vec::new();
    for (count, member) in members.filter(|member| !member.is_empty()).enumerate() {
        let (key, value) = member.split_once('=')?;
        if count == MOST || !is_key(key) || !is_value(value) {
            return None;
        }
        // The newest one stands first.
        if !found.iter().any(|(other, _)| *other == key) {
            found.push((key, value));
        }
    }
    Some(found)
}

/// A name of a system, or `tenant@system`. Level 2 of the recommendation lets a name begin with a
/// digit.
fn is_key(key: &str) -> bool {
    let is_name = |name: &str, most: usize| {
        let is_first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        name.bytes().next().is_some_and(is_first)
            && name.len() <= most
            && name.bytes().all(|byte| is_first(byte) || b"_-*/".contains(&byte))
    };
    match key.split_once('@') {
        Some((tenant, system)) => is_name(tenant, 241) && is_name(system, 14),
        None => is_name(key, 256),
    }
}

fn is_value(value: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=';
    (1..=256).contains(&value.len()) && value.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(all: &[&str]) -> String {
        read(all).header()
    }

    #[test]
    fn valid_ones_are_read() {
        let most: Vec<_> = (1..=32).map(|at| format!("bar{at:02}={at:02}")).collect();
        let most = most.join(",");
        let long = format!("{}=1", "z".repeat(256));
        let tenant = format!("{}@{}=1", "t".repeat(241), "v".repeat(13));
        let value = format!("a={}", "0".repeat(256));
        let every = "a=!\"#$%&'()*+-./0189:;<>?@ABCZ[\\]^_`abz{|}~";
        let cases: [(&[&str], &str); 18] = [
            (&[], ""),
            (&[""], ""),
            (&["foo"], ""),
            (&["foo=1"], "foo=1"),
            (&["foo=1", ""], "foo=1"),
            (&["", "foo=1"], "foo=1"),
            (&["foo=1,", "bar=2"], "foo=1,bar=2"),
            (&["foo=1,bar=2"], "foo=1,bar=2"),
            (&["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
            (&["foo=1\t \t,,\t \tbar=2"], "foo=1,bar=2"),
            (&[" foo=1 \t"], "foo=1"),
            (&["foo= 1"], "foo= 1"),
            (&["foo=1,foo=2", "bar=3,foo=4"], "foo=1,bar=3"),
            (&["a-_*/0=1,0tenant@system=2,1a=3"], "a-_*/0=1,0tenant@system=2,1a=3"),
            (&[&most], &most),
            (&[&long], &long),
            (&[&tenant], &tenant),
            (&[&value, "a=1"], &value),
        ];
        for (headers, sent) in cases {
            assert_eq!(again(headers), sent, "of {headers:?}");
        }
        assert_eq!(again(&[every]), every);
        let longest = format!("foo=1,t@{}=1", "v".repeat(14));
        assert_eq!(again(&[&longest]), "foo=1", "the API takes no such system");
    }

    #[test]
    fn of_others_nothing_is_left() {
        let many: Vec<_> = (1..=33).map(|at| format!("bar{at:02}={at:02}")).collect();
        let long = |key: &str, value: &str| format!("foo=1,{key}={value}");
        let cases = [
            many.join(","),
            format!("{},bar33=33", many[..32].join(",")),
            long(&"z".repeat(257), "1"),
            long(&format!("{}@v", "t".repeat(242)), "1"),
            long(&format!("t@{}", "v".repeat(15)), "1"),
            long("a", &"0".repeat(257)),
            "foo=1,bar".to_owned(),
            "foo@=1,bar=2".to_owned(),
            "@foo=1,bar=2".to_owned(),
            "foo@@bar=1,bar=2".to_owned(),
            "foo@bar@baz=1,bar=2".to_owned(),
            "foo =1".to_owned(),
            "FOO=1".to_owned(),
            "foo.bar=1".to_owned(),
            "foo=bar=baz".to_owned(),
            "foo=,bar=3".to_owned(),
            "=1".to_owned(),
            "foo=\u{1}".to_owned(),
            "foo=ä".to_owned(),
            "föö=1".to_owned(),
            "foo=1;bar=2".to_owned(),
        ];
        for header in cases {
            assert_eq!(again(&[&header]), "", "of {header:?}");
        }
        assert_eq!(again(&["foo=1", "bar"]), "", "all of them are one list");
    }
}
