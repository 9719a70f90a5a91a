use std::{fmt, hash::Hasher};

use siphasher::sip::SipHasher24;

use super::frame::{Nonce, Receiver, StreamId};

/// Generates the nonces of a sender. Without the key they cannot be guessed, even from other
/// nonces.
#[derive(Clone)]
pub struct Nonces(SipHasher24);

impl Nonces {
    /// Creates a generator from a key, which has to be unpredictable.
    #[must_use]
    pub fn new(key: [u8; 16]) -> Self {
        Self(SipHasher24::new_with_key(&key))
    }

    /// Returns the nonce of one receiver of one body.
    pub(super) fn of(&self, stream: StreamId, receiver: Receiver) -> Nonce {
        let mut hasher = self.0;
        hasher.write(&stream.message.to_bytes());
        hasher.write(&receiver.instance.to_bytes());
        hasher.write(&receiver.port.to_be_bytes());
        Nonce::from_bytes(hasher.finish().to_be_bytes())
    }
}

/// Does not print the key.
impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces").finish_non_exhaustive()
    }
}
