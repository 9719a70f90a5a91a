//! What the book's table for people who come from the Go library says, call by call.

use std::{error::Error, time::Duration};

use conduit::{Body, Conduit, Encoder, ErrorKind};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_msgpack::MessagePack;
use conduit_protobuf::{
    Protobuf,
    prost::{self, Message as _},
};
use conduit_smol::Smol;
use futures_lite::{
    future,
    io::{Cursor, copy},
};
use serde::{Deserialize, Serialize};
use smol::channel;

type Outcome = Result<(), Box<dyn Error>>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
}

fn alice() -> User {
    let name = "Alice".into();
    User { id: 123, name }
}

/// Two services, of which the other listens.
fn pair<E: Encoder + Copy>(encoder: E) -> Result<(Conduit<E>, Conduit<E>), conduit::Error> {
    let broker = Memory::new();
    let one = Conduit::new("one", Smol, broker.clone(), encoder)?;
    Ok((one, Conduit::new("other", Smol, broker, encoder)?))
}

/// A body that takes more than one packet.
fn large() -> Vec<u8> {
    (0..200_000_u32).flat_map(u32::to_le_bytes).collect()
}

#[test]
fn sends_the_five_kinds_of_payload() -> Outcome {
    smol::block_on(async {
        let (one, other) = pair(Json)?;
        let mut sent = other.bind("sent").await?;
        let to = one.service("other");

        to.send("sent", &alice()).await?;
        to.send_body("sent", "text").await?;
        to.send_body("sent", vec![1, 2, 3]).await?;
        to.send_body("sent", ()).await?;
        let stream = to.send_body("sent", Body::reader(Cursor::new(large())));
        let stream = smol::spawn(stream);

        let mut next = async || sent.next().await.ok_or("the binding ended");
        assert_eq!(next().await?.decode::<User>().await?, alice());
        assert_eq!(next().await?.text().await?, "text");
        assert_eq!(next().await?.to_bytes().await?, &[1, 2, 3][..]);
        assert_eq!(next().await?.to_bytes().await?, &[][..]);
        let mut read = Vec::new();
        copy(next().await?, &mut read).await?;
        assert!(read == large());
        assert_eq!(stream.await?.completed(), [other.instance()]);
        Ok(())
    })
}

#[test]
fn replies_with_the_same_kinds() -> Outcome {
    smol::block_on(async {
        let (one, other) = pair(Json)?;
        other.bind("ask").await?.to(|message| async move {
            match message.text().await?.as_str() {
                "value" => message.reply(&alice()).await,
                "text" => message.reply_body("text").await,
                "bytes" => message.reply_body([1, 2, 3]).await,
                "reader" => message.reply_body(Body::reader(Cursor::new(large()))).await,
                _ => message.reply_body(()).await,
            }
        });
        let ask = async |what: &str| one.service("other").request_body("ask", what).await;
        assert_eq!(ask("value").await?.decode::<User>().await?, alice());
        assert_eq!(ask("text").await?.text().await?, "text");
        assert_eq!(ask("bytes").await?.to_bytes().await?, &[1, 2, 3][..]);
        assert!(ask("reader").await?.to_bytes().await? == large());
        assert!(ask("nothing").await?.to_bytes().await?.is_empty());
        Ok(())
    })
}

#[test]
fn requests_end_by_timeout_or_by_any_future() -> Outcome {
    smol::block_on(async {
        let (one, other) = pair(Json)?;
        let (start, started) = channel::unbounded();
        other.bind("silence").await?.to(move |message| {
            let start = start.clone();
            async move {
                start.send(message.decode::<u8>().await?).await.ok();
                future::pending::<Result<(), conduit::Error>>().await
            }
        });
        let silence = |number: u8| one.service("other").request("silence", &number);

        let error = silence(1).timeout(Duration::from_millis(20)).await.err();
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Deadline));

        let (cancel, context) = channel::bounded(1);
        let request = async { silence(2).no_timeout().await.map(Some) };
        let ended = async {
            context.recv().await.ok();
            Ok(None)
        };
        // The handler takes one after the other: the first was cancelled where it ran.
        let canceller = async {
            while started.recv().await? != 2 {}
            cancel.send(()).await?;
            Ok::<_, Box<dyn Error>>(())
        };
        let (reply, cancelled) = future::zip(future::or(request, ended), canceller).await;
        cancelled?;
        assert!(reply?.is_none());
        Ok(())
    })
}

