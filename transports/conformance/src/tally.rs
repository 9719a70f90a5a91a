//! What the handlers of a check have received.

use async_channel::{Receiver, Sender};
use conduit::{Binding, Worker};

use crate::{Broker, Guarantee, Number, Violation, World};

/// Numbers in the order in which they were received, by one handler or by several together.
pub(crate) struct Tally {
    rule: Guarantee,
    sender: Sender<u64>,
    numbers: Receiver<u64>,
}

impl Tally {
    pub(crate) fn new(rule: Guarantee) -> Self {
        let (sender, numbers) = async_channel::unbounded();
        Self { rule, sender, numbers }
    }

    /// Notes every number that comes to a binding.
    pub(crate) fn handle(&self, binding: Binding<Number>) -> Worker {
        let sender = self.sender.clone();
        binding.to(move |message| {
            let sender = sender.clone();
            async move {
                let number = message.decode().await?;
                sender.try_send(number).ok();
                Ok::<_, conduit::Error>(())
            }
        })
    }

    /// Something that notes numbers, for a handler of one's own.
    pub(crate) fn sender(&self) -> Sender<u64> {
        self.sender.clone()
    }

    /// How many numbers wait to be looked at.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(crate) async fn next<B: Broker>(&self, world: &World<B>) -> Result<u64, Violation> {
        let next = self.numbers.recv();
        let next = world.within(B::PATIENCE, self.rule, "wait for a message", next).await?;
        self.rule.expect("wait for a message", next)
    }

    /// Waits until each number below a count has come, each once.
    pub(crate) async fn each_below<B: Broker>(
        &self,
        world: &World<B>,
        count: u64,
    ) -> Result<(), Violation> {
        let mut seen = vec![false; usize::try_from(count).expect("it fits into memory")];
        for _ in 0..count {
            let number = self.next(world).await?;
            let place = usize::try_from(number).ok().and_then(|at| seen.get_mut(at));
            let again = place.is_none_or(|seen| std::mem::replace(seen, true));
            self.rule.ensure(!again, || format!("message {number} came twice"))?;
        }
        Ok(())
    }

    /// Waits until the numbers below a count have come, in this order.
    pub(crate) async fn in_order_below<B: Broker>(
        &self,
        world: &World<B>,
        count: u64,
    ) -> Result<(), Violation> {
        for wanted in 0..count {
            let got = self.next(world).await?;
            self.rule
                .ensure(got == wanted, || format!("message {got} came where {wanted} was next"))?;
        }
        Ok(())
    }

    /// Waits until the handlers have ended, whose bindings were unbound. Nothing more may have come.
    pub(crate) async fn ends<B: Broker>(self, world: &World<B>) -> Result<(), Violation> {
        let Self { rule, sender, numbers } = self;
        // Each handler has a sender, until it ends.
        drop(sender);
        let end =
            world.within(B::PATIENCE, rule, "wait for the end of the handlers", numbers.recv());
        nothing_extra(rule, end.await?.ok())
    }

    /// Nothing more may have come by now.
    pub(crate) fn nothing_more(&self) -> Result<(), Violation> {
        nothing_extra(self.rule, self.numbers.try_recv().ok())
    }
}

fn nothing_extra(rule: Guarantee, extra: Option<u64>) -> Result<(), Violation> {
    let what = || format!("message {extra:?} came besides those that were sent");
    rule.ensure(extra.is_none(), what)
}
