use std::{fmt, path::PathBuf, time::Duration};

use conduit_socket::Tls;

/// How a connection is made: credentials, TLS, a name, limits.
///
/// ```
/// use conduit_rabbitmq::RabbitMq;
///
/// let options = RabbitMq::options().name("billing").user_and_password("billing", "secret");
/// assert!(!format!("{options:?}").contains("secret"));
/// ```
#[derive(Clone)]
#[must_use]
pub struct Options {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) virtual_host: String,
    pub(crate) name: String,
    pub(crate) tls: Tls,
    pub(crate) timeout: Duration,
    pub(crate) max_waiting: usize,
}

impl Options {
    pub(crate) fn new() -> Self {
        Self {
            user: "guest".into(),
            password: "guest".into(),
            virtual_host: "/".into(),
            name: "conduit".into(),
            tls: Tls::default(),
            timeout: Duration::from_secs(5),
            max_waiting: 32 << 20,
        }
    }

    /// Sets user and password. Those in a URL are used before these. Default: `guest`, `guest`.
    pub fn user_and_password(
        mut self,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        self.user = user.into();
        self.password = password.into();
        self
    }

    /// Sets the virtual host. One in a URL is used before it. Default: `/`.
    pub fn virtual_host(mut self, name: impl Into<String>) -> Self {
        self.virtual_host = name.into();
        self
    }

    /// Sets the name of the connection in the server's list of connections. Default: `conduit`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds a file of certificates, in PEM, of authorities to trust besides those of the system. For
    /// `amqps://` URLs.
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

    /// Sets how long connecting to one server may take. Default: 5 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many bytes of packets may wait in one subscription; what comes then is dropped, and
    /// is a [`SlowConsumer`](crate::RabbitEvent::SlowConsumer). Default: 32 MiB.
    pub fn max_waiting(mut self, bytes: usize) -> Self {
        self.max_waiting = bytes;
        self
    }
}

/// Without the password.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("name", &self.name)
            .field("user", &self.user)
            .field("virtual_host", &self.virtual_host)
            .field("timeout", &self.timeout)
            .field("max_waiting", &self.max_waiting)
            .finish_non_exhaustive()
    }
}
