use std::path::PathBuf;

use clap::Args;

/// How to reach the broker.
#[derive(Args, Clone)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Broker {
    /// The broker: nats://, tls://, redis://, rediss://, amqp:// or amqps://, with a user and a
    /// password if it wants
    #[arg(long, global = true, env = "CONDUIT_URL", default_value = "nats://localhost:4222")]
    pub(crate) url: String,
    /// The namespace of the services
    #[arg(long, global = true, env = "CONDUIT_NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// The service that this program acts as when it asks others
    #[arg(long = "as", global = true, env = "CONDUIT_AS", default_value = "conduit-cli")]
    pub(crate) acts_as: String,
    /// A file with credentials (JWT); for NATS
    #[arg(long, global = true, env = "CONDUIT_CREDS", value_name = "FILE")]
    pub(crate) creds: Option<PathBuf>,
    /// A file with the seed of an nkey; for NATS
    #[arg(long, global = true, env = "CONDUIT_NKEY", value_name = "FILE")]
    pub(crate) nkey: Option<PathBuf>,
    /// The user
    #[arg(long, global = true, env = "CONDUIT_USER", requires = "password")]
    pub(crate) user: Option<String>,
    /// The password; better in the environment, where other users of this machine do not see it
    #[arg(long, global = true, env = "CONDUIT_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<String>,
    /// A token; for NATS
    #[arg(long, global = true, env = "CONDUIT_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// A file with the certificates of the authority that the server's is checked against
    #[arg(long, global = true, env = "CONDUIT_TLS_CA", value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// A file with a certificate of this client
    #[arg(
        long,
        global = true,
        env = "CONDUIT_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    pub(crate) tls_cert: Option<PathBuf>,
    /// A file with its key
    #[arg(long, global = true, env = "CONDUIT_TLS_KEY", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
}

/// How results are shown.
#[derive(Args, Clone)]
pub(crate) struct Show {
    /// Prints JSON, a line for each result
    #[arg(long, global = true)]
    pub(crate) json: bool,
}
