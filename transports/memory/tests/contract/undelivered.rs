//! The notice that nobody was subscribed.

use conduit::transport::{Packet, Subscription, Targets, Transport};
use conduit_memory::Memory;
use futures_lite::future::block_on;

use crate::common::{
    TestResult, both, bytes, control, data, group, inbox, park, plain, token, waiting,
};

#[test]
fn a_packet_for_nobody_is_told_to_the_given_inbox() -> TestResult {
    block_on(async {
        let memory = Memory::new();
        let other = memory.clone();
        let mut own = memory.subscribe(&inbox(1)).await?;
        let mut foreign = other.subscribe(&inbox(2)).await?;
        for (message, to) in
            [plain(), group(), both(), inbox(9), control("service")].iter().enumerate()
        {
            let token = token(u8::try_from(message)?, Targets::Both);
            memory.publish(to, bytes(0), Some((&inbox(1), token))).await?;
            assert_eq!(waiting(&mut own), [Packet::Undelivered(token)], "{to:?}");
        }
        assert_eq!(waiting(&mut foreign), []);
        Ok(())
    })
}

#[test]
fn the_kind_that_is_missing_counts() -> TestResult {
    block_on(async {
        let memory = Memory::new();
        let mut own = memory.subscribe(&inbox(1)).await?;
        let mut listener = memory.subscribe(&plain()).await?;
        let token = token(1, Targets::Group);
        memory.publish(&group(), bytes(1), Some((&inbox(1), token))).await?;
        assert_eq!(waiting(&mut own), [Packet::Undelivered(token)]);
        memory.publish(&both(), bytes(2), Some((&inbox(1), token))).await?;
        memory.publish(&plain(), bytes(3), Some((&inbox(1), token))).await?;
        assert_eq!(waiting(&mut own), []);
        assert_eq!(waiting(&mut listener), data([2, 3]));
        Ok(())
    })
}

#[test]
fn those_who_left_are_nobody() -> TestResult {
    block_on(async {
        let memory = Memory::new();
        let mut own = memory.subscribe(&inbox(1)).await?;
        let mut left = memory.subscribe(&group()).await?;
        left.leave().await?;
        drop(memory.subscribe(&group()).await?);
        let token = token(1, Targets::Group);
        memory.publish(&group(), bytes(1), Some((&inbox(1), token))).await?;
        assert_eq!(waiting(&mut own), [Packet::Undelivered(token)]);
        Ok(())
    })
}

#[test]
fn without_a_token_or_a_reader_there_is_no_notice() -> TestResult {
    block_on(async {
        let memory = Memory::new();
        let mut own = memory.subscribe(&inbox(1)).await?;
        memory.publish(&plain(), bytes(1), None).await?;
        memory.publish(&plain(), bytes(1), Some((&inbox(2), token(1, Targets::Plain)))).await?;
        assert_eq!(waiting(&mut own), []);
        assert_eq!(memory.queued(), 0);
        Ok(())
    })
}

#[test]
fn a_notice_waits_for_room_and_a_new_listener_makes_it_needless() -> TestResult {
    block_on(async {
        let memory = Memory::builder().subscription_capacity(1).build();
        let mut own = memory.subscribe(&inbox(1)).await?;
        memory.publish(&inbox(1), bytes(1), None).await?;
        let token = token(1, Targets::Plain);
        let (to, inbox) = (plain(), inbox(1));
        let mut publish = Box::pin(memory.publish(&to, bytes(2), Some((&inbox, token))));
        park(&mut publish);

        let mut listener = memory.subscribe(&plain()).await?;
        assert_eq!(waiting(&mut own), data([1]));
        publish.await?;
        assert_eq!(waiting(&mut own), []);
        assert_eq!(waiting(&mut listener), data([2]));
        Ok(())
    })
}