#[test]
fn one_way_messages_have_no_reply() -> Outcome {
    smol::block_on(async {
        let (one, _) = pair(Json)?;
        let mut own = one.bind("own").await?;
        one.own_service().send("own", &1).await?;
        let message = own.next().await.ok_or("the binding ended")?;
        assert!(!message.is_request());
        let error = message.reply(&1).await.err().ok_or("it has to fail")?;
        assert_eq!(error.kind(), ErrorKind::NotARequest);
        Ok(())
    })
}

#[test]
fn bindings_end_when_told() -> Outcome {
    smol::block_on(async {
        let (one, other) = pair(Json)?;
        let mut binding = other.bind("event").await?;
        binding.unbind().await;
        binding.unbind().await;
        assert!(binding.next().await.is_none());

        // With a context, as a loop.
        let (cancel, context) = channel::bounded::<()>(1);
        let mut binding = other.bind("event").await?.until(async move {
            context.recv().await.ok();
        });
        one.service("other").send("event", &1).await?;
        assert!(binding.next().await.is_some());
        drop(cancel);
        assert!(binding.next().await.is_none());

        // Closed.
        let mut binding = other.bind("event").await?;
        other.close().await;
        assert!(binding.next().await.is_none());
        let error = other.bind("event").await.err().ok_or("it has to fail")?;
        assert_eq!(error.kind(), ErrorKind::Closed);
        Ok(())
    })
}

#[test]
fn both_kinds_of_bindings_share_a_subject() -> Outcome {
    smol::block_on(async {
        let broker = Memory::new();
        let connect = |service| Conduit::new(service, Smol, broker.clone(), Json);
        let (sender, one, two) = (connect("sender")?, connect("worker")?, connect("worker")?);
        let (mut all_one, mut all_two) = (one.bind("job").await?, two.bind("job").await?);
        let (some_one, some_two) = (one.queue_bind("job").await?, two.queue_bind("job").await?);
        for job in 0..100 {
            sender.service("worker").send("job", &job).await?;
        }
        let mut shared = Vec::new();
        for job in 0..100 {
            for all in [&mut all_one, &mut all_two] {
                let message = all.next().await.ok_or("the binding ended")?;
                assert_eq!(message.decode::<i32>().await?, job);
            }
        }
        for mut some in [some_one, some_two] {
            some.unbind().await;
            while let Some(message) = some.next().await {
                shared.push(message.decode::<i32>().await?);
            }
        }
        shared.sort_unstable();
        assert!(shared.into_iter().eq(0..100));
        Ok(())
    })
}

#[test]
fn the_decode_limit_can_be_set() -> Outcome {
    smol::block_on(async {
        let conduit = Conduit::builder("one")
            .runtime(Smol)
            .transport(Memory::new())
            .encoder(Json)
            .max_decode_size(10)
            .build()?;
        let mut binding = conduit.bind("text").await?;
        for text in ["exactly 10", "eleven here"] {
            conduit.own_service().send_body("text", text).await?;
        }
        let message = binding.next().await.ok_or("the binding ended")?;
        assert_eq!(message.text().await?, "exactly 10");
        let message = binding.next().await.ok_or("the binding ended")?;
        let error = message.text().await.err().ok_or("it has to fail")?;
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        Ok(())
    })
}

#[test]
fn every_encoder_carries_values() -> Outcome {
    #[derive(Clone, PartialEq, prost::Message)]
    #[prost(prost_path = "conduit_protobuf::prost")]
    struct Event {
        #[prost(int64, tag = "1")]
        user_id: i64,
    }
    smol::block_on(async {
        let (one, other) = pair(MessagePack)?;
        let mut binding = other.bind("user").await?;
        one.service("other").send("user", &alice()).await?;
        let message = binding.next().await.ok_or("the binding ended")?;
        assert_eq!(message.decode::<User>().await?, alice());

        let (one, other) = pair(Protobuf)?;
        let mut binding = other.bind("user").await?;
        let event = Event { user_id: 123 };
        one.service("other").send("user", &event).await?;
        let message = binding.next().await.ok_or("the binding ended")?;
        assert_eq!(message.decode::<Event>().await?, event);
        assert_eq!(message.to_bytes().await?, event.encode_to_vec());
        Ok(())
    })
}
