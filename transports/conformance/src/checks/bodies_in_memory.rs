//! Bodies that are taken whole: `decode`, `bytes` and `text`.

use std::sync::Arc;

use bytes::Bytes;
use conduit::{Body, CodecError, Conduit, Decode, Encode, Encoder, Error, ErrorKind, Message};

use crate::{
    Broker, Guarantee, Number, Violation, World,
    odd::Odd,
    pattern::Pattern,
    way::{Direction, JOIN_WINDOW, Way, patient},
};

const RULE: Guarantee = Guarantee::Errors;

/// An encoder of anything that is bytes.
#[derive(Debug)]
struct Blob;

impl Encoder for Blob {
    fn content_type(&self) -> &'static str {
        "application/x-conformance-blob"
    }
}

impl Encode<Bytes> for Blob {
    fn encode(&self, value: &Bytes, into: &mut Vec<u8>) -> Result<(), CodecError> {
        into.extend_from_slice(value);
        Ok(())
    }
}

impl Decode<Bytes> for Blob {
    fn decode(&self, bytes: &[u8]) -> Result<Bytes, CodecError> {
        Ok(Bytes::copy_from_slice(bytes))
    }
}

/// G11: what exceeds `max_decode_size` by one byte is `TooLarge` for `decode`, `bytes` and `text`,
/// in one packet and streamed; what has exactly as many is fine.
///
/// # Errors
/// What does not hold.
pub async fn the_limit_for_bodies_in_memory_is_exact<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const LIMIT: usize = 8;
    let bodies: [fn(Bytes) -> Body; 3] = [
        Body::from,
        |bytes| Body::stream(waiting(bytes)),
        |bytes| Body::sized_stream(waiting(bytes.clone()), bytes.len() as u64),
    ];
    for direction in Direction::ALL {
        let sender = match direction {
            Direction::Send => patient(&world, "sender").await,
            Direction::Request | Direction::Reply => world.conduit("sender").await,
        };
        let receiver = world.builder("receiver").await.max_decode_size(LIMIT);
        let receiver = RULE.expect("build", receiver.build())?;
        let mut way = Way::between(&world, direction, sender, receiver).await?;
        for body in bodies {
            for take in [Take::Decode, Take::Bytes, Take::Text] {
                let fits = Bytes::from_static(b"\0\0\0\0\0\0\x01\x02");
                let mut transfer = way.begin(body(fits)).await;
                let message = transfer.message()?;
                RULE.expect("take what fits", take.from(&message).await)?;
                transfer.ends_well(message).await?;

                let mut transfer = way.begin(body(Bytes::from_static(&[0; LIMIT + 1]))).await;
                let message = transfer.message()?;
                is(ErrorKind::TooLarge, take.from(&message).await)?;
                drop(message);
                // A streamed one is told; nobody is told of one packet.
                transfer.sent.await.ok();
            }
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy)]
enum Take {
    Decode,
    Bytes,
    Text,
}

impl Take {
    async fn from(self, message: &Message<Number>) -> Result<(), Error> {
        match self {
            Self::Decode => message.decode::<u64>().await.map(drop),
            Self::Bytes => message.to_bytes().await.map(drop),
            Self::Text => message.text().await.map(drop),
        }
    }
}

/// The bytes, after a pause that makes any body a streamed one.
fn waiting(bytes: Bytes) -> impl futures_core::Stream<Item = std::io::Result<Bytes>> {
    use futures_lite::{StreamExt, future, stream};
    let pause = stream::once_future(async {
        future::yield_now().await;
        Ok(Bytes::new())
    });
    pause.chain(stream::once(Ok(bytes)))
}

