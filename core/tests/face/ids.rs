use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU8, Ordering},
};

use conduit::{Conduit, IdGenerator, InstanceId, MessageId};

use crate::support::world::{TestResult, World};

/// Counts bytes up.
#[derive(Default)]
struct Counting(AtomicU8);

impl IdGenerator for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.0.fetch_add(1, Ordering::SeqCst));
    }
}

#[test]
fn an_id_is_32_lowercase_hexadecimal_digits() -> TestResult {
    let text = "00112233445566778899aabbccddeeff";
    let id: MessageId = text.parse()?;
    assert_eq!(id.to_string(), text);
    assert_eq!(format!("{id:?}"), text);
    assert_eq!(id.to_bytes()[..3], [0x00, 0x11, 0x22]);
    assert_eq!(MessageId::from_bytes(id.to_bytes()), id);
    let zeros = InstanceId::from_bytes([0; 16]);
    assert_eq!(zeros.to_string().parse(), Ok(zeros));
    let upper = text.to_uppercase();
    let (short, long) = (&text[1..], format!("{text}0"));
    let plus = format!("+{short}");
    for wrong in ["", short, &long, &upper, &plus, "ü", &"ü".repeat(16)] {
        assert!(wrong.parse::<InstanceId>().is_err(), "{wrong:?}");
    }
    Ok(())
}

#[test]
fn instances_are_distinct() -> TestResult {
    World::run(|world| async move {
        let nodes = (0..100).map(|_| world.node("a")).collect::<Result<Vec<_>, _>>()?;
        let ids: BTreeSet<_> = nodes.iter().map(Conduit::instance).collect();
        assert_eq!(ids.len(), 100);
        Ok(())
    })
}

#[test]
fn a_seeded_source_names_the_instance() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("a").ids(Counting::default()).build()?;
        assert_eq!(node.instance().to_string(), "000102030405060708090a0b0c0d0e0f");
        let mut bound = node.bind("x").await?;
        node.own_service().send("x", &1).await?;
        let message = bound.next().await.expect("it is bound");
        assert_eq!(message.source().instance, node.instance());
        assert_eq!(&message.source().service, node.name());
        Ok(())
    })
}
