//! Connects to a broker by its URL.

use std::{fs, path::Path, time::Duration};

use async_nats::ConnectOptions;
use conduit::{Builder, CodecError, Conduit, Encode, Encoder};
use conduit_nats::Nats;
use conduit_tokio::Tokio;

use crate::{args::Broker, exit::Exit};

/// How long a connection may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Sends bytes as the user gave them, under the content type that the user says.
#[derive(Clone, Copy)]
pub(crate) struct Raw(pub(crate) &'static str);

impl Encoder for Raw {
    fn content_type(&self) -> &'static str {
        self.0
    }
}

impl Encode<[u8]> for Raw {
    fn encode(&self, value: &[u8], into: &mut Vec<u8>) -> Result<(), CodecError> {
        into.extend_from_slice(value);
        Ok(())
    }
}

pub(crate) type Half = Builder<Tokio, Nats, Raw>;

impl Broker {
    /// Connects as an instance of a service, whose limits are still to be set.
    pub(crate) async fn builder(
        &self,
        service: &str,
        content_type: Option<String>,
    ) -> Result<Half, Exit> {
        let content_type = content_type.map_or("application/octet-stream", |text| text.leak());
        let nats = self.nats().await?;
        let builder = Conduit::builder(service).runtime(Tokio).transport(nats);
        Ok(builder.encoder(Raw(content_type)).no_max_decode_size())
    }

    /// Connects as who asks others.
    pub(crate) async fn asker(&self) -> Result<Conduit<Raw>, Exit> {
        Ok(self.builder(&self.acts_as, None).await?.describes(false).build()?)
    }

    async fn nats(&self) -> Result<Nats, Exit> {
        self.check_scheme()?;
        let nats = Nats::connect_with(self.options()?, &*self.url);
        let nats = match tokio::time::timeout(LIMIT, nats).await {
            Ok(connected) => connected.map_err(|error| self.not_connected(&error))?,
            Err(_) => return Err(self.not_connected(&"the server does not answer")),
        };
        match &self.namespace {
            None => Ok(nats),
            Some(namespace) => {
                let namespace = namespace.parse();
                let namespace = namespace
                    .map_err(|error: conduit::NameError| Exit::usage(error.to_string()))?;
                Ok(nats.in_namespace(namespace))
            }
        }
    }

    /// Connects without a conduit.
    pub(crate) async fn client(&self) -> Result<async_nats::Client, Exit> {
        self.check_scheme()?;
        let connecting = self.options()?.connect(&*self.url);
        match tokio::time::timeout(LIMIT, connecting).await {
            Ok(connected) => connected.map_err(|error| self.not_connected(&error)),
            Err(_) => Err(self.not_connected(&"the server does not answer")),
        }
    }

    /// The first token of all subjects of NATS.
    pub(crate) fn root(&self) -> String {
        self.namespace
            .as_ref()
            .map_or_else(|| "conduit".to_owned(), |namespace| format!("conduit-{namespace}"))
    }

    fn check_scheme(&self) -> Result<(), Exit> {
        // Without one it is NATS, as everywhere at NATS.
        match self.url.split_once("://") {
            None | Some(("nats" | "tls", _)) => Ok(()),
            Some((scheme, _)) => Err(Exit::usage(format!(
                "there is no transport for {scheme}://; this program has nats:// and tls://"
            ))),
        }
    }

    fn options(&self) -> Result<ConnectOptions, Exit> {
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

    fn not_connected(&self, error: &dyn std::fmt::Display) -> Exit {
        // The URL may have a password in it.
        let server = self.url.rsplit_once('@').map_or(&*self.url, |(_, server)| server);
        let text = format!("there is no connection to {server}: {error}");
        Exit::nobody(text, "Is --url right, and the broker up? Does it want credentials or TLS?")
    }
}

fn read(file: &Path) -> Result<String, Exit> {
    fs::read_to_string(file).map_err(|error| Exit::usage(format!("{}: {error}", file.display())))
}
