//! Prints the messages of a subject.

use conduit::Message;
use serde_json::json;

use crate::{
    args::{Broker, Listen, Show},
    asking::{line, print_body},
    broker::{Raw, instance},
    exit::Exit,
    show, until_interrupted,
};

pub(crate) async fn listen(
    broker: &Broker,
    show: &Show,
    args: &Listen,
    in_group: bool,
) -> Result<(), Exit> {
    let conduit = broker.connect(instance(&args.to.service, None)).await?;
    let listening = async {
        let mut binding = match in_group {
            true => conduit.queue_bind(&*args.to.subject).await?,
            false => conduit.bind(&*args.to.subject).await?,
        };
        eprintln!("listening on {} as {}", args.to.subject, conduit.name());
        let mut left = args.count;
        while left != Some(0) {
            let Some(message) = binding.next().await else {
                return Err(Exit::local("the connection has ended"));
            };
            received(show, args.raw, &message).await?;
            left = left.map(|left| left - 1);
        }
        Ok(())
    };
    let listened = until_interrupted(listening).await;
    conduit.close().await;
    listened
}

async fn received(show: &Show, raw: bool, message: &Message<Raw>) -> Result<(), Exit> {
    if raw {
        print_body(message).await?;
        return show::print("\n");
    }
    let body = match message.to_bytes().await {
        Ok(body) => body,
        Err(error) => {
            eprintln!("a message from {} did not arrive: {error:#}", message.source().service);
            return Ok(());
        }
    };
    let source = message.source();
    if show.json {
        let headers: Vec<_> = message.headers().iter().collect();
        show::json(&json!({
            "subject": message.subject(),
            "service": source.service,
            "instance": source.instance,
            "content_type": message.content_type(),
            "headers": headers,
            "is_request": message.is_request(),
            "body": show::body(&body),
        }))?;
    } else {
        let headers = message.headers().iter().map(|(key, value)| format!("{key}={value} "));
        let headers: String = headers.collect();
        show::print(&format!("{} {headers}{}\n", source.service, line(&body)))?;
    }
    Ok(())
}