/// G11: 6 MiB are more than the default limit, and are decoded where there is none.
///
/// # Errors
/// What does not hold.
pub async fn without_the_limit_a_large_body_is_decoded<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let large = Pattern::new(7, 6 << 20).bytes();
    let sender = world.builder("sender").await.join_window(JOIN_WINDOW);
    let sender = RULE.expect("build", sender.encoder(Blob).build())?;
    let limited = world.builder("limited").await.encoder(Blob);
    let limited = RULE.expect("build", limited.build())?;
    let unlimited = world.builder("unlimited").await.encoder(Blob);
    let unlimited = RULE.expect("build", unlimited.no_max_decode_size().build())?;

    let message = blob(&world, &sender, &limited, large.clone()).await?;
    is(ErrorKind::TooLarge, message.decode::<Bytes>().await)?;
    drop(message);
    let message = blob(&world, &sender, &unlimited, large.clone()).await?;
    let decoded: Bytes = RULE.expect("decode", message.decode().await)?;
    RULE.ensure(decoded == large, || "it is another body".to_owned())
}

/// A value that was sent from one conduit to another.
async fn blob<B: Broker>(
    world: &World<B>,
    sender: &Conduit<Blob>,
    receiver: &Conduit<Blob>,
    value: Bytes,
) -> Result<Message<Blob>, Violation> {
    let mut binding = RULE.expect("bind", receiver.bind_once("blobs").await)?;
    let sending = sender.service(receiver.name().clone());
    let sending = sending.send("blobs", &value).expect(1);
    world.spawn(async move {
        sending.await.ok();
    });
    Ok(binding.next().await.expect("it takes one"))
}

/// A value of another encoder is not decoded, and the error names both content types.
///
/// # Errors
/// What does not hold.
pub async fn another_content_type_is_named<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let sender = world.builder("sender").await.join_window(JOIN_WINDOW);
    let sender = RULE.expect("build", sender.encoder(Blob).build())?;
    let receiver = world.conduit("receiver").await;
    let mut binding = RULE.expect("bind", receiver.bind("blobs").await)?;
    for length in [8, 100_000] {
        let value = Pattern::new(8, length).bytes();
        let sending = sender.service("receiver").send("blobs", &value).expect(1);
        let sent = world.run(async move { sending.await.map(drop) });
        let message = binding.next().await.expect("it is bound");
        let error = is(ErrorKind::ContentType, message.decode::<u64>().await)?;
        for content_type in [Blob.content_type(), Number.content_type()] {
            let named = error.to_string().contains(content_type);
            RULE.ensure(named, || format!("{content_type} is not in: {error}"))?;
        }
        // It is as it was sent, for whoever wants it so.
        let bytes = RULE.expect("take the bytes", message.to_bytes().await)?;
        RULE.ensure(bytes == value, || "other bytes".to_owned())?;
        RULE.expect("send", sent.await)?;
    }
    Ok(())
}

/// Text that is not UTF-8 is an error, and its bytes are still there.
///
/// # Errors
/// What does not hold.
pub async fn text_has_to_be_utf8<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    for direction in Direction::ALL {
        let mut way = Way::new(&world, direction).await?;
        for length in [100, 100_000] {
            let pattern = Pattern::new(9, length);
            let mut transfer = way.begin(Body::reader(Odd::new(pattern))).await;
            let message = transfer.message()?;
            is(ErrorKind::NotText, message.text().await)?;
            let bytes = RULE.expect("take the bytes", message.to_bytes().await)?;
            RULE.ensure(pattern.matches(0, &bytes), || "other bytes".to_owned())?;
            transfer.ends_well(message).await?;

            let text = "d\u{e9}j\u{e0} vu ".repeat(10_000);
            let mut transfer = way.begin(&text).await;
            let message = transfer.message()?;
            let got = RULE.expect("take the text", message.text().await)?;
            RULE.ensure(got == text, || "other text".to_owned())?;
            transfer.ends_well(message).await?;
        }
    }
    Ok(())
}

fn is<T>(kind: ErrorKind, result: Result<T, Error>) -> Result<Error, Violation> {
    match result {
        Err(error) if error.kind() == kind => Ok(error),
        Err(error) => Err(Violation::new(RULE, format!("wanted {kind:?}, got {error:?}"))),
        Ok(_) => Err(Violation::new(RULE, format!("wanted {kind:?}, got Ok"))),
    }
}
