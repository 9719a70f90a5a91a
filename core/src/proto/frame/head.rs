use std::time::Duration;

use super::ContentType;
use crate::{InstanceId, MessageId, ServiceName, proto::Headers};

/// Who sends a message.
///
/// ```
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("shop", Smol, Memory::new(), Json)?;
/// let mut orders = conduit.bind("order").await?;
/// conduit.own_service().send("order", "tea").await?;
///
/// let order = orders.next().await.expect("it is bound");
/// assert_eq!(order.source().service.as_str(), "shop");
/// assert_eq!(order.source().instance, conduit.instance());
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    /// The service.
    pub service: ServiceName,
    /// The instance of it.
    pub instance: InstanceId,
}

/// Everything of a message but its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Who sends it.
    pub source: Source,
    /// The media type of the body, where an encoder made it.
    pub content_type: Option<ContentType>,
    /// What the sender adds.
    pub headers: Headers,
    /// The number of the message among those of its sender to this subject, where it counts them.
    pub sequence: Option<u64>,
    /// What is asked, if something is.
    pub request: Option<Request>,
}

/// A [`Head`] whose parts are where they are.
#[derive(Debug, Clone, Copy)]
pub struct HeadRef<'a> {
    /// Who sends it.
    pub source: &'a Source,
    /// The media type of the body, where an encoder made it.
    pub content_type: Option<&'a ContentType>,
    /// What the sender adds.
    pub headers: &'a Headers,
    /// The number of the message among those of its sender to this subject, where it counts them.
    pub sequence: Option<u64>,
    /// What is asked, if something is.
    pub request: Option<&'a Request>,
}

impl Head {
    /// The same, borrowed.
    #[must_use]
    pub fn borrowed(&self) -> HeadRef<'_> {
        let Self { source, content_type, headers, sequence, request } = self;
        let (content_type, request) = (content_type.as_ref(), request.as_ref());
        HeadRef { source, content_type, headers, sequence: *sequence, request }
    }
}

/// What an asker wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The name of the request. In an offer it is the stream's.
    pub message: MessageId,
    /// How long the asker will wait from now, if it limits it.
    pub time_left: Option<Duration>,
    /// How many bytes of a streamed reply may be sent at once.
    pub credit: u64,
}
