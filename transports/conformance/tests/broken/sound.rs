//! No fault: the checks that find the others find nothing here.

use conduit::transport::{Address, Transport};
use conduit_conformance::run;
use conduit_memory::{Memory, MemorySubscription};
use conduit_smol::Smol;

use crate::faulty::{Fault, FaultyBroker, Result};

#[derive(Default)]
struct Sound;

impl Fault for Sound {
    type Subscription = MemorySubscription;

    async fn subscribe(&self, memory: &Memory, at: &Address) -> Result<MemorySubscription> {
        memory.subscribe(at).await
    }
}

macro_rules! holds {
    ($check:ident,) => {
        #[test]
        fn $check() -> std::result::Result<(), conduit_conformance::Violation> {
            smol::block_on(run(
                Smol,
                conduit_conformance::$check::<FaultyBroker<Sound>>,
            ))
        }
    };
}

conduit_conformance::each_check!(holds,);
