use std::fmt::Display;

use async_nats::{Client, ConnectOptions};
use conduit_nats::Nats;

use super::{Kind, LIMIT, read};
use crate::{args::Broker, exit::Exit};

impl Broker {
    pub(super) async fn nats(&self) -> Result<Nats, Exit> {
        self.in_time(Nats::connect_with(self.nats_options()?, &*self.url)).await
    }

    /// Connects without a conduit, for what NATS alone has.
    pub(crate) async fn nats_client(&self, command: &str) -> Result<Client, Exit> {
        if self.kind()? != Kind::Nats {
            return Err(Exit::usage(format!("`{command}` is for NATS alone")));
        }
        self.in_time(Box::pin(self.nats_options()?.connect(&*self.url))).await
    }

    /// Waits for a connection as long as it may take.
    async fn in_time<T, E: Display>(
        &self,
        connecting: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Exit> {
        match tokio::time::timeout(LIMIT, connecting).await {
            Ok(connected) => connected.map_err(|error| self.not_connected(&error)),
            Err(_) => Err(self.not_connected(&"the server does not answer")),
        }
    }

    /// The first token of all subjects of NATS.
    pub(crate) fn nats_root(&self) -> String {
        self.namespace
            .as_ref()
            .map_or_else(|| "conduit".to_owned(), |namespace| format!("conduit-{namespace}"))
    }

    fn nats_options(&self) -> Result<ConnectOptions, Exit> {
        let mut options = Nats::options().name("conduit command line").connection_timeout(LIMIT);
        if let Some(file) = &self.creds {
            let credentials = read(file)?;
            options = options
                .credentials(&credentials)
                .map_err(|error| Exit::usage(format!("{}: {error}", file.display())))?;
        }
        if let Some(file) = &self.nkey {
            options = options.nkey(read(file)?.trim().to_owned());
        }
        if let (Some(user), Some(password)) = (&self.user, &self.password) {
            options = options.user_and_password(user.clone(), password.clone());
        }
        if let Some(token) = &self.token {
            options = options.token(token.clone());
        }
        if let Some(file) = &self.tls_ca {
            options = options.add_root_certificates(file.clone()).require_tls(true);
        }
        if let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        Ok(options)
    }
}
