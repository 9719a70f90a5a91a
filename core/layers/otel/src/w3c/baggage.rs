//! `baggage`: what an application sends along.

use opentelemetry::baggage::Baggage;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

const MOST_MEMBERS: usize = 64;
const MOST_BYTES: usize = 8_192;

/// What a value cannot contain, and `=`, which some readers cannot read there.
const ESCAPED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'%').add(b',').add(b';').add(b'=').add(b'\\');

/// Returns the value of the header, in the order of the keys: what fits. `None` if there is nothing.
pub(super) fn written(baggage: &Baggage) -> Option<String> {
    let mut all: Vec<_> = baggage.iter().collect();
    all.sort_by_key(|(key, _)| key.as_str());
    let mut text = String::new();
    for (key, (value, properties)) in all {
        let mut member = format!("{key}={}", utf8_percent_encode(value.as_str(), ESCAPED));
        let properties = properties.as_str();
        if !properties.is_empty() && are_properties(properties) {
            member.push(';');
            member.push_str(properties);
        }
        let comma = usize::from(!text.is_empty());
        if text.len() + comma + member.len() > MOST_BYTES {
            continue;
        }
        text.extend((comma == 1).then_some(','));
        text.push_str(&member);
    }
    (!text.is_empty()).then_some(text)
}

/// Reads the headers, in order. Of a key that occurs twice, the last one counts.
pub(super) fn read(all: &[&str]) -> Baggage {
    let mut baggage = Baggage::new();
    let members = all.iter().flat_map(|header| header.split(','));
    for member in members.take(MOST_MEMBERS) {
        let (pair, properties) = member.split_once(';').unwrap_or((member, ""));
        let Some((key, value)) = pair.split_once('=') else { continue };
        let (key, value, properties) = (trim(key), trim(value), trim(properties));
        if is_key(key) && value.bytes().all(is_octet) && are_properties(properties) {
            let value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            baggage.insert_with_metadata(key.to_owned(), value, properties);
        }
    }
    baggage
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// A token of HTTP.
fn is_key(key: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !key.is_empty() && key.bytes().all(is_allowed)
}

fn is_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)
}

/// Keys and values, separated by semicolons. They are passed on as they are.
fn are_properties(text: &str) -> bool {
    text.bytes().all(|byte| is_octet(byte) || b"; \t".contains(&byte))
}

#[cfg(test)]
mod tests {
    use opentelemetry::baggage::KeyValueMetadata;

    use super::*;

    fn again(all: &[&str]) -> String {
        written(&read(all)).unwrap_or_default()
    }

    #[test]
    fn what_is_valid_is_read_and_the_rest_left_out() {
        let cases: [(&[&str], &str); 18] = [
            (&[], ""),
            (&[""], ""),
            (&["a=1"], "a=1"),
            (&["a=1,b=2,c=3"], "a=1,b=2,c=3"),
            (&["a=1", "b=2"], "a=1,b=2"),
            (&["a \t=\t 1 , \tb= 2"], "a=1,b=2"),
            (&["a=1;p1;p2, b = 2, c=3; k=v"], "a=1;p1;p2,b=2,c=3;k=v"),
            (&["a=1 ; p = 2"], "a=1;p = 2"),
            (&["a="], "a="),
            (&["a=1=2"], "a=1%3D2"),
            (&["a=%20%22%2C%3B%5C%25"], "a=%20%22%2C%3B%5C%25"),
            (&["a=Am%C3%A9lie"], "a=Am%C3%A9lie"),
            (&["a=%C3"], "a=%EF%BF%BD"),
            (&["a=50%"], "a=50%25"),
            (&["a=1,,b,=2,c d=3,e@f=4,g=5"], "a=1,g=5"),
            (&["a=1 2,b=\"c\",d=e\\f,ä=1,g=ä,h=1"], "h=1"),
            (&["a=1;\u{1},b=2"], "b=2"),
            (&["a=1,a=2"], "a=2"),
        ];
        for (headers, sent) in cases {
            assert_eq!(again(headers), sent, "of {headers:?}");
        }
    }

    #[test]
    fn any_value_arrives_as_it_was() {
        let every: String = (0..=0x2ff).filter_map(char::from_u32).collect();
        let sent = Baggage::from([KeyValueMetadata::new("every", every.clone(), "p=1")]);
        let header = written(&sent).expect("it is not empty");
        assert!(header.bytes().all(|byte| byte.is_ascii_graphic()), "{header}");
        let read = read(&[&header]);
        let (value, properties) = read.get_with_metadata("every").expect("it was sent");
        assert_eq!((value.as_str(), properties.as_str()), (&*every, "p=1"));
    }

    #[test]
    fn properties_cannot_add_members() {
        let sent = Baggage::from([KeyValueMetadata::new("a", "1", "p,b=2")]);
        assert_eq!(written(&sent).as_deref(), Some("a=1"));
    }

    #[test]
    fn it_is_bounded() {
        let most: Vec<_> = (0..64).map(|at| format!("k{at:02}=v")).collect();
        assert_eq!(again(&[&most.join(",")]), most.join(","));
        let more: Vec<_> = (0..65).map(|at| format!("k{at:02}=v")).collect();
        assert_eq!(again(&[&more.join(",")]), most.join(","));
        // Escaping makes three of each of its bytes.
        let long = KeyValueMetadata::new("a", " ".repeat(3_000), "");
        let sent = Baggage::from([long, KeyValueMetadata::new("b", "2", "")]);
        assert_eq!(written(&sent).as_deref(), Some("b=2"));
    }
}
