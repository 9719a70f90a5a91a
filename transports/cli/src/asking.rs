//! Sends messages and requests.

use std::{path::Path, time::Duration};

use conduit::{Client, Conduit, Delivery, Error, Executed, InstanceId, Message};
use conduit_tokio::into_tokio;
use futures_lite::StreamExt;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::{
    args::{Ask, Broker, Content, Request, Send, Show, To},
    body::Source,
    broker::Raw,
    exit::{Exit, local},
    show, until_interrupted,
};

/// What is sent: a body that is read while it is sent, or bytes under a content type.
enum Sent {
    Body(Source),
    Value(Vec<u8>),
}

impl Sent {
    async fn of(content: &mut Content) -> Result<Self, Exit> {
        let source = Source::open(content.body.take()).await?;
        match content.content_type {
            None => Ok(Self::Body(source)),
            Some(_) => Ok(Self::Value(source.read().await?)),
        }
    }
}

/// Builds one call or another, with all headers.
macro_rules! call {
    ($sent:expr, $headers:expr, $client:expr, $subject:expr, $body:ident, $value:ident) => {{
        let call = match $sent {
            Sent::Body(source) => $client.$body($subject, source.into_body()),
            Sent::Value(bytes) => $client.$value($subject, &bytes[..]),
        };
        $headers
            .into_iter()
            .fold(call, |call, (key, value): (String, String)| call.header(key, value))
    }};
}

async fn conduit(broker: &Broker, content: &Content) -> Result<Conduit<Raw>, Exit> {
    broker.asker(content.content_type.clone()).await
}

fn client(conduit: &Conduit<Raw>, to: &To, timeout: Duration) -> Client<Raw> {
    let client = conduit.service(&*to.service);
    if timeout.is_zero() { client.no_timeout() } else { client.timeout(timeout) }
}

pub(crate) async fn send(broker: &Broker, show: &Show, args: Send) -> Result<(), Exit> {
    let Send { to, mut content, confirm, expect } = args;
    let conduit = conduit(broker, &content).await?;
    let client = conduit.service(&*to.service);
    let sending = async {
        let sent = Sent::of(&mut content).await?;
        let mut sending = call!(sent, content.headers, client, &*to.subject, send_body, send);
        if confirm {
            sending = sending.confirm();
        }
        if let Some(receivers) = expect {
            sending = sending.expect(receivers);
        }
        let delivery = sending.await?;
        conduit.flush().await?;
        delivered(show, &delivery)
    };
    let sent = until_interrupted(sending).await;
    conduit.close().await;
    sent
}

/// Prints which receivers have it. Fails if one has not.
pub(crate) fn delivered(show: &Show, delivery: &Delivery) -> Result<(), Exit> {
    let failed = delivery.failed();
    if show.json {
        let failures = failed.iter().map(|it| {
            let error = format!("{:#}", it.error);
            json!({ "instance": it.instance, "error": error })
        });
        let failures: Vec<_> = failures.collect();
        show::json(&json!({ "completed": delivery.completed(), "failed": failures }))?;
    } else {
        for instance in delivery.completed() {
            show::print(&format!("{instance} has it\n"))?;
        }
        for it in failed {
            let who = it.instance.map_or_else(|| "nobody".to_owned(), |it| it.to_string());
            eprintln!("{who} has not got it: {:#}", it.error);
        }
    }
    let worst = failed.iter().max_by_key(|it| it.error.executed());
    worst.map_or(Ok(()), |it| Err(Exit::from(&it.error)))
}

pub(crate) async fn request(broker: &Broker, args: Request) -> Result<(), Exit> {
    let Request { to, mut content, timeout } = args;
    let conduit = conduit(broker, &content).await?;
    let client = client(&conduit, &to, timeout);
    let asking = async {
        let sent = Sent::of(&mut content).await?;
        let reply =
            call!(sent, content.headers, client, &*to.subject, request_body, request).await?;
        print_body(&reply).await
    };
    let asked = until_interrupted(asking).await;
    conduit.close().await;
    asked
}

