//! What layers are told of handlers that fail.

use std::sync::{Arc, Mutex};

use conduit::{
    Error, ErrorKind, Failure,
    layer::{InboundCall, InboundNext, InboundOutcome, Layer},
};

use crate::support::world::{TestResult, World};

/// Keeps what it is told of each handler.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<OneTold>>>);

/// The kind of the error, and the code of the failure.
type OneTold = (Option<ErrorKind>, Option<String>);

impl Layer for Told {
    async fn inbound(&self, call: InboundCall, next: InboundNext<'_>) -> InboundOutcome {
        let outcome = next.run(call).await;
        let code = outcome.failure().map(|failure| failure.code().to_owned());
        self.0.lock().expect("it is whole").push((outcome.error_kind(), code));
        outcome
    }
}

#[test]
fn a_layer_is_told_what_the_asker_is_told() -> TestResult {
    World::run(|world| async move {
        let (node, told) = (world.node("worker")?, Told::default());
        let binding = node.queue_bind("do").await?.layer(told.clone());
        let own = node.own_service();
        binding.serve(async |what: String| match &*what {
            "panic" => panic!("on purpose"),
            // Boxed and wrapped, a failure stays one.
            "code" => Err(Box::<dyn std::error::Error + Send + Sync>::from(std::io::Error::other(
                Failure::new("no.stock", "sold out"),
            ))),
            // The error of decoding something else is the handler's own.
            "other" => Err(Error::from(ErrorKind::Decode).into()),
            _ => Ok(()),
        });
        for what in ["panic", "code", "other", "well"] {
            let kind = own.request("do", what).await.err().map(|error| error.kind());
            let failure = (what == "code").then(|| "no.stock".to_owned());
            world.sim.idle().await;
            assert_eq!(told.0.lock().expect("it is whole").pop(), Some((kind, failure)), "{what}");
        }
        let error = own.request("do", &5).await.expect_err("it is no text");
        world.sim.idle().await;
        let last = told.0.lock().expect("it is whole").pop();
        assert_eq!((error.kind(), last), (ErrorKind::NotDecoded, Some((Some(error.kind()), None))));
        Ok(())
    })
}
