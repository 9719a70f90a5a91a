//! Takes a namespace and forgets it.

use conduit::transport::Namespace;
use conduit_conformance::{Broker, Guarantee, run};
use conduit_memory::Memory;
use conduit_smol::Smol;

struct OneNamespace(Memory);

impl Broker for OneNamespace {
    type Transport = Memory;

    async fn start() -> Self {
        Self(Memory::new())
    }

    async fn connect(&self) -> Memory {
        self.0.clone()
    }

    async fn connect_in(&self, _: Namespace) -> Option<Memory> {
        Some(self.0.clone())
    }
}

macro_rules! caught {
    ($($check:ident,)+) => {
        $(
            #[test]
            fn $check() {
                let check = conduit_conformance::$check::<OneNamespace>;
                let found = smol::block_on(run(Smol, check));
                let rule = found.as_ref().map_err(|violation| violation.guarantee());
                assert_eq!(rule, Err(Guarantee::Isolation), "{found:?}");
            }
        )+
    };
}

caught! {
    namespaces_never_meet,
    namespaces_are_apart_for_conduits,
}
