//! Several processes ask several others.

use std::collections::BTreeSet;

use crate::{Broker, Outcome, Process, builder, run, server_url, tokio_multi_thread};
use conduit::{Conduit, Message};
use conduit_tokio::Tokio;
use futures_lite::future;

/// Runs the tests of [`fleet`](crate::suites::fleet) against a [`Broker`](crate::Broker).
#[macro_export]
macro_rules! fleet_suite {
    ($($how:tt)+) => {
        $crate::with_processes! {
            fleet for $($how)+:
            processes asker, answerer;
            tests ten_thousand_requests_between_processes_are_answered
        }
    };
}

const PROCESSES: usize = 3;
/// How many requests an asker has in flight, each followed by others.
const AT_ONCE: usize = 34;
const ROUNDS: usize = 100;

async fn conduit<B: Broker>(service: &str) -> Outcome<Conduit<crate::Text>> {
    Ok(builder(service, Tokio, B::connect_to(server_url()).await?).build()?)
}

/// Answers with its instance and the question, until it is killed.
pub fn answerer<B: Broker>() -> Outcome {
    tokio_multi_thread(async {
        let answerer = conduit::<B>("answerer").await?;
        let instance = answerer.instance();
        let answer = move |message: Message<crate::Text>| async move {
            let text = message.text().await?;
            message.reply(&format!("{instance} {text}")).await
        };
        answerer.queue_bind("job").await?.concurrency(PROCESSES * AT_ONCE).to(answer);
        eprintln!("bound {instance}");
        future::pending().await
    })
}

/// Tells who has answered.
pub fn asker<B: Broker>() -> Outcome {
    tokio_multi_thread(async {
        let asker = conduit::<B>("asker").await?;
        let ask = |lane: usize| {
            let to = asker.service("answerer");
            run(&Tokio, async move {
                let mut heard = BTreeSet::new();
                for round in 0..ROUNDS {
                    let question = format!("{lane} {round}");
                    let reply = to.request("job", &question).await?.text().await?;
                    let (instance, echo) = reply.split_once(' ').expect("two parts");
                    assert_eq!(echo, question);
                    heard.insert(instance.to_owned());
                }
                Ok::<_, conduit::Error>(heard)
            })
        };
        let asking: Vec<_> = (0..AT_ONCE).map(ask).collect();
        let mut heard = BTreeSet::new();
        for lane in asking {
            heard.extend(lane.await?);
        }
        eprintln!("heard {}", heard.into_iter().collect::<Vec<_>>().join(" "));
        Ok(())
    })
}

pub fn ten_thousand_requests_between_processes_are_answered<B: Broker>() -> Outcome {
    tokio_multi_thread(async {
        let server = B::start();
        let url = &server.url();
        let start = |test| (0..PROCESSES).map(move |_| Process::start(test, url));
        let answerers: Vec<_> = start("fleet::answerer").collect();
        let mut instances = BTreeSet::new();
        for answerer in &answerers {
            instances.insert(answerer.says("bound").await);
        }
        let askers: Vec<_> = start("fleet::asker").collect();
        let mut heard = BTreeSet::new();
        for asker in askers {
            heard.extend(asker.says("heard").await.split(' ').map(str::to_owned));
            asker.passes().await;
        }
        assert_eq!(heard, instances, "each of them takes its part");
        Ok(())
    })
}
