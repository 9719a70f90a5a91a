//! No fault: the checks that find the others find nothing here.

use std::time::Duration;

use conduit::transport::{Address, Transport};
use conduit_conformance::run;
use conduit_memory::{Memory, MemorySubscription};
use conduit_smol::Smol;

use crate::faulty::{Fault, FaultyBroker, Result};

#[derive(Default)]
struct Sound;

impl Fault for Sound {
    const PATIENCE: Duration = Duration::from_secs(10);
    type Subscription = MemorySubscription;

    async fn subscribe(&self, memory: &Memory, at: &Address) -> Result<MemorySubscription> {
        memory.subscribe(at).await
    }
}

macro_rules! holds {
    ($($check:ident,)+) => {
        $(
            #[test]
            fn $check() -> std::result::Result<(), conduit_conformance::Violation> {
                smol::block_on(run(Smol, conduit_conformance::$check::<FaultyBroker<Sound>>))
            }
        )+
    };
}

holds! {
    packets_keep_their_order,
    a_packet_comes_once,
    a_packet_is_handed_over_or_kept,
    one_member_gets_a_packet,
    an_inbox_is_private,
    a_missing_subscriber_is_noticed,
    a_flushed_subscription_is_in_force,
    a_left_subscription_ends,
    every_bind_gets_every_message,
    both_kinds_get_the_same_message,
    local_queue_bindings_share_the_work,
    replies_reach_their_askers,
    what_is_sent_after_bind_arrives,
    an_unbound_binding_ends,
    members_leave_without_loss,
    a_request_to_nobody_fails_at_once,
    a_body_to_nobody_has_no_receivers,
}
