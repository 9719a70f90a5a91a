//! `cargo run --example nats -- --url nats://localhost:4222`
//!
//! What `hello` shows, over a NATS server: only the runtime and the transport differ.

use std::{error::Error, process};

use clap::Parser;
use conduit::Conduit;
use conduit_examples::tour::tour;
use conduit_json::Json;
use conduit_nats::{ConnectErrorKind, Nats};
use conduit_tokio::Tokio;

/// Two services talk over a NATS server.
#[derive(Parser)]
struct Options {
    /// Where the server listens; a user and a password can be in it.
    #[arg(long, default_value = "nats://localhost:4222")]
    url: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Options { url } = Options::parse();
    let nats = match Nats::connect(&url).await {
        Ok(nats) => nats,
        Err(error) => {
            eprintln!("{url}: {error}");
            if let Some(hint) = hint(error.kind()) {
                eprintln!("{hint}");
            }
            process::exit(1);
        }
    };

    // Others may use this server for the same: names of its own keep this run apart.
    let run = process::id();
    let connect = |service| Conduit::new(format!("{service}-{run}"), Tokio, nats.clone(), Json);
    tour(connect("shop")?, [connect("warehouse")?, connect("warehouse")?]).await
}

fn hint(kind: ConnectErrorKind) -> Option<&'static str> {
    match kind {
        ConnectErrorKind::Unreachable | ConnectErrorKind::TimedOut => Some(
            "Is a server running? Any of these starts one on port 4222:\n  \
             nats-server\n  \
             docker run --rm -p 4222:4222 nats",
        ),
        ConnectErrorKind::InvalidUrl => Some("It looks like nats://localhost:4222."),
        ConnectErrorKind::Unauthorized => {
            Some("Give them in the URL: nats://user:password@localhost:4222.")
        }
        _ => None,
    }
}
