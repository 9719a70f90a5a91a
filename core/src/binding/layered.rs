//! The layers of a binding.

use std::task::{Context, Poll, ready};

use super::Binding;
use crate::{Encoder, Message, layer::Layer};

impl<E: Encoder> Binding<E> {
    /// Adds a [layer](crate::layer) around the messages of this binding, their handlers and replies,
    /// within those of the conduit, and within those that were added before.
    ///
    /// It also [accepts](Layer::accept) the messages that wait already, when they are taken.
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.around.push(layer);
        self.bound.mailbox.set_gate(self.around.own_gate());
        self
    }

    /// Polls for a message that the layers admit.
    #[inline(never)]
    pub(super) fn poll_admitted(&self, cx: &Context<'_>) -> Poll<Option<Message<E>>> {
        while let Some(mut arrival) = ready!(self.bound.poll_next(cx)) {
            if self.bound.admits(&mut arrival) {
                return Poll::Ready(Some(self.message(arrival)));
            }
        }
        Poll::Ready(None)
    }
}
