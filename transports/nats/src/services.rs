//! Answers NATS's own questions for services (ADR-32), so that its tools see conduits.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use async_compat::Compat;
use async_nats::{Message, Subscriber};
use conduit::{
    logging::OneLine,
    transport::{Introduction, TransportError},
};
use futures_core::Stream;

use self::answers::Verb;
use crate::link::{Link, ended};

mod answers;
mod time;

/// How many questions are answered in any second. The others are ignored.
const PER_SECOND: usize = 10;

/// What is listened to for one verb: all services, one, and one instance of it.
struct Listening {
    verb: Verb,
    subscriber: Compat<Subscriber>,
}

/// Answers questions until the conduit is closed. Without the permission, it says so and ends.
pub(crate) async fn answer(link: Arc<Link>, conduit: Introduction) {
    let mut listening = match listen(&link, &conduit).await {
        Ok(listening) => listening,
        Err(error) => {
            let Some(info) = conduit.describe() else { return };
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let text = format!("{error}: {}", cause.unwrap_or_default());
            tracing::warn!(
                target: "conduit_nats",
                service = %info.service,
                instance = %info.instance,
                error = %OneLine(&text),
                "the tools of NATS do not see this conduit: $SRV.> cannot be subscribed",
            );
            return;
        }
    };
    let mut answered = VecDeque::new();
    while let Some((verb, question)) = next(&mut listening).await {
        let now = Instant::now();
        answered.retain(|at| now.saturating_duration_since(*at) < Duration::from_secs(1));
        let Some(reply) = question.reply.filter(|reply| may_answer(reply)) else { continue };
        if answered.len() == PER_SECOND {
            continue;
        }
        let Some(info) = conduit.describe() else { return };
        let root = &link.root;
        let answer = verb.answer(&info, root, link.client.max_payload());
        answered.push_back(now);
        // Without a connection there is nobody to answer.
        if link.is_connected() {
            link.client.publish(reply, answer.into()).await.ok();
        }
    }
}

/// Who asks chooses where the answer goes: nowhere where conduits or the server listen.
fn may_answer(reply: &str) -> bool {
    let first = reply.split('.').next().unwrap_or_default();
    !first.starts_with('$') && first != "conduit" && !first.starts_with("conduit-")
}

async fn listen(
    link: &Arc<Link>,
    conduit: &Introduction,
) -> Result<Vec<Listening>, TransportError> {
    let Some(info) = conduit.describe() else { return Ok(Vec::new()) };
    link.connected().await?;
    let mut listening = Vec::new();
    for verb in Verb::ALL {
        let all = format!("$SRV.{verb}");
        let service = format!("{all}.{}", info.service);
        let instance = format!("{service}.{}", info.instance);
        for subject in [all, service, instance] {
            let question = link.may_subscribe(&subject);
            let subscriber = link.client.subscribe(subject).await.map_err(ended)?;
            listening.push(Listening { verb, subscriber: Compat::new(subscriber) });
            if let Some(question) = question {
                question.subscribed().await?;
            }
        }
    }
    Ok(listening)
}

/// Waits for the next question; `None` once the connection has ended.
async fn next(listening: &mut [Listening]) -> Option<(Verb, Message)> {
    poll_fn(|cx| {
        let mut all_ended = true;
        for Listening { verb, subscriber } in &mut *listening {
            match Pin::new(subscriber.get_mut()).poll_next(cx) {
                Poll::Ready(Some(question)) => return Poll::Ready(Some((*verb, question))),
                Poll::Ready(None) => {}
                Poll::Pending => all_ended = false,
            }
        }
        if all_ended { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::may_answer;

    #[test]
    fn no_question_makes_an_answer_go_to_a_conduit_or_to_the_server() {
        for reply in ["_INBOX.a.b", "mine.a", "conduits.a"] {
            assert!(may_answer(reply), "{reply}");
        }
        for reply in
            ["conduit.users.c", "conduit-staging.users.c", "$SYS.REQ", "$JS.API", "conduit"]
        {
            assert!(!may_answer(reply), "{reply}");
        }
    }
}
