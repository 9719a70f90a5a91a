//! The questions for descriptions, asked here and elsewhere.

mod asked;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use event_listener::Event;
use futures_lite::future;

pub(crate) use self::asked::Asked;
use super::{ground::Ground, waiting::Charge};
use crate::{
    Error, InstanceId, MessageId, ServiceName, Source,
    lock::lock,
    proto::frame::Frame,
    transport::{Address, Targets},
    until::until,
};

/// The questions that this conduit has asked, and waits for the answers to.
pub(crate) struct Questions {
    ground: Arc<Ground>,
    open: Mutex<BTreeMap<MessageId, Open>>,
    /// Notified when one is over before its time.
    over: Event,
}

struct Open {
    /// The service that was asked; all if there is none.
    of: Option<ServiceName>,
    asked: Instant,
    answers: BTreeMap<(ServiceName, InstanceId), (Answered, Charge)>,
    is_over: bool,
}

/// The answer of an instance, which is not decoded yet.
pub(crate) struct Answered {
    pub(crate) source: Source,
    pub(crate) body: Bytes,
    /// The time from the question to this.
    pub(crate) after: Duration,
}

/// Forgets a question when its asker no longer waits.
struct Waiting<'a> {
    questions: &'a Questions,
    message: MessageId,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let forgotten = lock(&self.questions.open).remove(&self.message);
        drop(forgotten);
    }
}

impl Questions {
    pub(super) fn new(ground: Arc<Ground>) -> Self {
        Self { ground, open: Mutex::default(), over: Event::new() }
    }

    /// Asks the instances of a service, or those of all services that are discoverable, and returns
    /// their answers in the order of their names, after a time; at once if the broker says that
    /// there are none.
    pub(crate) async fn ask(
        &self,
        of: Option<ServiceName>,
        wait: Duration,
        brief: bool,
    ) -> Result<Vec<Answered>, Error> {
        let ground = &self.ground;
        ground.check_open()?;
        ground.ready(None).await?;
        let message = ground.message_id();
        let to = match &of {
            Some(service) => Address::Control { service: service.clone() },
            None => Address::Directory,
        };
        let asked = ground.now();
        let open = Open { of, asked, answers: BTreeMap::new(), is_over: false };
        lock(&self.open).insert(message, open);
        let waiting = Waiting { questions: self, message };
        let source = ground.source.clone();
        let packet = Frame::Describe { message, source, time_left: wait, brief }.encode();
        let (outlet, until) = (ground.destinations.get(&to), asked.checked_add(wait));
        let token = ground.token(message, Targets::Plain);
        ground.publish(&outlet, &outlet, || packet.clone(), Some(token), until).await?;
        future::or(ground.passed(until), self.over(message)).await;
        ground.check_open()?;
        let answered = lock(&self.open).remove(&message);
        drop(waiting);
        let answers = answered.map(|open| open.answers).unwrap_or_default();
        Ok(answers.into_values().map(|(answered, _)| answered).collect())
    }

    async fn over(&self, message: MessageId) {
        let is_over = || lock(&self.open).get(&message).is_none_or(|open| open.is_over);
        until(&self.over, is_over).await;
    }

    /// Handles the answer of an instance in a packet of `bytes`: the first one, while there is room.
    pub(super) fn handle_description(
        &self,
        message: MessageId,
        source: Source,
        body: Bytes,
        bytes: usize,
    ) {
        let now = self.ground.now();
        let mut open = lock(&self.open);
        let Some(open) = open.get_mut(&message) else { return };
        if open.of.as_ref().is_some_and(|of| *of != source.service) {
            return self.ground.counters.invalid.add(1);
        }
        let key = (source.service.clone(), source.instance);
        if open.answers.contains_key(&key) {
            return;
        }
        let Some(charge) = Charge::new(&self.ground.waiting, bytes as u64, false) else { return };
        let after = now.saturating_duration_since(open.asked);
        open.answers.insert(key, (Answered { source, body, after }, charge));
    }

    /// Handles a notice that no instance was asked.
    pub(super) fn handle_undelivered(&self, message: MessageId) {
        // If it has an answer, the notice is forged.
        if let Some(open) = lock(&self.open).get_mut(&message)
            && open.answers.is_empty()
        {
            open.is_over = true;
        }
        self.over.notify(usize::MAX);
    }
}
