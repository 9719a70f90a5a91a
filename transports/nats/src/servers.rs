use async_nats::{Client, ConnectOptions, ServerAddr, ToServerAddrs};
use percent_encoding::percent_decode_str;

use crate::ConnectError;

/// Where to connect, and as whom if the URLs say so.
pub(crate) struct Servers {
    addresses: Vec<ServerAddr>,
    login: Option<Login>,
}

enum Login {
    User { name: String, password: String },
    Token(String),
}

impl Servers {
    /// Takes the URLs apart: async-nats ignores credentials in them, and would log them.
    pub(crate) fn parse(urls: &impl ToServerAddrs) -> Result<Self, ConnectError> {
        let (mut addresses, mut login) = (Vec::new(), None);
        for address in urls.to_server_addrs().map_err(ConnectError::invalid_url)? {
            if address.host().is_empty() {
                return Err(ConnectError::invalid_url("there is no host in the URL"));
            }
            login = login.or_else(|| Login::of(&address));
            addresses.push(without_login(address)?);
        }
        Ok(Self { addresses, login })
    }

    pub(crate) async fn connect(
        self,
        options: ConnectOptions,
    ) -> Result<Client, async_nats::ConnectError> {
        let options = match self.login {
            Some(Login::User { name, password }) => options.user_and_password(name, password),
            Some(Login::Token(token)) => options.token(token),
            None => options,
        };
        options.connect(self.addresses).await
    }
}

impl Login {
    /// A user without a password is a token, as everywhere in NATS.
    fn of(address: &ServerAddr) -> Option<Self> {
        let name = decode(address.username()?);
        Some(match address.password() {
            Some(password) => Self::User { name, password: decode(password) },
            None => Self::Token(name),
        })
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn without_login(address: ServerAddr) -> Result<ServerAddr, ConnectError> {
    let mut url = address.into_inner();
    // These refuse URLs without a host only, and this one has one.
    let _ = (url.set_username(""), url.set_password(None));
    ServerAddr::from_url(url).map_err(ConnectError::invalid_url)
}
