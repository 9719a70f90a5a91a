//! The way to a server, which a test can close and open without harm to other tests.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// Carries the connections that are made to it on to a server.
pub struct Gate {
    port: u16,
    inner: Arc<Inner>,
}

struct Inner {
    server: u16,
    state: Mutex<State>,
    /// It goes on after a pause.
    goes_on: Condvar,
}

#[derive(Default)]
struct State {
    open: bool,
    paused: bool,
    /// The test is over.
    gone: bool,
    /// Both ends of each connection: the client's and the server's.
    ends: Vec<(TcpStream, TcpStream)>,
}

impl Gate {
    pub fn open(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let inner = Inner { server, state: Mutex::default(), goes_on: Condvar::new() };
        let gate = Self { port, inner: Arc::new(inner) };
        gate.accept(listener);
        gate
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Lets nothing through any more; connections stay.
    pub fn pause(&self) {
        self.inner.lock().paused = true;
    }

    /// Breaks all connections, and takes no new ones. The server has noticed that they are gone.
    pub fn close(&self) {
        let ends = {
            let mut state = self.inner.lock();
            (state.open, state.paused) = (false, false);
            self.inner.goes_on.notify_all();
            std::mem::take(&mut state.ends)
        };
        for (client, server) in &ends {
            let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Write));
        }
        for (_, mut server) in ends {
            let _ = server.set_read_timeout(Some(Duration::from_secs(5)));
            let _ = io::copy(&mut server, &mut io::sink());
        }
    }

    /// Takes connections again.
    pub fn open_again(&self) {
        self.close();
        self.inner.lock().open = true;
    }

    /// The port is kept for good: while the gate is closed, what connects is dropped.
    fn accept(&self, listener: TcpListener) {
        self.inner.lock().open = true;
        let inner = Arc::clone(&self.inner);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mut state = inner.lock();
                if state.gone {
                    return;
                }
                if !state.open {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", inner.server)) else { continue };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let clone = |stream: &TcpStream| stream.try_clone().expect("another handle");
                let (to_server, to_client) = (clone(&server), clone(&client));
                state.ends.push((clone(&client), clone(&server)));
                drop(state);
                let (there, back) = (Arc::clone(&inner), Arc::clone(&inner));
                thread::spawn(move || carry(&there, client, to_server));
                thread::spawn(move || carry(&back, server, to_client));
            }
        });
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while_paused(&self) {
        let waited = self.goes_on.wait_while(self.lock(), |state| state.paused);
        drop(waited);
    }
}

fn carry(inner: &Inner, mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        inner.wait_while_paused();
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.close();
        self.inner.lock().gone = true;
        // It ends the listener's wait.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}
