use std::error::Error as _;

use conduit::{
    Conduit, ErrorKind, MAX_SERVICE_NAME, MAX_SUBJECT, NameError, NameRule, ServiceName, Subject,
    transport::Namespace,
};
use proptest::prelude::*;

use crate::support::world::{TestResult, World};

/// A name, the rule it breaks as a service, and the rule it breaks as a subject.
type Row = (String, Option<NameRule>, Option<NameRule>);

fn rows() -> Vec<Row> {
    use NameRule::{Character, Empty, EmptyToken, TooLong};
    let character = |name: &str, c| {
        let broken = Some(Character(c));
        (name.to_owned(), broken, broken)
    };
    let dots = |name: &str, subject| (name.to_owned(), Some(Character('.')), subject);
    vec![
        (String::new(), Some(Empty), Some(Empty)),
        ("a".into(), None, None),
        ("Az09-_".into(), None, None),
        ("-".into(), None, None),
        dots("a.b", None),
        dots("A.b-c.9_", None),
        dots(".", Some(EmptyToken)),
        dots(".a", Some(EmptyToken)),
        dots("a.", Some(EmptyToken)),
        dots("a..b", Some(EmptyToken)),
        character("*", '*'),
        character("a*", '*'),
        character(">", '>'),
        character("a>", '>'),
        character("a b", ' '),
        character(" a", ' '),
        character("a\t", '\t'),
        character("a\n", '\n'),
        character("a\r\n", '\r'),
        character("a\0", '\0'),
        character("a\u{7f}", '\u{7f}'),
        character("a\u{a0}b", '\u{a0}'),
        character("größe", 'ö'),
        character("名", '名'),
        character("a\u{ff0e}b", '\u{ff0e}'),
        character("\u{202e}a", '\u{202e}'),
        character("a/b", '/'),
        character("a$b", '$'),
        ("n".repeat(MAX_SERVICE_NAME), None, None),
        ("n".repeat(MAX_SERVICE_NAME + 1), Some(TooLong(128)), None),
        ("n".repeat(MAX_SUBJECT), Some(TooLong(128)), None),
        ("n".repeat(MAX_SUBJECT + 1), Some(TooLong(128)), Some(TooLong(256))),
    ]
}

fn rule<T>(result: Result<T, NameError>) -> Option<NameRule> {
    result.err().map(|error| error.rule())
}

#[test]
fn every_rule_is_kept() {
    for (name, service, subject) in rows() {
        assert_eq!(rule(ServiceName::new(&name)), service, "service {name:?}");
        assert_eq!(rule(Subject::new(&name)), subject, "subject {name:?}");
        assert_eq!(rule(Namespace::new(&name)), service, "namespace {name:?}");
        assert_eq!(rule(name.parse::<ServiceName>()), service);
        assert_eq!(rule(ServiceName::try_from(name.as_str())), service);
        assert_eq!(rule(Subject::try_from(&name)), subject);
        assert_eq!(rule(Subject::try_from(name)), subject);
    }
}

#[test]
fn an_error_shows_the_name_and_the_rule() -> TestResult {
    let text = |name: &str| ServiceName::new(name).map_err(|error| error.to_string());
    let cases = [
        ("", r#""" cannot be a service name: it is empty"#),
        (
            "a.b",
            r#""a.b" cannot be a service name: '.' is not an ASCII letter, a digit, '-' or '_'"#,
        ),
        (
            "a\n",
            r#""a\n" cannot be a service name: '\n' is not an ASCII letter, a digit, '-' or '_'"#,
        ),
    ];
    for (name, expected) in cases {
        assert_eq!(text(name), Err(expected.to_owned()));
    }
    let error = Subject::new("a..b").expect_err("an empty token");
    assert_eq!(
        error.to_string(),
        r#""a..b" cannot be a subject: a dot has to stand between two tokens"#
    );
    let long = "n".repeat(10_000);
    let error = Subject::new(&long).expect_err("too long");
    assert_eq!(error.name(), &long[..64]);
    assert!(error.to_string().ends_with("it is longer than 256 bytes"));
    assert!(error.to_string().len() < 200, "{error}");
    Ok(())
}

#[test]
fn the_async_face_reports_what_the_names_say() -> TestResult {
    World::run(|world| async move {
        let built = Conduit::builder("a.b")
            .runtime(world.sim.clone())
            .transport(world.broker.clone())
            .encoder(conduit_json::Json)
            .build();
        let node = world.node("a")?;
        let (good, bad) = (node.service("b"), node.service("b c"));
        let errors = [
            built.map(drop),
            node.bind("x..y").await.map(drop),
            node.bind_once("").await.map(drop),
            node.queue_bind("x.>").await.map(drop),
            good.send("*", &1).await.map(drop),
            good.send_body(".x", "text").await.map(drop),
            good.request("x.", &1).await.map(drop),
            good.request_body("ü", "text").await.map(drop),
            bad.send("x", &1).await.map(drop),
            bad.request_body("x", ()).await.map(drop),
        ];
        for (at, result) in errors.into_iter().enumerate() {
            let error = result.expect_err("the name is not valid");
            assert_eq!(error.kind(), ErrorKind::InvalidName, "{at}: {error}");
            assert_eq!(error.executed(), conduit::Executed::No);
            assert!(format!("{error:#}").starts_with("the name is not valid: "));
            assert!(format!("{error:#}").contains("cannot be a "), "{at}: {error:#}");
            let source = error.source().and_then(|error| error.downcast_ref::<NameError>());
            assert!(source.is_some(), "{at}: {error:?} has no source");
        }
        Ok(())
    })
}

proptest! {
    #[test]
    fn valid_services_come_back(name in "[A-Za-z0-9_-]{1,128}") {
        let service: ServiceName = name.parse().expect("it keeps the rules");
        prop_assert_eq!(service.as_str(), &name);
        prop_assert_eq!(service.to_string(), name);
    }

    #[test]
    fn valid_subjects_come_back(name in r"[A-Za-z0-9_-]{1,20}(\.[A-Za-z0-9_-]{1,20}){0,9}") {
        let subject: Subject = name.parse().expect("it keeps the rules");
        prop_assert_eq!(subject.as_str(), &name);
        prop_assert_eq!(subject.to_string(), name);
    }

    #[test]
    fn no_name_panics(name in any::<String>()) {
        for error in [ServiceName::new(&name).err(), Subject::new(&name).err()] {
            prop_assert!(error.is_none_or(|error| !error.to_string().is_empty()));
        }
    }
}
