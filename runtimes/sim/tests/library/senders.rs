//! What instances send, and what they make of the results.

use std::{sync::Arc, time::Duration};

use conduit::{Conduit, Error, Message};
use conduit_json::Json;
use conduit_sim::Sim;
use futures_lite::{StreamExt, future};

use crate::{
    handlers::{OP, PADDING, outgoing, read},
    oracle::{Ended, Oracle},
    plan::{Op, RequestPlan},
    world::SERVICES,
};

/// No operation may take longer than this.
const HANG: Duration = Duration::from_secs(900);

/// Sends the operations of one task, one after the other.
pub(crate) async fn run(
    sim: Sim,
    oracle: Arc<Oracle>,
    conduit: Conduit<Json>,
    from: (usize, usize),
) {
    for op in oracle.ops.iter().filter(|op| op.from == from) {
        sim.sleep(op.pause).await;
        oracle.log(|| format!("{:?} op {}: {op:?}", sim.elapsed(), op.id));
        let sending = async {
            match &op.request {
                None => send(&sim, &oracle, &conduit, op).await,
                Some(request) if request.all => {
                    ask_all(&sim, &oracle, &conduit, op, request).await;
                }
                Some(request) => ask(&sim, &oracle, &conduit, op, request).await,
            }
        };
        let given_up = async {
            match op.drop_after {
                Some(pause) => sim.sleep(pause).await,
                None => future::pending().await,
            }
            oracle.given_up(op, sim.elapsed());
        };
        if sim.within(HANG, future::or(sending, given_up)).await.is_none() {
            oracle.wrong(format!("op {}: it hangs", op.id));
        }
        oracle.log(|| format!("{:?} op {}: over", sim.elapsed(), op.id));
    }
}

async fn send(sim: &Sim, oracle: &Oracle, conduit: &Conduit<Json>, op: &Op) {
    let service = conduit.service(SERVICES[op.service]);
    let body = outgoing(sim, op.id, false, &op.body);
    let send = service.send_body(op.subject.name(), body).header(OP, op.id.to_string());
    let send = send.header(PADDING, padding(op));
    let send = if op.confirm { send.confirm() } else { send };
    oracle.sent(op, &send.await);
}

async fn ask(sim: &Sim, oracle: &Oracle, conduit: &Conduit<Json>, op: &Op, plan: &RequestPlan) {
    let service = conduit.service(SERVICES[op.service]);
    let body = outgoing(sim, op.id, false, &op.body);
    let late = sim.elapsed() + plan.timeout;
    let request = service.request_body(op.subject.name(), body).timeout(plan.timeout);
    let request = request.header(OP, op.id.to_string()).header(PADDING, padding(op));
    let reply = match request.await {
        Ok(reply) => reply,
        Err(error) => {
            oracle.log(|| format!("op {}: {error:?}", op.id));
            return oracle.failed(op, &error);
        }
    };
    let by = reply.source().instance;
    let (got, ended) = read_reply(sim, oracle, op, plan, late, reply).await;
    if let Err(error) = ended {
        return oracle.wrong(format!("op {}: {error:?}", op.id));
    }
    let ended = ended.unwrap_or(Ended::Stopped);
    oracle.replied(op, by, &got, &ended);
}

async fn ask_all(sim: &Sim, oracle: &Oracle, conduit: &Conduit<Json>, op: &Op, plan: &RequestPlan) {
    let service = conduit.service(SERVICES[op.service]);
    let body = outgoing(sim, op.id, false, &op.body);
    // A reply of one packet that came in time can be read at any.
    let late = Duration::MAX;
    let replies = service.request_all_body(op.subject.name(), body).timeout(plan.timeout);
    let mut replies = replies.header(OP, op.id.to_string()).header(PADDING, padding(op));
    let mut answers = 0;
    while let Some(reply) = replies.next().await {
        answers += 1;
        match reply {
            Err(error) => oracle.one_failed(op, &error),
            Ok(reply) => {
                let by = reply.source().instance;
                match read_reply(sim, oracle, op, plan, late, reply).await {
                    (_, Err(error)) => oracle.wrong(format!("op {}: {error:?}", op.id)),
                    (got, Ok(ended)) => oracle.replied(op, by, &got, &ended),
                }
            }
        }
    }
    oracle.all_answered(op, answers);
}

fn padding(op: &Op) -> String {
    ".".repeat(op.padding)
}

async fn read_reply(
    sim: &Sim,
    oracle: &Oracle,
    op: &Op,
    plan: &RequestPlan,
    late: Duration,
    reply: Message<Json>,
) -> (Vec<u8>, Result<Ended, Error>) {
    let body = match reply.take_body() {
        Ok(body) => body,
        Err(error) => return (Vec::new(), Err(error)),
    };
    let length = match &plan.answer {
        crate::plan::Answer::Reply(body) | crate::plan::Answer::ReplyFirst(body) => body.length,
        _ => op.body.length,
    };
    let all = |got: &[u8]| {
        oracle.reply_read_all(op, got);
        if sim.elapsed() > late && !oracle.network.freezes {
            oracle.wrong(format!("op {}: it was read after its deadline", op.id));
        }
    };
    let (got, ended) = read(sim, oracle, body, plan.reader, length, all).await;
    (got, Ok(ended))
}
