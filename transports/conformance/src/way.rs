//! The three ways that a body can take from one conduit to another.

use std::{pin::Pin, sync::Arc, time::Duration};

use conduit::{Binding, Body, Conduit, Error, Message, Subject};
use futures_lite::future;

use crate::{Broker, Guarantee, Number, Violation, World, pattern::Pattern, reading::Reading};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Send,
    Request,
    Reply,
}

impl Direction {
    pub(crate) const ALL: [Self; 3] = [Self::Send, Self::Request, Self::Reply];
}

/// However slow this machine is, nobody joins too late: a sender that waits long for its receivers,
/// and therefore has to say how many it expects.
pub(crate) const JOIN_WINDOW: Duration = Duration::from_secs(60);

/// A conduit for sending, with that join window.
pub(crate) async fn patient<B: Broker>(world: &World<B>, service: &str) -> Conduit<Number> {
    let builder = world.builder(service).await.join_window(JOIN_WINDOW);
    builder.build().expect("any join window is valid")
}

/// A header that every body on a [`Way`] has.
pub(crate) const HEADER: (&str, &str) = ("trace", "00-4bf92f-\u{e9}");

/// A way for bodies, with one conduit at each end.
pub(crate) struct Way<B> {
    world: Arc<World<B>>,
    direction: Direction,
    pub(crate) sender: Conduit<Number>,
    pub(crate) receiver: Conduit<Number>,
    /// Another one for each way, so that ways do not cross.
    subject: Subject,
    binding: Binding<Number>,
}

/// A body that is on its way.
pub(crate) struct Transfer {
    /// What came out at the other end; nothing if the sender gave up before.
    pub(crate) arrived: Option<Result<Message<Number>, Error>>,
    /// What the sender is told.
    pub(crate) sent: Sent,
    give_up: GiveUp,
}

type GiveUp = async_channel::Sender<()>;

pub(crate) type Sent = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

impl<B: Broker> Way<B> {
    /// A way between two new conduits with every limit at its default.
    pub(crate) async fn new(
        world: &Arc<World<B>>,
        direction: Direction,
    ) -> Result<Self, Violation> {
        let sender = match direction {
            Direction::Send => patient(world, "sender").await,
            Direction::Request | Direction::Reply => world.conduit("sender").await,
        };
        let receiver = world.conduit("receiver").await;
        Self::between(world, direction, sender, receiver).await
    }

    /// A way from an instance of `sender` to one of `receiver`.
    pub(crate) async fn between(
        world: &Arc<World<B>>,
        direction: Direction,
        sender: Conduit<Number>,
        receiver: Conduit<Number>,
    ) -> Result<Self, Violation> {
        let subject = format!("bodies.{}.{direction:?}", sender.instance());
        let subject = Guarantee::Binding.expect("name", Subject::try_from(subject))?;
        let bound = match direction {
            Direction::Send => receiver.bind(subject.clone()).await,
            Direction::Request => receiver.queue_bind(subject.clone()).await,
            Direction::Reply => sender.queue_bind(subject.clone()).await,
        };
        Ok(Self {
            world: Arc::clone(world),
            direction,
            sender,
            receiver,
            subject,
            binding: Guarantee::Binding.expect("bind", bound)?,
        })
    }

    /// Sends a body, and returns when it begins to arrive.
    pub(crate) async fn begin(&mut self, body: impl Into<Body>) -> Transfer {
        let (body, (key, value)) = (body.into(), HEADER);
        let subject = self.subject.clone();
        let to = self.sender.service(self.receiver.name().clone());
        match self.direction {
            Direction::Send => {
                let sending = to.send_body(subject, body).header(key, value).expect(1);
                let sending = sending;
                self.arrives(async move { sending.await.map(drop) }).await
            }
            Direction::Request => {
                let asking = to.request_body(subject, body).header(key, value);
                let asking = asking.no_timeout();
                self.arrives(async move { asking.await.map(drop) }).await
            }
            Direction::Reply => {
                let from = self.receiver.service(self.sender.name().clone());
                let asking = from.request_body(subject, ());
                let asking = self.world.run(asking.no_timeout());
                let request = self.binding.next().await.expect("it is bound");
                let replying = request.reply_body(body).header(key, value);
                let (give_up, sent) = self.start(async move {
                    let result = replying.await;
                    drop(request);
                    result
                });
                Transfer { arrived: Some(asking.await), sent, give_up }
            }
        }
    }

    /// Sends in a task, and waits until a message arrives or it fails.
    async fn arrives(
        &mut self,
        send: impl Future<Output = Result<(), Error>> + Send + 'static,
    ) -> Transfer {
        let (give_up, mut sent) = self.start(send);
        let mut told = None;
        let message = async { self.binding.next().await.map(Ok) };
        let failed = async {
            let result = sent.as_mut().await;
            let failed = result.is_err();
            told = Some(result);
            if failed { None } else { future::pending().await }
        };
        let arrived = future::or(message, failed).await;
        if let Some(told) = told {
            sent = Box::pin(future::ready(told));
        }
        Transfer { arrived, sent, give_up }
    }

    /// Sends in a task, until it is done or given up.
    fn start(
        &self,
        send: impl Future<Output = Result<(), Error>> + Send + 'static,
    ) -> (GiveUp, Sent) {
        let (give_up, given_up) = async_channel::bounded(1);
        let given_up = async move {
            match given_up.recv().await {
                Ok(()) => None,
                // Nobody will give it up any more.
                Err(_) => future::pending().await,
            }
        };
        let send = async { Some(send.await) };
        let task = self.world.run(future::or(send, given_up));
        let sent = async {
            match task.await {
                Some(result) => result,
                None => future::pending().await,
            }
        };
        (give_up, Box::pin(sent))
    }

    /// Sends a body that has to arrive whole.
    pub(crate) async fn carries(
        &mut self,
        body: impl Into<Body>,
        pattern: Pattern,
    ) -> Result<(), Violation> {
        self.begin(body).await.arrives_whole(pattern).await
    }
}

impl Transfer {
    /// Drops what the sender awaits.
    pub(crate) fn give_up(&self) {
        self.give_up.try_send(()).ok();
    }

    /// The message, which has to be there.
    pub(crate) fn message(&mut self) -> Result<Message<Number>, Violation> {
        let rule = Guarantee::Bodies;
        let none = || Violation::new(rule, "nothing arrives");
        rule.expect("receive", self.arrived.take().ok_or_else(none)?)
    }

    /// The body, which has to be there, and the message that it came with.
    pub(crate) fn reading(
        &mut self,
        pattern: Pattern,
    ) -> Result<(Reading, Message<Number>), Violation> {
        let message = self.message()?;
        let body = Guarantee::Bodies.expect("take the body", message.take_body())?;
        Ok((Reading::new(body, pattern), message))
    }

    /// Reads all, and has the sender told so.
    pub(crate) async fn arrives_whole(mut self, pattern: Pattern) -> Result<(), Violation> {
        let (reading, message) = self.reading(pattern)?;
        reading.whole().await?;
        self.ends_well(message).await
    }

    /// The sender has to be told that all was read.
    pub(crate) async fn ends_well(self, message: Message<Number>) -> Result<(), Violation> {
        if message.is_request() {
            Guarantee::Replies.expect("reply", message.reply_body(()).await)?;
        }
        Guarantee::Bodies.expect("send", self.sent.await)
    }
}
