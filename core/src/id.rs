//! Unguessable ids, and their generator.

use std::{fmt, str::FromStr, sync::Mutex};

use crate::lock::lock;

/// The hexadecimal digits of each byte.
const PAIRS: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < pairs.len() {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
};

macro_rules! id {
    ($(#[$doc:meta])* $Name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $Name(u128);

        impl $Name {
            /// The length of an id in a packet, in bytes.
            pub const LEN: usize = 16;

            /// Creates an id from bytes, most significant first.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }

            /// Returns the bytes of the id, most significant first.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; Self::LEN] {
                self.0.to_be_bytes()
            }
        }

        /// Prints 32 lowercase hexadecimal digits.
        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(self.to_bytes(), f)
            }
        }

        impl fmt::Debug for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $Name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse_hex(text).map(Self)
            }
        }
    };
}

id! {
    /// The id of one running conduit. Each conduit is an instance of its service.
    ///
    /// ```
    /// use conduit::InstanceId;
    ///
    /// let instance = InstanceId::from_bytes([0x1f; InstanceId::LEN]);
    /// let text = instance.to_string();
    /// assert_eq!(text, "1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f");
    /// assert_eq!(text.parse(), Ok(instance));
    /// ```
    InstanceId
}
id! {
    /// The id of a message that is answered or streamed.
    ///
    /// ```
    /// use conduit::MessageId;
    ///
    /// let message = MessageId::from_bytes([7; MessageId::LEN]);
    /// assert_eq!(message.to_string().parse(), Ok(message));
    /// ```
    MessageId
}

/// The error of a text that is not the 32 lowercase hexadecimal digits of an id.
///
/// ```
/// use conduit::{InstanceId, InvalidId};
///
/// assert_eq!("1F".parse::<InstanceId>(), Err(InvalidId));
/// assert_eq!(InvalidId.to_string(), "an id is 32 lowercase hexadecimal digits");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 32 lowercase hexadecimal digits")]
pub struct InvalidId;

/// Prints the sentence; `{:#?}` prints the name.
impl fmt::Debug for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() { f.write_str("InvalidId") } else { fmt::Display::fmt(self, f) }
    }
}

fn parse_hex(text: &str) -> Result<u128, InvalidId> {
    if text.len() != 32 || !is_hex(text) {
        return Err(InvalidId);
    }
    u128::from_str_radix(text, 16).map_err(|_| InvalidId)
}

/// Returns whether a text consists of lowercase hexadecimal digits.
pub(crate) fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Writes bytes as lowercase hexadecimal digits. Faster than formatting a number, and done for
/// every request.
pub(crate) fn write_hex<const N: usize>(bytes: [u8; N], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = bytes.map(|byte| PAIRS[usize::from(byte)]);
    f.write_str(std::str::from_utf8(text.as_flattened()).unwrap_or_default())
}

/// A generator of the random bytes of ids.
///
/// Ids protect an instance's inbox and its replies, and a secret of the same generator protects the
/// broker's notices. So outside of tests they have to be unpredictable: use the default, the
/// operating system. For reproducible tests, pass a seeded generator to the builder.
///
/// ```
/// use std::sync::atomic::{AtomicU8, Ordering};
///
/// use conduit::{Conduit, IdGenerator};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// /// Counts up: every run has the same ids, so for tests only.
/// struct Counter(AtomicU8);
///
/// impl IdGenerator for Counter {
///     fn fill(&self, bytes: &mut [u8]) {
///         bytes.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
///     }
/// }
///
/// let ids = Counter(AtomicU8::new(0));
/// let builder = Conduit::builder("shop").runtime(Smol).transport(Memory::new()).encoder(Json);
/// let conduit = builder.ids(ids).build()?;
/// assert_eq!(conduit.instance().to_bytes()[..3], [0, 1, 2]);
/// # Ok(())
/// # })
/// # }
/// ```
pub trait IdGenerator: Send + Sync + 'static {
    /// Fills a buffer with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// Random bytes from the operating system, fetched for 64 ids at a time.
pub(crate) struct SystemIds(Mutex<Pool>);

struct Pool {
    bytes: [u8; 1024],
    used: usize,
}

impl Default for SystemIds {
    fn default() -> Self {
        Self(Mutex::new(Pool { bytes: [0; 1024], used: 1024 }))
    }
}

impl IdGenerator for SystemIds {
    fn fill(&self, out: &mut [u8]) {
        let mut pool = lock(&self.0);
        for byte in out {
            if pool.used == pool.bytes.len() {
                // Without entropy no id is safe to use, and no caller can recover from that.
                #[allow(clippy::expect_used)]
                getrandom::fill(&mut pool.bytes).expect("the operating system has no randomness");
                pool.used = 0;
            }
            *byte = pool.bytes[pool.used];
            let used = pool.used;
            pool.bytes[used] = 0;
            pool.used += 1;
        }
    }
}

pub(crate) fn instance_id(ids: &dyn IdGenerator) -> InstanceId {
    let mut bytes = [0; InstanceId::LEN];
    ids.fill(&mut bytes);
    InstanceId::from_bytes(bytes)
}

/// Creates a key that is known only to its conduit.
pub(crate) fn secret(ids: &dyn IdGenerator) -> [u8; 16] {
    let mut bytes = [0; 16];
    ids.fill(&mut bytes);
    bytes
}

pub(crate) fn message_id(ids: &dyn IdGenerator) -> MessageId {
    let mut bytes = [0; MessageId::LEN];
    ids.fill(&mut bytes);
    MessageId::from_bytes(bytes)
}
