//! Hands packets over to the client.

use std::cell::Cell;

use async_nats::{PublishErrorKind, Subject, subject::ToSubject};
use bytes::Bytes;
use conduit::transport::{Address, Token, TransportError, TransportErrorKind};

use crate::link::{Link, ended};

/// Hands a packet over, if there is a connection. `packet` is empty if it was handed over.
pub(crate) async fn hand_over(
    link: &Link,
    to: &Address,
    packet: &mut Option<Bytes>,
    undelivered: Option<(&Address, Token)>,
) -> Result<(), TransportError> {
    let Some(bytes) = packet.clone() else { return Ok(()) };
    // async-nats would take some 2,000 packets without a connection and say nothing.
    if !link.is_connected() {
        return Err(TransportErrorKind::Disconnected.into());
    }
    check_length(link, &bytes)?;
    let subject = link.root.publish(to);
    let question = link.may_publish(to, &subject);
    give(link, subject.into(), bytes, undelivered).await?;
    *packet = None;
    match question {
        Some(question) => question.published().await,
        None => Ok(()),
    }
}

/// A subject that is handed over. Of a [`Subject`] async-nats makes another reference, and lets this
/// one go.
struct Given(Cell<Option<Subject>>);

impl ToSubject for Given {
    /// async-nats asks once. It refuses an empty one.
    fn to_subject(&self) -> Subject {
        self.0.take().unwrap_or_else(|| Subject::from_static(""))
    }
}

/// Gives a packet to the client, which is connected. Dropped before it is done, it has not.
pub(crate) async fn give(
    link: &Link,
    subject: Subject,
    packet: Bytes,
    undelivered: Option<(&Address, Token)>,
) -> Result<(), TransportError> {
    let reply = undelivered.and_then(|(inbox, token)| link.root.notice(inbox, token));
    let subject = Given(Cell::new(Some(subject)));
    let giving = link.unwritten.giving();
    let published = match reply {
        Some(reply) => link.client.publish_with_reply(subject, reply, packet).await,
        None => link.client.publish(subject, packet).await,
    };
    if published.is_ok() {
        giving.done();
    }
    published.map_err(|error| match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => TransportErrorKind::TooLarge.into(),
        PublishErrorKind::Send => ended(error),
        PublishErrorKind::InvalidSubject => TransportError::new(TransportErrorKind::Other, error),
    })
}

/// The server would end the connection of a client that sends more.
pub(crate) fn check_length(link: &Link, packet: &Bytes) -> Result<(), TransportError> {
    if packet.len() > link.client.max_payload() {
        return Err(TransportErrorKind::TooLarge.into());
    }
    Ok(())
}
