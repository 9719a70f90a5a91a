//! The state of a connection between the transports on it and what drives it.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use conduit::transport::{TransportError, TransportErrorKind};
use event_listener::Event;
use futures_lite::FutureExt;

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Packets can be published.
    Connected,
    /// They cannot now.
    Disconnected,
    /// There will be no connection any more.
    Ended,
}

/// What is known of a connection, without I/O.
pub trait Machine {
    /// What [`take_writers`](Self::take_writers) returns.
    type Writers: IntoIterator<Item = Option<Waker>>;

    /// Returns how far the connection is.
    fn phase(&self) -> Phase;

    /// Returns how many packets were ever given.
    fn given(&self) -> u64;

    /// Returns how many packets have left, or were lost with a connection.
    fn written(&self) -> u64;

    /// Takes the wakers of the writers that have something to write.
    fn take_writers(&mut self) -> Self::Writers;

    /// Notes that the connection is lost. Returns whom to wake.
    fn break_off(&mut self) -> Vec<Waker>;

    /// Notes that there will be no connection any more. Returns whom to wake.
    fn end(&mut self) -> Vec<Waker>;
}

/// The machine of a connection, which transports call and a driver feeds. Callers wait here for what the
/// driver does.
///
/// ```
/// use std::task::Waker;
///
/// use conduit_kit::{Driven, Machine, Phase};
/// use futures_lite::future::{block_on, zip};
///
/// /// How many packets wait for a connection that is there, and have left.
/// #[derive(Default)]
/// struct Counts {
///     given: u64,
///     written: u64,
/// }
///
/// impl Machine for Counts {
///     type Writers = [Option<Waker>; 0];
///
///     fn phase(&self) -> Phase {
///         Phase::Connected
///     }
///     fn given(&self) -> u64 {
///         self.given
///     }
///     fn written(&self) -> u64 {
///         self.written
///     }
///     fn take_writers(&mut self) -> Self::Writers {
///         []
///     }
///     fn break_off(&mut self) -> Vec<Waker> {
///         self.written = self.given;
///         Vec::new()
///     }
///     fn end(&mut self) -> Vec<Waker> {
///         self.break_off()
///     }
/// }
///
/// let driven = Driven::new(Counts::default());
/// driven.with(|counts| counts.given += 3);
/// assert_eq!(driven.unwritten(), 3);
/// let writes = async { driven.wrote(|counts| counts.written += 3) };
/// block_on(zip(driven.written(), writes)).0.expect("they leave");
/// assert_eq!(driven.unwritten(), 0);
/// ```
#[derive(Debug)]
pub struct Driven<M> {
    machine: Mutex<M>,
    /// How many packets were given and how many have left, as the machine has them.
    given: AtomicU64,
    written: AtomicU64,
    /// There is a connection, or there will be none any more.
    connected: Event,
    /// Something was taken to be written, so that there may be room.
    taken: Event,
    /// Something was written.
    left: Event,
    /// Something was answered, so that there may be room.
    answered: Event,
}

impl<M: Machine> Driven<M> {
    /// Creates it without a connection.
    pub fn new(machine: M) -> Self {
        Self {
            machine: Mutex::new(machine),
            given: AtomicU64::new(0),
            written: AtomicU64::new(0),
            connected: Event::new(),
            taken: Event::new(),
            left: Event::new(),
            answered: Event::new(),
        }
    }

    /// Returns the machine, to be looked at.
    pub fn lock(&self) -> MutexGuard<'_, M> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the machine, and wakes the writers that have something to write.
    pub fn with<T>(&self, act: impl FnOnce(&mut M) -> T) -> T {
        let mut machine = self.lock();
        let done = act(&mut machine);
        self.given.store(machine.given(), Ordering::Relaxed);
        let writers = machine.take_writers();
        drop(machine);
        writers.into_iter().flatten().for_each(Waker::wake);
        done
    }

    fn phase(&self) -> Phase {
        self.lock().phase()
    }

    /// Waits until there is a connection.
    ///
    /// # Errors
    /// `Closed` if there will be none.
    pub async fn connected(&self) -> Result<(), TransportError> {
        self.reached(M::phase).await
    }

