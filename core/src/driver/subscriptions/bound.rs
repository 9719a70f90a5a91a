//! A binding, as its reader holds it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use futures_lite::future;

use super::listening::{Found, read};
use crate::{
    accept::{Accepted, Arriving, Gate},
    driver::{Arrival, Content, Mailbox, Record, Shared, routes::Route},
    transport::Target,
};

/// A binding that the broker routes to. It unbinds when dropped.
pub(crate) struct Bound {
    pub(super) shared: Arc<Shared>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(in crate::driver) route: Arc<Route>,
    /// How many messages the reader has taken since it last waited.
    pub(super) taken: AtomicU32,
}

impl Bound {
    pub(crate) fn record(&self) -> &Arc<Record> {
        &self.mailbox.record
    }

    /// Takes the next message; `None` once it is unbound and all are read. It counts as taken until
    /// [`Work::handled`](crate::driver::work::Work::handled).
    ///
    /// A reader that always finds a message lets other tasks run now and then: those that carry its
    /// packets, and those that it has woken, may not run in another thread.
    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Arrival>> {
        /// After how many messages.
        const TURN: u32 = 128;
        // Only the reader changes it.
        let taken = self.taken.load(Ordering::Relaxed);
        if taken == TURN {
            self.taken.store(0, Ordering::Relaxed);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = self.poll_arrival(cx);
        let taken = if next.is_ready() { taken + 1 } else { 0 };
        self.taken.store(taken, Ordering::Relaxed);
        next
    }

    #[inline]
    fn poll_arrival(&self, cx: &Context<'_>) -> Poll<Option<Arrival>> {
        const TURNS: u32 = 4;
        for _ in 0..TURNS {
            let room = match self.mailbox.take_next() {
                Ok(arrival) => return Poll::Ready(Some(self.note_stream(arrival))),
                Err(room) => room,
            };
            match read(&self.shared, &self.route, &self.mailbox, room, cx) {
                Found::Message(arrival) => return Poll::Ready(Some(self.note_stream(arrival))),
                Found::Others => {}
                Found::Nothing => return self.poll_mailbox(cx),
            }
        }
        // The packets were for others, which run before more packets are read.
        cx.waker().wake_by_ref();
        self.poll_mailbox(cx)
    }

    fn poll_mailbox(&self, cx: &Context<'_>) -> Poll<Option<Arrival>> {
        self.mailbox.poll_next(cx).map(|arrival| Some(self.note_stream(arrival?)))
    }

    /// Hands the subscription back to its task if the message is streamed: its reader may be away
    /// for long, while the chunks of the body may arrive on the subject.
    fn note_stream(&self, arrival: Arrival) -> Arrival {
        if matches!(arrival.content, Content::Stream(_)) {
            self.route.watch.hand_back();
        }
        arrival
    }

    /// Shows a message that was taken to the layers that were added after it had arrived. Returns
    /// whether it is accepted; if it is not, it is refused, and no longer counts as taken.
    #[inline]
    pub(crate) fn admits(&self, arrival: &mut Arrival) -> bool {
        arrival.accepted.seen == self.mailbox.gate_len() || self.admits_late(arrival)
    }

    #[cold]
    fn admits_late(&self, arrival: &mut Arrival) -> bool {
        let Accepted { extensions, seen } = std::mem::take(&mut arrival.accepted);
        let arriving = Arriving {
            head: &arrival.head,
            subject: &arrival.subject,
            deadline: arrival.deadline,
            body: arrival.content.whole(),
            length: arrival.content.length(),
            ground: self.shared.ground(),
            extensions,
        };
        // Those of the conduit have seen it.
        let refusal = match arriving.pass(&Gate::default(), &self.mailbox.gate(), seen) {
            Ok(accepted) => {
                arrival.accepted = accepted;
                return true;
            }
            Err(refusal) => refusal,
        };
        if self.is_plain() || (arrival.replier.is_none() && arrival.stream().is_none()) {
            self.mailbox.count_refused(&arrival.subject, &arrival.head.source, &refusal);
        }
        arrival.decline(self.shared.config.told(refusal.reason().clone()));
        self.shared.work.handled();
        false
    }

    /// Returns whether it receives every message of its subject.
    pub(crate) fn is_plain(&self) -> bool {
        self.route.target == Target::Plain
    }

    /// Returns whether it is still bound.
    pub(crate) fn is_bound(&self) -> bool {
        self.shared.routes.is_bound(self.mailbox.id())
    }

    /// Starts to unbind: the broker is asked to stop routing to it.
    pub(crate) fn start_unbind(&self) {
        self.shared.routes.unbind(self.mailbox.id());
    }

    /// Gives back the messages that wait, since they will not be read.
    pub(crate) fn abandon(&self) {
        self.shared.routes.abandon(&self.mailbox, &self.route);
    }

    /// Unbinds when a future completes, in a task that ends early only if the mailbox is completed.
    pub(crate) fn unbind_after(&self, done: impl Future<Output = ()> + Send + 'static) {
        let (shared, mailbox) = (Arc::clone(&self.shared), Arc::clone(&self.mailbox));
        self.shared.tasks.spawn(async move {
            future::or(done, mailbox.completed()).await;
            shared.routes.unbind(mailbox.id());
        });
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.start_unbind();
        self.abandon();
        self.shared.routes.forget(self.mailbox.id());
    }
}
