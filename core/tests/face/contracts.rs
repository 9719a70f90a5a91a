//! Subjects with the types of their messages.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use conduit::{
    Contract, Error, ErrorKind, Executed, Failure, Message, NameRule, Subject,
    layer::{Layer, Next, OutboundCall, Outcome},
};
use conduit_json::Json;
use serde::{Deserialize, Serialize};

use crate::support::world::{TestResult, World, millis, secs};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Job {
    number: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct JobDone {
    result: u64,
}

const RUN: Contract<Job, JobDone> = Contract::request("job.run");
const CREATED: Contract<Job> = Contract::event("job.created");

async fn square(job: Job) -> Result<JobDone, Failure> {
    let result = job.number.checked_mul(job.number);
    let result = result.ok_or_else(|| Failure::new("too.much", "the square is too large"))?;
    Ok(JobDone { result })
}

#[test]
fn a_call_gives_the_decoded_reply() -> TestResult {
    World::run(|world| async move {
        let (asker, node) = (world.node("asker")?, world.node("worker")?);
        node.queue_bind(&RUN).await?.serve(square);
        let worker = asker.service("worker");
        assert_eq!(worker.call(&RUN, &Job { number: 4 }).await?, JobDone { result: 16 });
        let error = worker.call(&RUN, &Job { number: u64::MAX }).await.expect_err("it fails");
        assert_eq!(error.failure().map(Failure::code), Some("too.much"));
        assert!(error.to_string().contains("job.run"), "{error}");
        Ok(())
    })
}

#[test]
fn both_sides_work_without_the_contract_too() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        let own = node.own_service();
        let worker = node.queue_bind(&RUN).await?.serve(square);
        let reply = own.request("job.run", &Job { number: 3 }).await?;
        assert_eq!(reply.decode::<JobDone>().await?, JobDone { result: 9 });
        worker.unbind().await;

        node.queue_bind("job.run")
            .await?
            .to(async |message: Message<Json>| message.reply("not done").await);
        let error = own.call(&RUN, &Job { number: 3 }).await.expect_err("it is no JobDone");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Decode, Executed::Yes));
        Ok(())
    })
}

#[test]
fn a_call_takes_headers_and_a_timeout() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        node.queue_bind(&RUN).await?.concurrency(2).serve_with(async |job, message| {
            assert_eq!(message.headers().get("trace"), Some("7f"));
            if job.number == 0 {
                message.cancelled().await;
            }
            square(job).await
        });
        let own = node.own_service();
        let done = own.call(&RUN, &Job { number: 2 }).header("trace", "7f").no_timeout().await?;
        assert_eq!(done, JobDone { result: 4 });
        let call = own.call(&RUN, &Job { number: 0 }).header("trace", "7f").timeout(secs(2));
        let error = call.await.expect_err("it takes too long");
        assert_eq!(error.kind(), ErrorKind::Deadline);
        assert!(world.elapsed() < secs(3), "{:?}", world.elapsed());
        Ok(())
    })
}

#[test]
fn events_go_to_every_binding_and_what_is_no_event_to_none() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        let (heard, jobs) = async_channel::unbounded();
        for _ in 0..2 {
            let heard = heard.clone();
            node.bind(&CREATED).await?.to(move |job| {
                let heard = heard.clone();
                async move { heard.send(job).await }
            });
        }
        let own = node.own_service();
        own.send("job.created", "no job").await?;
        own.send(&CREATED, &Job { number: 1 }).header("by", "test").await?;
        own.send(&CREATED, &Job { number: 2 }).await?;
        let mut numbers = Vec::new();
        for _ in 0..4 {
            numbers.push(jobs.recv().await?.number);
        }
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 1, 2, 2]);
        // A request to the subject of an event tells its asker whether the handler ran.
        let error = own.request("job.created", "no job").await.map(drop).expect_err("no job");
        assert_eq!(error.kind(), ErrorKind::NotDecoded);
        let error = own.request("job.created", &Job { number: 3 }).await;
        let error = error.map(drop).expect_err("an event has no reply");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::NoReply, Executed::Yes));
        Ok(())
    })
}

#[test]
fn handlers_of_a_contract_share_a_state() -> TestResult {
    #[derive(Default)]
    struct Jobs(Mutex<BTreeMap<u64, u64>>);

    impl Jobs {
        async fn run(&self, job: Job) -> Result<JobDone, Failure> {
            let done = square(job.clone()).await?;
            self.0.lock().expect("no panic").insert(job.number, done.result);
            Ok(done)
        }

        async fn note(&self, job: Job) {
            self.0.lock().expect("no panic").insert(job.number, 0);
        }
    }

    World::run(|world| async move {
        let (node, jobs) = (world.node("worker")?, Arc::new(Jobs::default()));
        node.queue_bind(&RUN).await?.with(Arc::clone(&jobs)).serve(Jobs::run);
        let noting = node.bind(&CREATED).await?.with(Arc::clone(&jobs)).to(Jobs::note);
        let own = node.own_service();
        own.call(&RUN, &Job { number: 5 }).await?;
        own.send(&CREATED, &Job { number: 6 }).await?;
        noting.unbind().await;
        node.drain(secs(5)).await;
        let seen: Vec<_> = jobs.0.lock().expect("no panic").clone().into_iter().collect();
        assert_eq!(seen, [(5, 25), (6, 0)]);
        Ok(())
    })
}

