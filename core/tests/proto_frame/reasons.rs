//! The reason codes are those of the specification.

use conduit::{Executed, proto::ReasonCode};

use crate::spec;

fn executed(cell: &str) -> Executed {
    match cell {
        "no" => Executed::No,
        "maybe" => Executed::Maybe,
        "yes" => Executed::Yes,
        other => panic!("{other:?} says nothing of the handler"),
    }
}

#[test]
fn every_code_is_what_the_specification_says() {
    let columns = "| code | name | meaning | sent in | executed | executed, in a Failure |";
    let rows = spec::table(columns);
    for row in &rows {
        let [code, name, _meaning, _sent_in, in_general, in_failure] = row[..] else {
            panic!("a row has six cells: {row:?}");
        };
        let reason = ReasonCode::from_wire(code.parse().expect("a number"));
        assert_eq!(format!("{reason:?}"), name);
        assert_eq!(reason.executed(), executed(in_general), "{name}");
        assert_eq!(reason.executed_in_failure(false), executed(in_failure), "{name}");
        assert_eq!(reason.executed_in_failure(true), Executed::Yes, "{name}");
    }
    // There is no code without a row.
    for code in (0..=u64::from(u8::MAX)).chain([u64::MAX]) {
        let is_known = rows.iter().any(|row| row[0] == code.to_string());
        let is_other = matches!(ReasonCode::from_wire(code), ReasonCode::Other(_));
        assert_ne!(is_known, is_other, "{code}");
    }
    assert_eq!(ReasonCode::Other(77).executed_in_failure(false), Executed::Maybe);
}
