use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use super::Contract;
use crate::{Client, Decode, Encode, Encoder, Error, Requesting};

/// A request by a [`Contract`](crate::Contract), which is sent when this is awaited, and yields the
/// decoded reply. [`Client::call`](crate::Client::call) makes it.
///
/// A future: it can be spawned, joined and raced as it is. Once it was polled, its methods change
/// nothing. Dropping it before it completes cancels the request, at the receivers too.
///
/// # Errors
/// Those of [`Requesting`], and of [decoding](crate::Message::decode) the reply: then the receiver
/// has executed the request.
///
/// # Example
/// ```
/// use std::time::Duration;
///
/// use conduit::{Conduit, Contract, Error};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// const LENGTH: Contract<String, usize> = Contract::request("length");
///
/// # fn main() -> Result<(), Error> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("text", Smol, Memory::new(), Json)?;
/// conduit.queue_bind(&LENGTH).await?.serve(async |text| Ok::<_, Error>(text.len()));
///
/// let calling = conduit.own_service().call(&LENGTH, &"hello".into());
/// assert_eq!(calling.timeout(Duration::from_secs(5)).await?, 5);
/// # Ok(())
/// # })
/// # }
/// ```
#[must_use = "nothing is sent until it is awaited"]
pub struct Calling<E, Out>(State<E, Out>);

enum State<E, Out> {
    Requesting(Requesting<E>),
    Decoding(Pin<Box<dyn Future<Output = Result<Out, Error>> + Send>>),
}

impl<E: Encoder> Client<E> {
    /// Sends a value to the subject of a [contract](Contract::request), and waits for the decoded
    /// reply. See [`Calling`].
    pub fn call<In, Out>(&self, contract: &Contract<In, Out>, value: &In) -> Calling<E, Out>
    where
        E: Encode<In> + Decode<Out>,
        Out: Send + 'static,
    {
        Calling(State::Requesting(self.request_by_contract(contract.subject(), value)))
    }
}

impl<E: Encoder, Out> Calling<E, Out> {
    /// Sets the timeout of the request, up to the last byte of the reply.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.map(|requesting| requesting.timeout(timeout))
    }

    /// Removes the timeout: the caller ends the request by dropping the future.
    pub fn no_timeout(self) -> Self {
        self.map(Requesting::no_timeout)
    }

    /// Adds a header. An invalid header is reported when this is awaited.
    pub fn header(self, key: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.map(|requesting| requesting.header(key, value))
    }

    fn map(self, change: impl FnOnce(Requesting<E>) -> Requesting<E>) -> Self {
        Self(match self.0 {
            State::Requesting(requesting) => State::Requesting(change(requesting)),
            decoding => decoding,
        })
    }
}

impl<E, Out> Future for Calling<E, Out>
where
    E: Decode<Out>,
    Out: Send + 'static,
{
    type Output = Result<Out, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut self.0 {
                State::Requesting(requesting) => {
                    let reply = ready!(Pin::new(requesting).poll(cx))?;
                    self.0 = State::Decoding(Box::pin(async move { reply.decode().await }));
                }
                State::Decoding(decoding) => return decoding.as_mut().poll(cx),
            }
        }
    }
}

impl<E, Out> fmt::Debug for Calling<E, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calling").finish_non_exhaustive()
    }
}
