use conduit_socket::{Connector, Host};
use percent_encoding::percent_decode_str;
use url::{Host as UrlHost, Url};

use crate::{ConnectError, ConnectErrorKind, Options};

/// Where to connect, and how.
pub(crate) struct Servers {
    pub(crate) hosts: Vec<Host>,
    pub(crate) options: Options,
    pub(crate) tls: Option<Connector>,
}

impl Servers {
    /// Takes URLs apart. Of several the first that has credentials or a virtual host counts, for all.
    pub(crate) fn parse(urls: &[&str], mut options: Options) -> Result<Self, ConnectError> {
        let (mut hosts, mut login, mut virtual_host) = (Vec::new(), None, None);
        for text in urls {
            let url = Url::parse(text).map_err(invalid)?;
            hosts.push(host(&url)?);
            login = login.or_else(|| {
                let password = decode(url.password()?);
                Some((decode(url.username()), password))
            });
            virtual_host = virtual_host.or_else(|| {
                let path = url.path().strip_prefix('/')?;
                (!path.is_empty()).then(|| decode(path))
            });
        }
        if hosts.is_empty() {
            return Err(invalid("there is no URL"));
        }
        if let Some((user, password)) = login {
            (options.user, options.password) = (user, password);
        }
        if let Some(virtual_host) = virtual_host {
            options.virtual_host = virtual_host;
        }
        if options.virtual_host.len() > 255 {
            return Err(invalid("the name of the virtual host is too long"));
        }
        let tls = hosts.iter().any(|host| host.tls).then(|| options.tls.connector()).transpose();
        let tls = tls.map_err(|error| ConnectError::new(ConnectErrorKind::Tls, error))?;
        Ok(Self { hosts, options, tls })
    }
}

fn host(url: &Url) -> Result<Host, ConnectError> {
    let (tls, port) = match url.scheme() {
        "amqp" => (false, 5672),
        "amqps" => (true, 5671),
        _ => return Err(invalid("it begins with amqp:// or amqps://")),
    };
    let name = match url.host() {
        Some(UrlHost::Ipv6(address)) => address.to_string(),
        Some(host) if !host.to_string().is_empty() => host.to_string(),
        _ => return Err(invalid("there is no host in the URL")),
    };
    if url.path().strip_prefix('/').is_some_and(|path| path.contains('/')) {
        return Err(invalid("a slash in the name of a virtual host is written as %2f"));
    }
    Ok(Host { name, port: url.port().unwrap_or(port), tls })
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn invalid(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ConnectError {
    ConnectError::new(ConnectErrorKind::InvalidUrl, cause)
}

#[cfg(test)]
mod tests {
    use conduit_socket::Host;

    use super::Servers;
    use crate::{ConnectErrorKind, RabbitMq};

    fn parse(urls: &[&str]) -> Result<Servers, ConnectErrorKind> {
        Servers::parse(urls, RabbitMq::options()).map_err(|error| error.kind())
    }

    #[test]
    fn urls_are_taken_apart() {
        let host = |name: &str, port, tls| Host { name: name.into(), port, tls };
        let servers = parse(&["amqp://localhost", "amqp://[::1]:7000/"]).expect("valid URLs");
        assert_eq!(servers.hosts, [host("localhost", 5672, false), host("::1", 7000, false)]);
        assert_eq!((&*servers.options.user, &*servers.options.virtual_host), ("guest", "/"));
        let servers = parse(&["amqp://u%40:p%3A@h/%2fa", "amqp://v:q@h/b"]).expect("valid URLs");
        let options = &servers.options;
        assert_eq!((&*options.user, &*options.password), ("u@", "p:"));
        assert_eq!(options.virtual_host, "/a");
    }

    #[test]
    fn what_is_no_url_of_rabbitmq_is_refused() {
        for url in ["", "localhost", "http://localhost", "amqp://", "amqp://h/a/b", "amqp://h:x"] {
            assert_eq!(parse(&[url]).err(), Some(ConnectErrorKind::InvalidUrl), "{url}");
        }
        assert_eq!(parse(&[]).err(), Some(ConnectErrorKind::InvalidUrl));
    }
}