    /// Waits until a part of the connection is there, of which `phase` says how far it is.
    ///
    /// # Errors
    /// `Closed` if it will never be.
    pub async fn reached(&self, phase: impl Fn(&M) -> Phase) -> Result<(), TransportError> {
        loop {
            let listener = self.connected.listen();
            let phase = phase(&self.lock());
            match phase {
                Phase::Connected => return Ok(()),
                Phase::Ended => return Err(TransportErrorKind::Closed.into()),
                Phase::Disconnected => listener.await,
            }
        }
    }

    /// Waits until something was taken, written or answered, unless something holds already. The caller
    /// looks again afterwards.
    pub async fn until(&self, holds: impl Fn(&M) -> bool) {
        let (taken, left) = (self.taken.listen(), self.left.listen());
        let answered = self.answered.listen();
        if !holds(&self.lock()) {
            taken.or(left).or(answered).await;
        }
    }

    /// Returns how many packets have not left.
    pub fn unwritten(&self) -> usize {
        let written = self.written.load(Ordering::Relaxed);
        let given = self.given.load(Ordering::Relaxed);
        usize::try_from(given.saturating_sub(written)).unwrap_or(usize::MAX)
    }

    /// Waits until the packets that were given before have left.
    ///
    /// # Errors
    /// `Closed` if there will be no connection any more.
    pub async fn written(&self) -> Result<(), TransportError> {
        let given = self.lock().given();
        loop {
            let listener = self.left.listen();
            if self.phase() == Phase::Ended {
                return Err(TransportErrorKind::Closed.into());
            }
            if self.written.load(Ordering::Acquire) >= given {
                return Ok(());
            }
            listener.await;
        }
    }

    /// Returns the error of what cannot be done without a connection.
    pub fn gone(&self) -> TransportError {
        match self.phase() {
            Phase::Ended => TransportErrorKind::Closed.into(),
            Phase::Connected | Phase::Disconnected => TransportErrorKind::Disconnected.into(),
        }
    }

    /// Tells those who wait for a connection that it is there.
    pub fn tell_connected(&self) {
        self.connected.notify(usize::MAX);
    }

    /// Tells those who wait for room that something was answered.
    pub fn tell_answered(&self) {
        self.answered.notify(usize::MAX);
    }

    /// Notes that the connection is lost, tells it to others, and then wakes those who wait.
    pub fn break_off(&self, tell: impl FnOnce()) {
        self.interrupt(M::break_off, tell);
    }

    /// Notes that there will be no connection any more, tells it to others, and then wakes those who wait.
    pub fn end(&self, tell: impl FnOnce()) {
        self.interrupt(M::end, tell);
        self.connected.notify(usize::MAX);
    }

    fn interrupt(&self, act: fn(&mut M) -> Vec<Waker>, tell: impl FnOnce()) {
        let wakers = {
            let mut machine = self.lock();
            let wakers = act(&mut machine);
            self.written.store(machine.written(), Ordering::Release);
            wakers
        };
        tell();
        wakers.into_iter().for_each(Waker::wake);
        self.taken.notify(usize::MAX);
        self.left.notify(usize::MAX);
        self.answered.notify(usize::MAX);
    }

    /// Takes what is to be written, when there is something; until then the machine keeps the waker.
    pub fn poll_take<T>(
        &self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut M) -> Option<T>,
        set_writer: impl FnOnce(&mut M, &Waker),
    ) -> Poll<T> {
        let mut machine = self.lock();
        match take(&mut machine) {
            Some(taken) => {
                drop(machine);
                self.taken.notify(usize::MAX);
                Poll::Ready(taken)
            }
            None => {
                set_writer(&mut machine, cx.waker());
                Poll::Pending
            }
        }
    }

    /// Notes that something was written.
    pub fn wrote(&self, note: impl FnOnce(&mut M)) {
        let mut machine = self.lock();
        note(&mut machine);
        self.written.store(machine.written(), Ordering::Release);
        drop(machine);
        self.left.notify(usize::MAX);
    }
}
