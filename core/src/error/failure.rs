use std::{error::Error as StdError, fmt};

use crate::{
    Decode, Encode, Error, ErrorKind,
    error::{Causes, Own, Printable, check_content_type, encoded},
    proto::Detail,
};

/// An application-defined failure: a code for programs, a message for people, and an optional value
/// with details.
///
/// A handler that returns it as its error, or [within another one](crate::HandlerOutput), fails its
/// request with it. The asker gets it from [`Error::failure`] of an error of kind
/// [`HandlerFailed`](ErrorKind::HandlerFailed). If the asker is itself a handler and returns that
/// error, its own asker gets the same failure.
///
/// ```
/// use conduit::{Conduit, Failure};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), conduit::Error> {
/// # smol::block_on(async {
/// let broker = Memory::new();
/// let shop = Conduit::new("shop", Smol, broker.clone(), Json)?;
/// let client = Conduit::new("client", Smol, broker, Json)?;
/// shop.queue_bind("order").await?.serve(async |amount: u32| {
///     if amount > 3 {
///         return Err(Failure::new("no.stock", "there are not so many").with_detail(&Json, &3)?);
///     }
///     Ok(amount)
/// });
///
/// let error = client.service("shop").request("order", &5).await.expect_err("5 are too many");
/// let failure = error.failure().expect("the handler said why");
/// assert_eq!((failure.code(), failure.message()), ("no.stock", "there are not so many"));
/// assert_eq!(failure.detail::<_, u32>(&Json)?, Some(3));
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    message: String,
    detail: Detail,
}

impl Failure {
    /// The maximum length of an encoded detail, in bytes.
    pub const MAX_DETAIL: usize = Detail::MAX_VALUE;

    /// Creates a failure with a code and a message. At most 128 bytes of the code and 1,024 bytes
    /// of the message are sent.
    pub fn new(code: impl AsRef<str>, message: impl Into<String>) -> Self {
        Self { message: message.into(), detail: Detail::of_code(code.as_ref()) }
    }

    /// Adds a value with details, which is encoded at once.
    ///
    /// # Errors
    /// `Encode`; `TooLarge` if the encoded value exceeds [`MAX_DETAIL`](Self::MAX_DETAIL).
    pub fn with_detail<E, T>(mut self, encoder: &E, value: &T) -> Result<Self, Error>
    where
        E: Encode<T>,
        T: ?Sized,
    {
        let (content_type, value) = encoded(encoder, value)?;
        if value.len() > Self::MAX_DETAIL {
            let text = format!(
                "the detail of a failure has {} bytes, and {} at most travel",
                value.len(),
                Self::MAX_DETAIL
            );
            return Err(Error::new(ErrorKind::TooLarge, text));
        }
        self.detail.content_type = Some(content_type);
        self.detail.value = value.into();
        Ok(self)
    }

    /// Marks the failure as temporary: the same request may succeed later. Whether it is safe to
    /// repeat is up to the application, since the handler was executed.
    #[must_use]
    pub fn transient(mut self) -> Self {
        self.detail.transient = true;
        self
    }

    /// Returns whether the handler marked it as [transient](Self::transient).
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.detail.transient
    }

    /// Returns the code, for programs; empty if the handler gave none.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.detail.code
    }

    /// Returns the message, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Decodes the value with details; `None` if there is none.
    ///
    /// # Errors
    /// `ContentType` if another encoder made it, `Decode`.
    pub fn detail<E, T>(&self, encoder: &E) -> Result<Option<T>, Error>
    where
        E: Decode<T>,
    {
        let Some(theirs) = &self.detail.content_type else {
            return Ok(None);
        };
        check_content_type(theirs.as_str(), encoder.content_type())?;
        let decoded = encoder.decode(&self.detail.value);
        decoded.map(Some).map_err(|error| Error::with_cause(ErrorKind::Decode, error))
    }

    pub(crate) fn received(message: String, detail: Detail) -> Self {
        Self { message, detail }
    }

    pub(crate) fn wire_detail(&self) -> Detail {
        self.detail.clone()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Own::show(|| Own::Failure(self.clone()));
        match (Printable(&self.message), Printable(self.code())) {
            (message, Printable("")) => message.fmt(f),
            (Printable(""), code) => code.fmt(f),
            (message, code) => write!(f, "{message} ({code})"),
        }
    }
}

/// Prints the sentence; `{:#?}` prints the parts.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        let mut parts = f.debug_struct("Failure");
        parts.field("message", &self.message).field("detail", &self.detail).finish()
    }
}

impl StdError for Failure {}

/// Keeps the failure of a remote handler; any other error becomes a failure with its text.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        error.failure().cloned().unwrap_or_else(|| Self::new("", Causes(&error).to_string()))
    }
}
