use conduit_socket::{Connector, Host as Server};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::{ConnectError, ConnectErrorKind, Options, command};

/// Where to connect, and how.
pub(crate) struct Servers {
    pub(crate) addresses: Vec<Server>,
    pub(crate) options: Options,
    pub(crate) tls: Option<Connector>,
}

impl Servers {
    /// Takes URLs apart. Of several the first that has credentials counts, for all.
    pub(crate) fn parse(urls: &[&str], mut options: Options) -> Result<Self, ConnectError> {
        let (mut addresses, mut login) = (Vec::new(), None);
        for text in urls {
            let url = Url::parse(text).map_err(invalid)?;
            addresses.push(server(&url)?);
            login = login.or_else(|| {
                let password = decode(url.password()?);
                Some((decode(url.username()), password))
            });
        }
        if addresses.is_empty() {
            return Err(invalid("there is no URL"));
        }
        if let Some((user, password)) = login {
            options.user = (!user.is_empty()).then_some(user);
            options.password = Some(password);
        }
        let tls =
            addresses.iter().any(|server| server.tls).then(|| options.tls.connector()).transpose();
        let tls = tls.map_err(|error| ConnectError::new(ConnectErrorKind::Tls, error))?;
        Ok(Self { addresses, options, tls })
    }

    /// Asks for RESP3, and says who this is.
    pub(crate) fn hello(&self) -> Vec<u8> {
        let Options { user, password, name, .. } = &self.options;
        let mut hello: Vec<&[u8]> = vec![b"HELLO", b"3"];
        if let Some(password) = password {
            let user = user.as_deref().unwrap_or("default");
            hello.extend([b"AUTH" as &[u8], user.as_bytes(), password.as_bytes()]);
        }
        if !name.is_empty() {
            hello.extend([b"SETNAME" as &[u8], name.as_bytes()]);
        }
        command::of(&hello)
    }
}

fn server(url: &Url) -> Result<Server, ConnectError> {
    let tls = match url.scheme() {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        _ => return Err(invalid("it begins with redis:// or rediss://")),
    };
    let host = match url.host() {
        Some(Host::Ipv6(address)) => address.to_string(),
        Some(host) => host.to_string(),
        None => return Err(invalid("there is no host in the URL")),
    };
    if !matches!(url.path(), "" | "/" | "/0") {
        return Err(invalid("channels are the same in all databases: leave its number out"));
    }
    Ok(Server { name: host, port: url.port().unwrap_or(6379), tls })
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn invalid(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ConnectError {
    ConnectError::new(ConnectErrorKind::InvalidUrl, cause)
}

#[cfg(test)]
mod tests {
    use conduit_socket::Host as Server;

    use super::Servers;
    use crate::{ConnectErrorKind, Redis};

    fn parse(urls: &[&str]) -> Result<Servers, ConnectErrorKind> {
        let parsed = Servers::parse(urls, Redis::options());
        parsed.map_err(|error| error.kind())
    }

    #[test]
    fn urls_are_taken_apart() {
        let server = |name: &str, port, tls| Server { name: name.into(), port, tls };
        let servers = parse(&["redis://localhost", "redis://[::1]:7000/0"]).expect("valid URLs");
        assert_eq!(
            servers.addresses,
            [server("localhost", 6379, false), server("::1", 7000, false)]
        );
        assert_eq!(
            servers.hello(),
            b"*4\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$7\r\nSETNAME\r\n$7\r\nconduit\r\n"
        );
        let servers = parse(&["redis://u%40:p%3A@h"]).expect("a valid URL");
        let hello = String::from_utf8(servers.hello()).expect("text");
        assert!(hello.contains("AUTH\r\n$2\r\nu@\r\n$2\r\np:\r\n"), "{hello}");
        let servers = parse(&["redis://:secret@h"]).expect("a valid URL");
        let hello = String::from_utf8(servers.hello()).expect("text");
        assert!(hello.contains("AUTH\r\n$7\r\ndefault\r\n$6\r\nsecret\r\n"), "{hello}");
    }

    #[test]
    fn what_is_no_url_of_redis_is_refused() {
        for url in ["", "localhost", "http://localhost", "redis://", "redis://h/3", "redis://h:x"] {
            assert_eq!(parse(&[url]).err(), Some(ConnectErrorKind::InvalidUrl), "{url}");
        }
        assert_eq!(parse(&[]).err(), Some(ConnectErrorKind::InvalidUrl));
    }
}
