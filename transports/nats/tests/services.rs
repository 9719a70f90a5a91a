//! NATS's own questions for services, and the answers of conduits.

mod support;

use std::time::Duration;

use async_compat::Compat;
use async_nats::Client;
use conduit::{Conduit, Failure, Runtime};
use conduit_nats::Nats;
use futures_lite::{StreamExt, future};
use serde_json::Value;
use support::{Outcome, Server, Text, builder, logged, with_every_runtime};

with_every_runtime!(
    a_conduit_answers_nine_questions_as_the_schemas_say,
    what_is_counted_is_what_was_sent,
    without_the_permission_the_conduit_works,
    nobody_is_answered_where_a_conduit_listens,
);

const READY: Duration = Duration::from_secs(10);

/// Asks, and returns the answers of so many instances.
async fn ask(client: &Client, subject: &str, count: usize) -> Outcome<Vec<Value>> {
    let inbox = client.new_inbox();
    let mut answers = client.subscribe(inbox.clone()).await?;
    client.publish_with_reply(subject.to_owned(), inbox, "".into()).await?;
    let mut all = Vec::new();
    while all.len() < count {
        let answer = answers.next().await.ok_or("the connection has ended")?;
        if answer.status.is_some() {
            // The server says that nobody listens yet.
            return Ok(Vec::new());
        }
        all.push(serde_json::from_slice(&answer.payload)?);
    }
    Ok(all)
}

/// Asks until a conduit answers, which it begins to do in the background.
async fn first(client: &Client, subject: &str) -> Outcome<Value> {
    loop {
        if let Some(answer) = ask(client, subject, 1).await?.pop() {
            return Ok(answer);
        }
    }
}

async fn service<R: Runtime>(runtime: R, server: &Server) -> Outcome<Conduit<Text>> {
    let nats = Nats::connect(server.url()).await?.as_nats_service();
    let builder = builder("users", runtime, nats).version("1.2.3").description("Counts");
    let conduit = builder.build()?;
    conduit.queue_bind("work.do").await?.to(async |message| match message.text().await?.as_str() {
        "fail" => Err(Failure::new("bad", "it is bad").into()),
        text => Ok::<_, Box<dyn std::error::Error + Send + Sync>>(message.reply(text).await?),
    });
    conduit.bind("noted").await?.to(async |message| drop(message));
    Ok(conduit)
}

fn is_name(value: &Value) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    value.as_str().is_some_and(|text| !text.is_empty() && text.chars().all(is_part))
}

fn is_time(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00.000Z" && text > "2024"
}

fn is_texts(value: &Value) -> bool {
    value.as_object().is_some_and(|fields| fields.values().all(Value::is_string))
}

fn endpoints(answer: &Value) -> &[Value] {
    answer["endpoints"].as_array().map_or(&[], Vec::as_slice)
}

async fn a_conduit_answers_nine_questions_as_the_schemas_say(runtime: impl Runtime) -> Outcome {
    let server = Server::start();
    let conduit = service(runtime, &server).await?;
    Compat::new(async {
        let client = async_nats::connect(server.url()).await?;
        let id = conduit.instance().to_string();
        first(&client, &format!("$SRV.STATS.users.{id}")).await?;
        for verb in ["PING", "INFO", "STATS"] {
            let subjects = [verb.to_owned(), format!("{verb}.users"), format!("{verb}.users.{id}")];
            for subject in subjects {
                let question = format!("$SRV.{subject}");
                let answer = loop {
                    // Nine questions may be more than are answered in a second.
                    let asked = first(&client, &question);
                    if let Ok(answer) = tokio::time::timeout(Duration::from_secs(1), asked).await {
                        break answer?;
                    }
                };
                let kind = verb.to_lowercase();
                assert_eq!(answer["type"], format!("io.nats.micro.v1.{kind}_response"));
                assert_eq!((&answer["name"], &answer["id"]), (&"users".into(), &id.clone().into()));
                assert!(is_name(&answer["name"]) && is_texts(&answer["metadata"]), "{answer}");
                assert_eq!(answer["version"], "1.2.3");
                if verb == "PING" {
                    assert_eq!(answer["endpoints"], Value::Null);
                    continue;
                }
                let all = endpoints(&answer);
                assert!(all.iter().all(|it| is_name(&it["name"])), "{answer}");
                assert_eq!(
                    (&all[0]["name"], &all[1]["name"]),
                    (&"work-do".into(), &"noted".into())
                );
                assert_eq!(all[0]["subject"], "conduit.users.s.*.1.work.do");
                assert_eq!(all[1]["subject"], "conduit.users.s.1.*.noted");
                assert_eq!(
                    (&all[0]["queue_group"], &all[1]["queue_group"]),
                    (&"conduit".into(), &"".into())
                );
                if verb == "INFO" {
                    assert_eq!(answer["description"], "Counts");
                    assert_eq!(answer["subjects"].as_array().map(Vec::len), Some(2));
                    assert!(all.iter().all(|it| is_texts(&it["metadata"])), "{answer}");
                    assert_eq!(all[0]["metadata"]["subject"], "work.do");
                } else {
                    assert!(is_time(&answer["started"]), "{answer}");
                    for field in
                        ["num_requests", "num_errors", "processing_time", "average_processing_time"]
                    {
                        assert!(all.iter().all(|it| it[field].is_i64()), "{field}: {answer}");
                    }
                    assert!(
                        all.iter().all(|it| it["last_error"].is_string() && it["data"].is_object())
                    );
                }
            }
        }
        Ok(())
    })
    .await
}

