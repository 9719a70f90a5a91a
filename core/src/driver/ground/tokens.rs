//! The broker's notices of undelivered packets, and the tokens that authenticate them.

use siphasher::sip::SipHasher24;

use super::Ground;
use crate::{
    MessageId,
    transport::{Targets, Token},
};

/// Generates tokens with a secret of this conduit.
///
/// A token travels with its packet, so that each receiver of the packet may see it. A receiver
/// cannot derive another token from it, neither for other targets of the message nor for another
/// message.
pub(super) struct Tokens(SipHasher24);

/// The purpose of a packet that is published with a token.
#[derive(Clone, Copy)]
pub(in crate::driver) enum Purpose {
    /// An offer, a request or a probe: the notice means that there is no receiver.
    Ask(Targets),
    /// A sign of life to an asker: the notice means that the asker is gone.
    SignOfLife,
    /// A Probe of a sender: the notice means that the subject has no group.
    FindGroup,
}

impl Tokens {
    pub(super) fn new(key: [u8; 16]) -> Self {
        Self(SipHasher24::new_with_key(&key))
    }

    fn tag(&self, message: MessageId, purpose: Purpose) -> u64 {
        let mut text = [0; 1 + MessageId::LEN];
        text[0] = match purpose {
            Purpose::Ask(Targets::Plain) => 1,
            Purpose::Ask(Targets::Group) => 2,
            Purpose::Ask(Targets::Both) => 3,
            Purpose::SignOfLife => 4,
            Purpose::FindGroup => 5,
        };
        text[1..].copy_from_slice(&message.to_bytes());
        self.0.hash(&text)
    }

    /// Returns the purpose of a token; `None` if it was not generated here.
    fn purpose(&self, token: Token) -> Option<Purpose> {
        let purposes = [Purpose::Ask(token.targets), Purpose::SignOfLife, Purpose::FindGroup];
        purposes.into_iter().find(|purpose| self.tag(token.message, *purpose) == token.tag)
    }
}

impl Ground {
    /// Returns the token of a packet for bindings.
    pub(crate) fn token(&self, message: MessageId, targets: Targets) -> Token {
        Token { message, targets, tag: self.tokens.tag(message, Purpose::Ask(targets)) }
    }

    /// Returns the token of a sign of life.
    pub(in crate::driver) fn sign_of_life(&self, message: MessageId) -> Token {
        let tag = self.tokens.tag(message, Purpose::SignOfLife);
        // An inbox has only plain subscriptions.
        Token { message, targets: Targets::Plain, tag }
    }

    /// Returns the token of a sender's Probe.
    pub(super) fn find_group(&self, message: MessageId) -> Token {
        let tag = self.tokens.tag(message, Purpose::FindGroup);
        Token { message, targets: Targets::Group, tag }
    }

    /// Returns the purpose of the packet that a token was made for; `None` if it was not made here.
    pub(in crate::driver) fn purpose(&self, token: Token) -> Option<Purpose> {
        self.tokens.purpose(token)
    }
}
