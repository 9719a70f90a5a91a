//! Layers: their order for each kind of call, and what they see of its end.

mod accepting;
mod calling;
mod ending;
mod handling;
mod order;
mod told;

use std::sync::{Arc, Mutex};

use conduit::{
    Body, Error, Message,
    layer::{
        Arriving, CallKind, End, InboundCall, InboundNext, InboundOutcome, Layer, Next,
        OutboundCall, Outcome, Refusal,
    },
};
use conduit_json::Json;

use crate::support::world::pattern;

/// A body of one packet, and one that is streamed.
fn bodies() -> [Body; 2] {
    [Body::from("small"), Body::from(pattern(100_000))]
}

/// Replies with the size of a message.
async fn size(message: Message<Json>) -> Result<(), Error> {
    let size = message.to_bytes().await?.len();
    message.reply(&size).await
}

/// What the layers of a world have seen, in order.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().expect("no layer panics while it notes").push(what.into());
    }

    /// Takes what the layers with these first letters have noted.
    fn take(&self, letters: &str) -> String {
        let mut all = self.0.lock().expect("no layer panics while it notes");
        let (taken, left) =
            all.drain(..).partition(|note: &String| note.starts_with(|c| letters.contains(c)));
        *all = left;
        taken.join(" ")
    }

    fn layer(&self, name: &'static str) -> Noting {
        Noting { name, seen: self.clone() }
    }
}

/// Notes what passes it.
struct Noting {
    name: &'static str,
    seen: Seen,
}

/// Notes that a call was dropped, unless it has come back.
struct Passing<'a>(&'a Noting, bool);

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.seen.note(format!("{}!", self.0.name));
        }
    }
}

fn kind(kind: CallKind) -> &'static str {
    match kind {
        CallKind::OneWay => "send",
        CallKind::Request => "request",
        CallKind::RequestAll => "all",
        CallKind::Reply => "reply",
        _ => "unknown",
    }
}

fn error(error: &Error) -> String {
    format!("{:?}:{:?}", error.kind(), error.executed())
}

impl Layer for Noting {
    async fn outbound(&self, call: OutboundCall, next: Next<'_>) -> Outcome {
        let name = self.name;
        self.seen.note(format!("{name}>{}", kind(call.kind())));
        let mut passing = Passing(self, false);
        let mut outcome = next.run(call).await;
        passing.1 = true;
        let how = outcome.error().map_or("ok".to_owned(), error);
        self.seen.note(format!("{name}<{how}"));
        let seen = self.seen.clone();
        outcome.on_end(move |end| {
            seen.note(match end {
                End::Complete => format!("{name}.complete"),
                End::Failed(failed) => format!("{name}.{}", error(failed)),
                End::Dropped => format!("{name}.dropped"),
                _ => format!("{name}.unknown"),
            });
        });
        let seen = self.seen.clone();
        outcome.on_reply(move |reply| {
            seen.note(match reply {
                Ok(_) => format!("{name}+reply"),
                Err(failed) => format!("{name}+{}", error(failed)),
            });
        });
        outcome
    }

    fn accept(&self, _: &mut Arriving<'_>) -> Result<(), Refusal> {
        self.seen.note(format!("{}?", self.name));
        Ok(())
    }

    async fn inbound(&self, call: InboundCall, next: InboundNext<'_>) -> InboundOutcome {
        let name = self.name;
        self.seen.note(format!("{name}>handle"));
        let mut passing = Passing(self, false);
        let outcome = next.run(call).await;
        passing.1 = true;
        self.seen.note(format!(
            "{name}<{}",
            match (outcome.is_ok(), outcome.panic(), outcome.refusal()) {
                (true, ..) => "ok",
                (_, Some(_), _) => "panic",
                (.., Some(_)) => "refused",
                _ => "failed",
            }
        ));
        outcome
    }
}
