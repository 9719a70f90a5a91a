//! Connects to a broker by its URL.

mod nats;
mod rabbitmq;
mod redis;

use std::{fmt::Display, fs, path::Path, time::Duration};

use conduit::{
    Builder, CodecError, Conduit, Encode, Encoder, Missing, NameError,
    transport::{Namespace, Transport},
};
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

/// A conduit whose limits are still to be set, and that is not connected.
pub(crate) type Half = Builder<Tokio, Missing, Raw>;

/// The kinds of brokers there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nats,
    Redis,
    RabbitMq,
}

/// Begins an instance of a service.
pub(crate) fn instance(service: &str, content_type: Option<String>) -> Half {
    let content_type = content_type.map_or("application/octet-stream", |text| text.leak());
    let builder = Conduit::builder(service).runtime(Tokio).encoder(Raw(content_type));
    builder.no_max_decode_size()
}

impl Broker {
    /// Connects an instance.
    pub(crate) async fn connect(&self, instance: Half) -> Result<Conduit<Raw>, Exit> {
        let namespace = self.namespace.as_ref().map(|name| name.parse::<Namespace>()).transpose();
        let namespace = namespace.map_err(|error: NameError| Exit::usage(error.to_string()))?;
        match self.kind()? {
            Kind::Nats => connected(instance, self.nats().await?, namespace, |nats, namespace| {
                nats.in_namespace(namespace)
            }),
            Kind::Redis => {
                connected(instance, self.redis().await?, namespace, |redis, namespace| {
                    redis.in_namespace(namespace)
                })
            }
            Kind::RabbitMq => {
                connected(instance, self.rabbitmq().await?, namespace, |rabbitmq, namespace| {
                    rabbitmq.in_namespace(namespace)
                })
            }
        }
    }

    /// Connects as who asks others.
    pub(crate) async fn asker(&self, content_type: Option<String>) -> Result<Conduit<Raw>, Exit> {
        self.connect(instance(&self.acts_as, content_type).describes(false)).await
    }

    pub(crate) fn kind(&self) -> Result<Kind, Exit> {
        match self.url.split_once("://") {
            // Without a scheme it is NATS, as everywhere at NATS.
            None | Some(("nats" | "tls", _)) => Ok(Kind::Nats),
            Some(("redis" | "rediss", _)) => Ok(Kind::Redis),
            Some(("amqp" | "amqps", _)) => Ok(Kind::RabbitMq),
            Some((scheme, _)) => Err(Exit::usage(format!(
                "there is no transport for {scheme}://; this program has nats://, tls://, redis://, \
                 rediss://, amqp:// and amqps://"
            ))),
        }
    }

    /// Fails where there are secrets that another broker does not know.
    fn has_no_secrets_of_nats(&self, name: &str) -> Result<(), Exit> {
        if self.creds.is_some() || self.nkey.is_some() || self.token.is_some() {
            return Err(Exit::usage(format!(
                "{name} knows users and passwords; --creds, --nkey and --token are for NATS"
            )));
        }
        Ok(())
    }

    fn not_connected(&self, error: &dyn Display) -> Exit {
        // The URL may have a password in it.
        let server = self.url.rsplit_once('@').map_or(&*self.url, |(_, server)| server);
        let text = format!("there is no connection to {server}: {error}");
        Exit::nobody(text, "Is --url right, and the broker up? Does it want credentials or TLS?")
    }
}

fn connected<T: Transport>(
    instance: Half,
    transport: T,
    namespace: Option<Namespace>,
    in_namespace: impl FnOnce(&T, Namespace) -> T,
) -> Result<Conduit<Raw>, Exit> {
    let transport = match namespace {
        None => transport,
        Some(namespace) => in_namespace(&transport, namespace),
    };
    Ok(instance.transport(transport).build()?)
}

fn read(file: &Path) -> Result<String, Exit> {
    fs::read_to_string(file).map_err(|error| Exit::usage(format!("{}: {error}", file.display())))
}
