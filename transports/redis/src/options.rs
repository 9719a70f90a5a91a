use std::{fmt, path::PathBuf, time::Duration};

use conduit_socket::Tls;

/// How a connection is made: credentials, TLS, a name, limits.
///
/// ```
/// use conduit_redis::Redis;
///
/// let options = Redis::options().name("billing").user_and_password("billing", "secret");
/// assert!(!format!("{options:?}").contains("secret"));
/// ```
#[derive(Clone)]
#[must_use]
pub struct Options {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) name: String,
    pub(crate) tls: Tls,
    pub(crate) primary: Option<String>,
    pub(crate) timeout: Duration,
    pub(crate) max_waiting: usize,
    pub(crate) body_budget: u64,
}

impl Options {
    pub(crate) fn new() -> Self {
        Self {
            user: None,
            password: None,
            name: "conduit".into(),
            tls: Tls::default(),
            primary: None,
            timeout: Duration::from_secs(5),
            max_waiting: 32 << 20,
            body_budget: 6 << 20,
        }
    }

    /// Sets user and password. Those in a URL are used before these.
    pub fn user_and_password(
        mut self,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        self.user = Some(user.into());
        self.password = Some(password.into());
        self
    }

    /// Sets the name of the connection in the server's `CLIENT LIST`. Default: `conduit`. Characters
    /// that the server does not take in a name are left out.
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.chars().filter(char::is_ascii_graphic).collect();
        self
    }

    /// Adds a file of certificates, in PEM, of authorities to trust besides those of the system. For
    /// `rediss://` URLs.
    pub fn add_root_certificates(mut self, path: impl Into<PathBuf>) -> Self {
        self.tls.roots.push(path.into());
        self
    }

    /// Sets the files of a certificate and its key, in PEM, that the server asks clients for.
    pub fn client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.tls.certificate = Some((certificate.into(), key.into()));
        self
    }

    /// Sets the name of the primary that sentinels watch. The URLs are then those of the sentinels,
    /// which are asked where it is whenever a connection is made; user and password are those for
    /// the primary.
    pub fn primary(mut self, name: impl Into<String>) -> Self {
        self.primary = Some(name.into());
        self
    }

    /// Sets how long connecting to one server may take. Default: 5 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many bytes of packets may wait in one subscription; what comes then is dropped, and
    /// is a [`SlowConsumer`](crate::RedisEvent::SlowConsumer). Default: 32 MiB.
    pub fn max_waiting(mut self, bytes: usize) -> Self {
        self.max_waiting = bytes;
        self
    }

    /// Sets how many bytes of bodies may be on the way to all conduits on the connection together.
    /// Default: 6 MiB, since a server ends a connection that is 8 MiB behind for a minute
    /// (`client-output-buffer-limit pubsub`). A conduit with a
    /// [`body_budget`](conduit::Builder::body_budget) of its own does not count.
    pub fn body_budget(mut self, bytes: u64) -> Self {
        self.body_budget = bytes;
        self
    }
}

/// Without the password.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("name", &self.name)
            .field("user", &self.user)
            .field("primary", &self.primary)
            .field("timeout", &self.timeout)
            .field("max_waiting", &self.max_waiting)
            .field("body_budget", &self.body_budget)
            .finish_non_exhaustive()
    }
}
