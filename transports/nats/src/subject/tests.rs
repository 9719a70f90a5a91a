use conduit::{InstanceId, MessageId, NameError, transport::Address};

use super::*;

fn at(targets: Targets) -> Result<Address, NameError> {
    Ok(Address::Subject { service: "users".parse()?, subject: "user.created".parse()?, targets })
}

fn inbox() -> Result<Address, NameError> {
    Ok(Address::Inbox { service: "users".parse()?, instance: InstanceId::from_bytes([0xab; 16]) })
}

fn token(targets: Targets) -> Token {
    Token { message: MessageId::from_bytes([7; 16]), targets, tag: 0xfedc }
}

fn root() -> Root {
    Root::default()
}

/// Whether NATS routes a subject to a subscription.
fn matches(subscription: &str, subject: &str) -> bool {
    let (mut wanted, mut given) = (subscription.split('.'), subject.split('.'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return false,
        }
    }
}

#[test]
fn a_subject_is_published_with_a_flag_a_target() -> Result<(), NameError> {
    assert_eq!(root().publish(&at(Targets::Plain)?), "conduit.users.s.1.0.user.created");
    assert_eq!(root().publish(&at(Targets::Group)?), "conduit.users.s.0.1.user.created");
    assert_eq!(root().publish(&at(Targets::Both)?), "conduit.users.s.1.1.user.created");
    Ok(())
}

#[test]
fn a_subscription_takes_its_own_target_alone_and_with_the_other() -> Result<(), NameError> {
    let plain = root().subscribe(&at(Targets::Plain)?).expect("plain can be subscribed to");
    let group = root().subscribe(&at(Targets::Group)?).expect("a group can be subscribed to");
    assert_eq!(plain, ("conduit.users.s.1.*.user.created".into(), None));
    assert_eq!(group, ("conduit.users.s.*.1.user.created".into(), Some("conduit")));
    assert_eq!(root().subscribe(&at(Targets::Both)?), None);

    for targets in [Targets::Plain, Targets::Group, Targets::Both] {
        let published = root().publish(&at(targets)?);
        assert_eq!(matches(&plain.0, &published), targets.plain(), "{published}");
        assert_eq!(matches(&group.0, &published), targets.group(), "{published}");
    }
    Ok(())
}

#[test]
fn an_inbox_takes_packets_and_notices_in_one_subscription() -> Result<(), NameError> {
    let instance = "ab".repeat(16);
    let (subscription, queue) = root().subscribe(&inbox()?).expect("an inbox can be subscribed to");
    assert_eq!(subscription, format!("conduit.users.*.{instance}.*"));
    assert_eq!(queue, None);

    let packet = root().publish(&inbox()?);
    assert_eq!(packet, format!("conduit.users.i.{instance}.p"));
    assert!(matches(&subscription, &packet));
    assert_eq!(arrival(&packet), Arrival::Packet);

    for targets in [Targets::Plain, Targets::Group, Targets::Both] {
        let subject = root().notice(&inbox()?, token(targets)).expect("an inbox takes notices");
        assert!(subject.starts_with(&format!("conduit.users.n.{instance}.")), "{subject}");
        assert!(matches(&subscription, &subject));
        assert_eq!(arrival(&subject), Arrival::Notice(token(targets)));
        assert_eq!(arrival(&subject.replace(".n.", ".i.")), Arrival::Unknown);
    }
    let marks = root().marks(&inbox()?).expect("an inbox has marks");
    assert!(!matches(&subscription, &mark(&marks, 7)), "it would come twice");
    Ok(())
}

#[test]
fn only_an_inbox_takes_notices_and_has_marks() -> Result<(), NameError> {
    let control = Address::Control { service: "users".parse()? };
    assert_eq!(root().notice(&control, token(Targets::Plain)), None);
    assert_eq!(root().marks(&control), None);
    assert_eq!(root().marks(&inbox()?), Some(format!("conduit.users.f.{}", "ab".repeat(16))));
    Ok(())
}

#[test]
fn what_nobody_sends_is_unknown() {
    for subject in [
        "",
        ".",
        "conduit.users.i.ab.q",
        "conduit.users.i.ab.p0",
        "conduit.users.i.ab.",
        "conduit.users.n.ab.p",
        "conduit.users.x.ab.p",
        "p",
        "ab.p",
    ] {
        assert_eq!(arrival(subject), Arrival::Unknown, "{subject:?}");
    }
}

#[test]
fn control_is_one_subject_of_the_service() -> Result<(), NameError> {
    let control = Address::Control { service: "users".parse()? };
    assert_eq!(root().publish(&control), "conduit.users.c");
    assert_eq!(root().subscribe(&control), Some(("conduit.users.c".into(), None)));
    Ok(())
}

#[test]
fn the_directory_is_one_subject_that_no_service_has() -> Result<(), NameError> {
    assert_eq!(root().publish(&Address::Directory), "conduit.directory");
    assert_eq!(root().subscribe(&Address::Directory), Some(("conduit.directory".into(), None)));
    assert_eq!(place("conduit.directory"), "conduit.directory");
    let namesake = Address::Control { service: "directory".parse()? };
    assert!(!matches("conduit.directory", &root().publish(&namesake)));
    assert!(!matches("conduit.directory.>", &root().publish(&Address::Directory)));
    Ok(())
}

#[test]
fn a_place_is_all_subjects_of_a_service_or_all_its_inboxes() -> Result<(), NameError> {
    assert_eq!(place(&root().publish(&at(Targets::Both)?)), "conduit.users.s");
    assert_eq!(place(&root().publish(&inbox()?)), "conduit.users.i");
    let control = Address::Control { service: "users".parse()? };
    assert_eq!(place(&root().publish(&control)), "conduit.users.c");
    Ok(())
}

#[test]
fn a_namespace_is_another_first_token() -> Result<(), NameError> {
    let long = "n".repeat(128);
    for (namespace, first) in [("a", "conduit-a"), (&long, &format!("conduit-{long}"))] {
        let root = Root::of(&namespace.parse()?);
        let control = Address::Control { service: "a".parse()? };
        for address in [at(Targets::Plain)?, inbox()?, control, Address::Directory] {
            let moved = |subject: String| subject.replacen("conduit", first, 1);
            let (own, other) = (root.publish(&address), self::root().publish(&address));
            assert_eq!(own, moved(other.clone()));
            let subscribe = |root: &Root| root.subscribe(&address).expect("it has one target").0;
            let (listening, elsewhere) = (subscribe(&root), subscribe(&self::root()));
            assert_eq!(listening, moved(elsewhere.clone()));
            assert!(matches(&listening, &own) && !matches(&listening, &other), "{listening}");
            assert!(matches(&elsewhere, &other) && !matches(&elsewhere, &own), "{elsewhere}");
            assert_eq!(place(&own), moved(place(&other).into()));
        }
        let notice = root.notice(&inbox()?, token(Targets::Plain)).expect("an inbox takes them");
        assert!(notice.starts_with(&format!("{first}.users.n.")), "{notice}");
        assert_eq!(arrival(&notice), Arrival::Notice(token(Targets::Plain)));
        assert_eq!(root.marks(&inbox()?), Some(format!("{first}.users.f.{}", "ab".repeat(16))));
    }
    Ok(())
}
