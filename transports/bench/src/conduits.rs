//! What Conduit does in the cases that several transports have.

use conduit::{Body, Conduit, Encoder, Subject};

use crate::{Latencies, Pattern, Under, in_flight, pace, read_whole, request};

/// How many messages may be under way in a case of messages: as many as a binding holds.
pub const WINDOW: usize = 1024;

/// Sends `count` messages of `size` bytes to a binding, of a group or not, and returns how many seconds it
/// took until all were received.
///
/// # Panics
/// Where one fails.
pub fn one_way<E: Encoder>(
    under: &Under,
    [sender, receiver]: [&Conduit<E>; 2],
    is_group: bool,
    size: usize,
    count: u64,
) -> f64 {
    let (service, receiver) = (sender.service("receiver"), receiver.clone());
    let subject: Subject = "event.created".parse().expect("a subject");
    let at = subject.clone();
    let bound = async move {
        if is_group { receiver.queue_bind(at).await } else { receiver.bind(at).await }
    };
    let mut binding = under.run(bound).expect("a binding");
    let (mut ahead, mut behind) = pace(WINDOW);
    let send = async move {
        for _ in 0..count {
            ahead.step().await;
            service.send_body(&subject, vec![7; size]).await.expect("sent");
        }
    };
    let receive = async move {
        for _ in 0..count {
            let message = binding.next().await.expect("a message");
            assert_eq!(message.to_bytes().await.expect("its body").len(), size);
            behind.step();
        }
    };
    under.time(send, receive)
}

/// Makes `count` requests of `size` bytes, of which `at_once` are in flight, to a group that answers each
/// with its body, one after the other.
///
/// # Panics
/// Where one fails.
pub fn requests<E: Encoder>(
    under: &Under,
    [asker, answerer]: [&Conduit<E>; 2],
    at_once: usize,
    size: usize,
    count: u64,
) -> Latencies {
    let answerer = answerer.clone();
    let _worker = under.run(async move {
        let answers = answerer.queue_bind("job.run").await.expect("a binding");
        answers.to(|message| async move {
            let body = message.to_bytes().await?;
            message.reply_body(body).await
        })
    });
    let subject: Subject = "job.run".parse().expect("a subject");
    let service = asker.service("answerer");
    in_flight(under, count, at_once, move || request(service.clone(), subject.clone(), size))
}

/// Sends a body of `length` bytes to a member of a group, and returns how many seconds it took until all of
/// it was read.
///
/// # Panics
/// Where it does not arrive whole.
pub fn stream_to_group<E: Encoder>(
    under: &Under,
    [sender, receiver]: [&Conduit<E>; 2],
    length: u64,
) -> f64 {
    let (service, receiver) = (sender.service("receiver"), receiver.clone());
    let bound = under.run(async move { receiver.queue_bind("file.upload").await });
    let mut binding = bound.expect("a binding");
    let send = async move {
        let body = Body::sized_reader(Pattern::new(length), length);
        service.send_body("file.upload", body).await.expect("sent");
    };
    under.time(send, async move {
        let message = binding.next().await.expect("a message");
        assert_eq!(read_whole(&message).await, length);
    })
}

/// How many MiB so many bytes are.
#[allow(clippy::cast_precision_loss)]
#[must_use]
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