/// Copies the body of a message to the standard output.
pub(crate) async fn print_body(message: &Message<Raw>) -> Result<(), Exit> {
    let mut reader = into_tokio(message.take_body()?);
    copy(&mut reader, &mut tokio::io::stdout(), Path::new("the output")).await
}

/// Copies a body. An error of the body is one of the message.
pub(crate) async fn copy(
    body: &mut (impl tokio::io::AsyncRead + Unpin),
    to: &mut (impl tokio::io::AsyncWrite + Unpin),
    what: &Path,
) -> Result<(), Exit> {
    use tokio::io::AsyncReadExt;

    let failed = |error: std::io::Error| {
        Exit::late(format!("{} cannot be written: {error}", what.display()))
    };
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = body.read(&mut buffer).await.map_err(body_failed)?;
        if read == 0 {
            return to.flush().await.map_err(failed);
        }
        to.write_all(&buffer[..read]).await.map_err(failed)?;
    }
}

/// The error of a reader of a body has the one of the message in it.
fn body_failed(error: std::io::Error) -> Exit {
    match error.downcast::<Error>() {
        Ok(error) => error.into(),
        Err(error) => local("the body cannot be read")(error),
    }
}

pub(crate) async fn ask(broker: &Broker, show: &Show, args: Ask) -> Result<(), Exit> {
    let Ask { to, mut content, timeout, expect, silence } = args;
    let conduit = conduit(broker, &content).await?;
    let client = client(&conduit, &to, timeout);
    let asking = async {
        let sent = Sent::of(&mut content).await?;
        let replies =
            call!(sent, content.headers, client, &*to.subject, request_all_body, request_all);
        let mut replies = replies.silence(silence);
        if let Some(answers) = expect {
            replies = replies.expect(answers);
        }
        let mut worst: Option<Exit> = None;
        let (mut replies, mut count) = (std::pin::pin!(replies), 0);
        while let Some(reply) = replies.next().await {
            let outcome = match reply {
                Ok(reply) => {
                    count += 1;
                    told(show, &reply).await
                }
                Err(error) => {
                    refused(show, error.instance(), &error)?;
                    Err(error.into())
                }
            };
            if let Err(exit) = outcome
                && worst.as_ref().is_none_or(|worst| exit.code() > worst.code())
            {
                worst = Some(exit);
            }
        }
        match worst {
            Some(exit) => Err(exit),
            None if count == 0 => Err(Exit::nobody(
                "there is no reply",
                "Replies come from plain bindings only (`bind`), not from a group.",
            )),
            None => Ok(()),
        }
    };
    let asked = until_interrupted(asking).await;
    conduit.close().await;
    asked
}

async fn told(show: &Show, reply: &Message<Raw>) -> Result<(), Exit> {
    let instance = reply.source().instance;
    let body = reply.to_bytes().await?;
    if show.json {
        show::json(&json!({ "instance": instance, "body": show::body(&body) }))
    } else {
        show::print(&format!("{instance} {}\n", line(&body)))
    }
}

fn refused(show: &Show, instance: Option<InstanceId>, error: &Error) -> Result<(), Exit> {
    if show.json {
        let executed = match error.executed() {
            Executed::No => "no",
            Executed::Maybe => "maybe",
            Executed::Yes => "yes",
        };
        show::json(&json!({
            "instance": instance,
            "error": format!("{error:#}"),
            "kind": format!("{:?}", error.kind()),
            "executed": executed,
        }))
    } else {
        let instance = instance.map_or_else(|| "-".to_owned(), |instance| instance.to_string());
        show::print(&format!("{instance} error: {error:#}\n"))
    }
}

/// A body in one line.
pub(crate) fn line(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => {
            text.trim_end().escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")
        }
        Err(_) => show::hex(body),
    }
}
