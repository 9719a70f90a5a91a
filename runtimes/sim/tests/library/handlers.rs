//! What instances do with what they receive: what the operation says.

use std::{io, panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use conduit::{Body, IncomingBody, Message, Runtime};
use conduit_json::Json;
use conduit_sim::{Process, Sim};
use futures_lite::{FutureExt, Stream, StreamExt, stream};

use crate::{
    oracle::{Ended, Oracle, Place},
    plan::{Answer, BodyPlan, Op, Reader, Source, content},
};

pub(crate) const OP: &str = "op";
pub(crate) const PADDING: &str = "padding";

/// The operation that a message belongs to. Nothing for one of those that look whether everything
/// works again.
pub(crate) fn op_of<'a>(oracle: &'a Oracle, message: &Message<Json>) -> Option<&'a Op> {
    let id = message.headers().get(OP)?.parse::<usize>().ok()?;
    oracle.ops.get(id)
}

/// Handles one message, as its operation says. Whether a cancelled request ends it depends on the
/// task it runs in.
pub(crate) async fn handle(
    sim: Sim,
    oracle: Arc<Oracle>,
    place: Place,
    message: Message<Json>,
    is_cancelled: bool,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let Some(op) = op_of(&oracle, &message) else {
        let body = message.take_body()?;
        if message.is_request() {
            message.reply_body(body).await?;
        } else {
            read(&sim, &oracle, body, Reader::Fast, usize::MAX, |_| {}).await;
        }
        return Ok(());
    };
    let body = message.take_body()?;
    let reading = async |body| {
        let (reader, started) = (op.reader_at(place), sim.elapsed());
        let all = |got: &[u8]| oracle.read_all(op, place, got);
        let (got, ended) = read(&sim, &oracle, body, reader, op.body.length, all).await;
        oracle.read(op, place, &got, &ended, sim.elapsed() - started);
    };
    let Some(request) = &op.request else {
        reading(body).await;
        return Ok(());
    };
    if let Answer::Echo = request.answer {
        let streamed = op.body.is_long(&oracle.limits);
        return reply(&oracle, op, message.reply_body(body), streamed).await;
    }
    if let Answer::ReplyFirst(plan) = &request.answer {
        let answer = message.reply_body(outgoing(&sim, op.id, true, plan));
        return reply(&oracle, op, answer, plan.is_long(&oracle.limits)).await;
    }
    reading(body).await;
    sim.sleep(request.work).await;
    if is_cancelled {
        oracle.worked(op, place, sim.elapsed());
    }
    match &request.answer {
        Answer::Reply(plan) => {
            let answer = message.reply_body(outgoing(&sim, op.id, true, plan));
            reply(&oracle, op, answer, plan.is_long(&oracle.limits)).await
        }
        Answer::Fails => Err("as planned".into()),
        Answer::Panics => panic!("as planned"),
        _ => Ok(()),
    }
}

async fn reply(
    oracle: &Oracle,
    op: &Op,
    replying: conduit::Replying,
    streamed: bool,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let result = replying.await;
    oracle.log(|| format!("op {}: replying: {result:?}", op.id));
    result?;
    oracle.reply_delivered(op, streamed);
    Ok(())
}

/// Reads a body, and says at once when all of its bytes are there.
pub(crate) async fn read(
    sim: &Sim,
    oracle: &Oracle,
    mut body: IncomingBody,
    reader: Reader,
    length: usize,
    all: impl Fn(&[u8]),
) -> (Vec<u8>, Ended) {
    let (mut got, mut stalled) = (Vec::new(), false);
    // Of an empty body, whoever drops it has everything.
    if length == 0 {
        all(&got);
    }
    if let Reader::Drops(pause) = reader {
        sim.sleep(pause).await;
        return (got, Ended::Stopped);
    }
    loop {
        let next = body.next().await;
        oracle.look();
        match next {
            None => return (got, Ended::Whole),
            Some(Err(error)) => return (got, Ended::Failed(error)),
            Some(Ok(bytes)) => got.extend_from_slice(&bytes),
        }
        if got.len() == length {
            all(&got);
        }
        match reader {
            Reader::Stalls(pause) if !std::mem::replace(&mut stalled, true) => {
                sim.sleep(pause).await;
            }
            Reader::Stops(at) if got.len() >= at => return (got, Ended::Stopped),
            Reader::Slow(pause) => sim.sleep(pause).await,
            _ => {}
        }
    }
}

/// The body of an operation or of its reply.
pub(crate) fn outgoing(sim: &Sim, id: u64, reply: bool, plan: &BodyPlan) -> Body {
    let content = Bytes::from(content(id, reply, plan.length));
    let length = content.len() as u64;
    match plan.source {
        Source::Bytes => Body::from(content),
        Source::Pieces { piece, pause, sized: false } => {
            Body::stream(pieces(sim, content, piece, pause))
        }
        Source::Pieces { piece, pause, sized: true } => {
            Body::sized_stream(pieces(sim, content, piece, pause), length)
        }
        Source::Fails { piece } => {
            let pieces = pieces(sim, content, piece, std::time::Duration::ZERO);
            Body::stream(pieces.chain(stream::once(Err(io::Error::other("as planned")))))
        }
    }
}

fn pieces(
    sim: &Sim,
    content: Bytes,
    piece: usize,
    pause: std::time::Duration,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let sim = sim.clone();
    Box::pin(stream::unfold(content, move |mut rest| {
        let sim = sim.clone();
        async move {
            if rest.is_empty() {
                return None;
            }
            if !pause.is_zero() {
                sim.sleep(pause).await;
            }
            let next = rest.split_to(piece.min(rest.len()));
            Some((Ok(next), rest))
        }
    }))
}

/// Runs each message in a task of its own.
pub(crate) fn at_once(
    process: &Process,
    sim: &Sim,
    oracle: &Arc<Oracle>,
    place: Place,
    message: Message<Json>,
) {
    let (sim, oracle) = (sim.clone(), Arc::clone(oracle));
    process.spawn(Box::pin(async move {
        let handling = AssertUnwindSafe(handle(sim, oracle, place, message, false));
        // What it returns is its own: this is no handler of a binding.
        drop(handling.catch_unwind().await);
    }));
}
