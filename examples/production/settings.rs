//! The settings of the service, from the environment.

use std::{env, error::Error, time::Duration};

use conduit::{Limits, transport::Namespace};

pub(crate) struct Settings {
    /// `NATS_URL`: the server. Without it there is none.
    pub(crate) nats_url: Option<String>,
    /// `NAMESPACE`: `staging` and `production` may share a server.
    pub(crate) namespace: Option<Namespace>,
    /// `HEALTH_ADDRESS`: where an orchestrator asks for the health, as `127.0.0.1:8080`.
    pub(crate) health_address: Option<String>,
    /// `DRAIN_SECONDS`: less than what the orchestrator waits before it kills.
    pub(crate) drain_limit: Duration,
    /// `LIMITS`: those of the conduit, as JSON.
    pub(crate) limits: Limits,
}

impl Settings {
    pub(crate) fn from_env() -> Result<Self, Box<dyn Error>> {
        let limits: Limits =
            parsed("LIMITS", |text| serde_json::from_str(text))?.unwrap_or_default();
        limits.check()?;
        let drain_seconds = parsed("DRAIN_SECONDS", str::parse)?.unwrap_or(20);
        Ok(Self {
            nats_url: env::var("NATS_URL").ok(),
            namespace: parsed("NAMESPACE", str::parse)?,
            health_address: env::var("HEALTH_ADDRESS").ok(),
            drain_limit: Duration::from_secs(drain_seconds),
            limits,
        })
    }
}

/// Returns what a variable says, if it is set. An error names the variable.
fn parsed<T, E: Error>(
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, String> {
    let parsed = env::var(name).ok().map(|text| parse(&text)).transpose();
    parsed.map_err(|error| format!("{name}: {error}"))
}
