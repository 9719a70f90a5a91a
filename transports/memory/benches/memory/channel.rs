//! What lies under a broker in memory: a bounded channel of bytes.

use async_channel::{Receiver, Sender, bounded};
use bytes::Bytes;
use conduit_bench::{Under, WINDOW, pace};

/// How many seconds it takes to send so many messages of a size.
pub(crate) fn one_way(under: &Under, size: usize, count: u64) -> f64 {
    let (sender, receiver) = bounded::<Bytes>(WINDOW);
    let (mut ahead, mut behind) = pace(WINDOW);
    let send = async move {
        for _ in 0..count {
            ahead.step().await;
            sender.send(Bytes::from(vec![7; size])).await.expect("sent");
        }
    };
    let receive = async move {
        for _ in 0..count {
            let message = receiver.recv().await.expect("a message");
            assert_eq!(message.len(), size);
            behind.step();
        }
    };
    under.time(send, receive)
}

type Request = (Bytes, Sender<Bytes>);

/// Something that sends back what it is sent.
pub(crate) struct Echo(Sender<Request>);

impl Echo {
    pub(crate) fn new(under: &Under) -> Self {
        let (sender, requests): (_, Receiver<Request>) = bounded(WINDOW);
        drop(under.spawn(async move {
            while let Ok((body, answer)) = requests.recv().await {
                answer.send(body).await.expect("answered");
            }
        }));
        Self(sender)
    }

    pub(crate) fn ask(&self, size: usize) -> impl Future<Output = ()> + Send + use<> {
        let requests = self.0.clone();
        async move {
            let (answer, answered) = bounded(1);
            requests.send((Bytes::from(vec![7; size]), answer)).await.expect("asked");
            assert_eq!(answered.recv().await.expect("a reply").len(), size);
        }
    }
}