#[test]
fn a_typed_binding_is_a_binding() -> TestResult {
    World::run(|world| async move {
        let (node, sim) = (world.node("worker")?, world.sim.clone());
        let own = node.own_service();
        let mut once = node.bind_once(&CREATED).await?.untyped();
        own.send(&CREATED, &Job { number: 1 }).await?;
        own.send(&CREATED, &Job { number: 2 }).await?;
        let first = once.next().await.ok_or("it is bound")?;
        assert_eq!(first.decode::<Job>().await?.number, 1);
        assert!(once.next().await.is_none(), "it takes one");

        let failure = |_: &(dyn std::error::Error + 'static)| Some(Failure::new("mapped", ""));
        let (end, ended) = async_channel::bounded::<()>(1);
        let until = async move {
            ended.recv().await.ok();
        };
        let binding = node.queue_bind(&RUN).await?.until(until).map_failure(failure);
        let worker = binding.serve(async |_| Err::<JobDone, _>(std::fmt::Error));
        let error = own.call(&RUN, &Job { number: 1 }).await.expect_err("it fails");
        assert_eq!(error.failure().map(Failure::code), Some("mapped"));
        end.close();
        while worker.is_bound() {
            conduit::Runtime::sleep_until(&sim, conduit::Runtime::now(&sim) + millis(1)).await;
        }
        Ok(())
    })
}

/// Notes how calls are made, and makes each try a copy.
#[derive(Clone, Default)]
struct Made(Arc<Mutex<Vec<(String, bool)>>>);

impl Layer for Made {
    async fn outbound(&self, mut call: OutboundCall, next: Next<'_>) -> Outcome {
        let copy = call.try_clone().expect("it is in memory");
        let made = (copy.subject().to_string(), copy.is_by_contract());
        self.0.lock().expect("it does not panic").push(made);
        next.run(copy).await
    }
}

#[test]
fn layers_are_told_of_contracts() -> TestResult {
    World::run(|world| async move {
        let (node, made) = (world.node("worker")?, Made::default());
        node.queue_bind(&RUN).await?.serve(square);
        let client = node.own_service().layer(made.clone());
        client.call(&RUN, &Job { number: 1 }).await?;
        client.send(&CREATED, &Job { number: 1 }).await?;
        client.request(RUN.subject(), &Job { number: 1 }).await?;
        client.send(CREATED.subject(), &Job { number: 1 }).await?;
        let made = made.0.lock().expect("it does not panic");
        let made: Vec<_> = made.iter().map(|(subject, by)| (&**subject, *by)).collect();
        let expected =
            [("job.run", true), ("job.created", true), ("job.run", false), ("job.created", false)];
        assert_eq!(made, expected);
        Ok(())
    })
}

#[test]
fn the_names_of_contracts_obey_the_rules_of_subjects() {
    assert_eq!(RUN.subject(), "job.run");
    assert_eq!(format!("{CREATED:?}"), r#"Contract("job.created")"#);
    let long: &'static str = "n".repeat(257).leak();
    for name in ["", ".", "a.", ".a", "a..b", "a.*", "größe", "a b", "a", "A-z_0.b", long] {
        let rule = Subject::new(name).map_err(|error| error.rule());
        let made = std::panic::catch_unwind(|| Contract::<(), ()>::request(name).subject());
        let text =
            made.map_err(|panic| (*panic.downcast_ref::<&str>().expect("a text")).to_owned());
        match rule {
            Ok(_) => assert_eq!(text.as_deref(), Ok(name)),
            Err(rule) => {
                let part = match rule {
                    NameRule::Empty => "not empty",
                    NameRule::TooLong(_) => "at most 256 bytes",
                    NameRule::Character(_) => "consists of ASCII letters",
                    NameRule::EmptyToken => "between two tokens",
                    rule => panic!("{rule} is new"),
                };
                assert!(text.expect_err("it is not valid").contains(part), "{name:?}");
            }
        }
    }
}

#[test]
fn an_invalid_subject_is_still_an_error_and_no_panic() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        let error: Error = node.bind("no.*").await.map(drop).expect_err("there are no wildcards");
        assert_eq!(error.kind(), ErrorKind::InvalidName);
        let error = node.own_service().send("no.*", &1).await.map(drop).expect_err("nor here");
        assert_eq!(error.kind(), ErrorKind::InvalidName);
        Ok(())
    })
}
