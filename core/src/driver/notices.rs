//! Notices of the broker that nobody was subscribed, and the tokens that tell true ones from forged.

use siphasher::sip::SipHasher24;

use super::Shared;
use crate::{
    MessageId,
    transport::{Targets, Token},
};

/// What makes tokens: a secret of this conduit.
///
/// A token travels with its packet, so that each receiver of the packet may see it. It cannot make
/// another one of it: neither for other targets of the same message, nor for another message.
pub(super) struct Tokens(SipHasher24);

/// What a packet is that is published with a token.
#[derive(Clone, Copy)]
enum Purpose {
    /// It offers, asks or probes: the notice says that nobody is there to answer.
    Ask(Targets),
    /// It says to an asker that its request is here: the notice says that the asker is not.
    SignOfLife,
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
        };
        text[1..].copy_from_slice(&message.to_bytes());
        self.0.hash(&text)
    }

    /// What a token was made for; `None` where it was not made here.
    fn purpose(&self, token: Token) -> Option<Purpose> {
        let purposes = [Purpose::Ask(token.targets), Purpose::SignOfLife];
        purposes.into_iter().find(|purpose| self.tag(token.message, *purpose) == token.tag)
    }
}

impl Shared {
    /// The token of a packet that is for some bindings.
    pub(crate) fn token(&self, message: MessageId, targets: Targets) -> Token {
        Token { message, targets, tag: self.tokens.tag(message, Purpose::Ask(targets)) }
    }

    /// The token of a sign of life.
    pub(super) fn sign_of_life(&self, message: MessageId) -> Token {
        let tag = self.tokens.tag(message, Purpose::SignOfLife);
        // An inbox has one kind of listeners.
        Token { message, targets: Targets::Plain, tag }
    }

    /// The broker says that nobody was there, or a forger does.
    pub(super) fn handle_undelivered(&self, token: Token) {
        match self.tokens.purpose(token) {
            Some(Purpose::Ask(targets)) => {
                self.handle_undelivered_offer(token.message, targets);
                self.handle_undelivered_request(token.message, targets);
            }
            Some(Purpose::SignOfLife) => self.handle_absent_asker(token.message),
            None => self.counters.invalid.add(1),
        }
    }
}
