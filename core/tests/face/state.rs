//! Handlers that share a state.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use conduit::{Error, ErrorKind, Executed, Failure, Message};
use conduit_json::Json;

use crate::support::world::{TestResult, World};

#[derive(Default)]
struct Till {
    total: AtomicU64,
    /// How many handlers have begun.
    begun: AtomicU64,
}

impl Till {
    async fn add(&self, amount: u64) -> Result<u64, Failure> {
        if amount == 0 {
            return Err(Failure::new("nothing", "there is nothing to add"));
        }
        Ok(self.total.fetch_add(amount, Relaxed) + amount)
    }

    async fn add_owned(self: Arc<Self>, amount: u64) -> Result<u64, Failure> {
        self.add(amount).await
    }

    async fn add_twice(&self, amount: u64, message: Message<Json>) -> Result<u64, Failure> {
        let times = if message.headers().get("times") == Some("2") { 2 } else { 1 };
        self.add(amount * times).await
    }

    async fn take_note(&self, message: Message<Json>) -> Result<(), Error> {
        let amount = message.decode().await?;
        self.total.fetch_add(amount, Relaxed);
        message.reply(&self.total.load(Relaxed)).await
    }
}

async fn add(till: &Till, amount: u64) -> Result<u64, Failure> {
    till.add(amount).await
}

async fn note(till: Arc<Till>, message: Message<Json>) {
    till.take_note(message).await.expect("it is noted");
}

#[test]
fn functions_and_methods_by_name_and_closures_share_it() -> TestResult {
    World::run(|world| async move {
        let (node, till) = (world.node("a")?, Arc::new(Till::default()));
        let bind = async |subject: &'static str| {
            Ok::<_, Error>(node.queue_bind(subject).await?.with(Arc::clone(&till)))
        };
        bind("method").await?.serve(Till::add);
        bind("owned").await?.serve(Till::add_owned);
        bind("function").await?.serve(add);
        bind("closure").await?.serve(async |till: Arc<Till>, amount: u64| till.add(amount).await);
        bind("message").await?.serve_with(Till::add_twice);
        bind("closure.message").await?.serve_with(
            async |till: Arc<Till>, amount: u64, message: Message<Json>| {
                till.add_twice(amount, message).await
            },
        );
        bind("raw").await?.to(Till::take_note);
        bind("raw.owned").await?.to(note);
        bind("raw.closure")
            .await?
            .to(async |till: Arc<Till>, message: Message<Json>| till.take_note(message).await);
        let mut total = 0;
        let subjects =
            "method owned function closure message closure.message raw raw.owned raw.closure";
        for (number, subject) in subjects.split(' ').enumerate() {
            let number = number as u64 + 1;
            let times = if subject.ends_with("message") { 2 } else { 1 };
            total += number * times;
            let asked = node.own_service().request(subject, &number).header("times", "2").await?;
            assert_eq!(asked.decode::<u64>().await?, total, "{subject}");
        }
        Ok(())
    })
}

#[test]
fn a_handler_with_state_fails_as_one_without() -> TestResult {
    World::run(|world| async move {
        let (node, till) = (world.node("a")?, Arc::new(Till::default()));
        let worker = node.queue_bind("add").await?.with(till).serve(Till::add);
        let own = node.own_service();
        let error = own.request("add", &0).await.expect_err("it is nothing");
        assert_eq!(error.failure().map(Failure::code), Some("nothing"));
        assert_eq!(error.executed(), Executed::Yes);
        let error = own.request("add", "ten").await.expect_err("it is no number");
        assert_eq!(error.kind(), ErrorKind::NotDecoded);
        assert_ne!(error.executed(), Executed::Yes, "the function was not called");
        assert!(worker.is_bound());
        Ok(())
    })
}

#[test]
fn concurrent_handlers_share_it_and_the_last_one_lets_go_of_it() -> TestResult {
    World::run(|world| async move {
        let (node, till) = (world.node("a")?, Arc::new(Till::default()));
        let binding = node.queue_bind("meet").await?.concurrency(2).with(Arc::clone(&till));
        let meet = async |till: Arc<Till>, (): ()| {
            till.begun.fetch_add(1, Relaxed);
            while till.begun.load(Relaxed) < 2 {
                futures_lite::future::yield_now().await;
            }
            Ok::<_, Error>(())
        };
        let worker = binding.serve(meet);
        let own = node.own_service();
        let (one, other) =
            futures_lite::future::zip(own.request("meet", &()), own.request("meet", &())).await;
        one?;
        other?;
        worker.unbind().await;
        node.close().await;
        assert_eq!(Arc::strong_count(&till), 1);
        Ok(())
    })
}
