//! The exchanges of namespaces, which have to be there before anything else.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{News, Phase, Side, State};
use crate::{
    frame::{Fault, Frame, Method},
    method,
};

/// The channel of the consuming connection on which they are declared.
pub(super) const CHANNEL: u16 = 1;

/// Whether an exchange is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exchange {
    Unknown,
    There,
    Failed(Fault),
}

#[derive(Default)]
pub(super) struct Exchanges {
    known: BTreeMap<Arc<str>, Exchange>,
    /// Those to be declared. The first is being looked for, or made.
    declaring: VecDeque<Arc<str>>,
    /// The first was not there, and is being made.
    making: bool,
}

impl Exchanges {
    pub(super) fn are_settled(&self) -> bool {
        self.declaring.is_empty()
    }

    /// The connection is lost, and the next may be to a server that has none.
    pub(super) fn forget(&mut self) {
        self.declaring.clear();
        self.making = false;
        self.known.values_mut().for_each(|exchange| *exchange = Exchange::Unknown);
    }
}

impl State {
    /// Returns whether an exchange is there, and sees to it that it will be.
    pub(crate) fn exchange(&mut self, name: &Arc<str>) -> Exchange {
        if let Some(known) = self.exchanges.known.get(name) {
            return known.clone();
        }
        self.exchanges.known.insert(Arc::clone(name), Exchange::Unknown);
        if matches!(self.phase, Phase::Connected | Phase::Restoring) {
            self.exchanges.declaring.push_back(Arc::clone(name));
            if self.exchanges.declaring.len() == 1 {
                self.look_for_exchange();
            }
        }
        Exchange::Unknown
    }

    /// Returns whether it is known if an exchange is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        !matches!(self.exchanges.known.get(name), None | Some(Exchange::Unknown))
    }

    /// Returns whether an exchange is known to be there.
    pub(super) fn is_there(&self, name: &str) -> bool {
        self.exchanges.known.get(name) == Some(&Exchange::There)
    }

    pub(super) fn begin_exchanges(&mut self) {
        method::open_channel(&mut self.out[Side::Consuming as usize], CHANNEL);
        self.exchanges.declaring = self.exchanges.known.keys().cloned().collect();
        self.look_for_exchange();
    }

    /// Looks whether the next one is there, for which no permission is needed.
    fn look_for_exchange(&mut self) {
        self.exchanges.making = false;
        if let Some(name) = self.exchanges.declaring.front() {
            let out = &mut self.out[Side::Consuming as usize];
            method::declare_exchange(out, CHANNEL, name, true);
        }
    }

    /// Takes what the server says to a declaration.
    pub(super) fn declared(&mut self, frame: Frame, news: &mut News) {
        let found = match frame {
            Frame::Method(Method::Declared) => Exchange::There,
            Frame::Method(Method::ChannelClose(fault)) => {
                let out = &mut self.out[Side::Consuming as usize];
                method::open_channel(out, CHANNEL);
                if let Some(name) = self.exchanges.declaring.front()
                    && fault.code == 404
                    && !self.exchanges.making
                {
                    self.exchanges.making = true;
                    method::declare_exchange(out, CHANNEL, name, false);
                    return;
                }
                Exchange::Failed(fault)
            }
            _ => return,
        };
        let Some(name) = self.exchanges.declaring.pop_front() else { return };
        match &found {
            Exchange::Failed(fault) if fault.is_denied() => {
                news.denied.push((name.to_string(), fault.to_string()));
            }
            Exchange::Failed(fault) => news.errors.push(fault.to_string()),
            _ => {}
        }
        self.exchanges.known.insert(name, found);
        self.look_for_exchange();
    }
}