async fn what_is_counted_is_what_was_sent(runtime: impl Runtime + Clone) -> Outcome {
    let server = Server::start();
    let conduits =
        [service(runtime.clone(), &server).await?, service(runtime.clone(), &server).await?];
    let asker = builder("asker", runtime, Nats::connect(server.url()).await?).build()?;
    for number in 0..20 {
        let text = if number % 4 == 0 { "fail" } else { "work" };
        let outcome = asker.service("users").request("work.do", text).await;
        assert_eq!(outcome.is_err(), number % 4 == 0);
    }
    Compat::new(async {
        let client = async_nats::connect(server.url()).await?;
        let (mut requests, mut errors) = (0, 0);
        for conduit in &conduits {
            let subject = format!("$SRV.STATS.users.{}", conduit.instance());
            let answer = first(&client, &subject).await?;
            let work = &endpoints(&answer)[0];
            let number = |name: &str| work[name].as_u64().expect("a number");
            requests += number("num_requests");
            errors += number("num_errors");
            let time = number("processing_time");
            let average = time.checked_div(number("num_requests")).unwrap_or(0);
            assert_eq!(number("average_processing_time"), average);
            let has_failed = number("num_errors") > 0;
            assert_eq!(work["last_error"], if has_failed { "HandlerFailed" } else { "" });
        }
        assert_eq!((requests, errors), (20, 5));
        Ok(())
    })
    .await
}

async fn without_the_permission_the_conduit_works(runtime: impl Runtime) -> Outcome {
    let server = Server::with_config(
        r#"authorization { users: [
            { user: narrow, password: one, permissions {
                publish: "conduit.>", subscribe: "conduit.users.>" } }
            { user: all, password: two }
        ] }"#,
    );
    let nats = Nats::connect(server.url_as("narrow", "one")).await?.as_nats_service();
    logged();
    let conduit = builder("users", runtime, nats).build()?;
    conduit.ready(READY).await?;
    let instance = conduit.instance().to_string();
    let warnings = || {
        let log = logged();
        let here = log.lines().filter(|line| line.contains(&instance));
        here.filter(|line| line.contains("WARN") && line.contains("$SRV.>")).count()
    };
    while warnings() == 0 {
        future::yield_now().await;
    }
    conduit.queue_bind("echo").await?.to(async |message| {
        let text = message.text().await?;
        message.reply(&text).await
    });
    for _ in 0..3 {
        let reply = conduit.own_service().request("echo", "text").await?;
        assert_eq!(reply.text().await?, "text");
    }
    assert_eq!(warnings(), 1);
    Ok(())
}

async fn nobody_is_answered_where_a_conduit_listens(runtime: impl Runtime) -> Outcome {
    let server = Server::start();
    let _conduit = service(runtime, &server).await?;
    Compat::new(async {
        let client = async_nats::connect(server.url()).await?;
        first(&client, "$SRV.PING.users").await?;
        let mut heard = client.subscribe("conduit.victim.>").await?;
        client.publish_with_reply("$SRV.PING", "conduit.victim.c", "".into()).await?;
        // This one is answered after the other would have been.
        first(&client, "$SRV.PING.users").await?;
        client.flush().await?;
        assert!(future::poll_once(heard.next()).await.is_none());
        Ok(())
    })
    .await
}
