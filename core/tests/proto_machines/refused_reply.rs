//! An asker that takes no body of a reply.

use std::time::Instant;

use bytes::Bytes;
use conduit::{
    InstanceId,
    proto::{Asked, Outbound, Paths, ReasonCode, frame::Receiver},
    transport::Target,
};

use crate::forged::{MESSAGE, SECOND, head, limits, said};

const ASKER: Receiver = Receiver { instance: InstanceId::from_bytes([5; 16]), port: 0 };

/// No other asker could take it: whatever the reason, it has failed.
#[test]
fn a_reply_that_is_refused_has_failed_and_is_not_sent_again() {
    for code in [
        ReasonCode::Overloaded,
        ReasonCode::Draining,
        ReasonCode::Unsupported,
        ReasonCode::Refused,
        ReasonCode::Gone,
        ReasonCode::Dropped,
    ] {
        let now = Instant::now();
        let asked = Asked { request: MESSAGE, asker: ASKER, credit: 1000 };
        let mut outbound = Outbound::reply(now, MESSAGE, head(), asked, None, limits(4000, None));
        outbound.push(&Bytes::from_static(&[7; 500]));
        assert_eq!(said(&mut outbound, now).len(), 2, "the head, and the first bytes");
        outbound.handle_stop(now, ASKER, Target::Plain, code.into());
        let outcome = outbound.outcome().unwrap_or_else(|| panic!("{code:?} does not end it"));
        let results = outcome.deliveries.into_iter().map(|delivery| delivery.result);
        assert_eq!(results.collect::<Vec<_>>(), [Err(code.into())]);
        outbound.handle_timeout(now + SECOND, &mut Paths::default());
        assert_eq!(said(&mut outbound, now + SECOND), []);
    }
}
