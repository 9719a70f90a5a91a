//! The health of a conduit, as orchestrators and people ask for it.

use std::{
    fmt::{Debug, Display},
    io,
    net::SocketAddr,
    time::Duration,
};

use axum::{Router, http::StatusCode, routing::get};
use conduit::{Conduit, ConduitState, ConnectionChanges};
use conduit_json::Json;
use futures_lite::StreamExt;
use tokio::net::TcpListener;

/// Answers `/live`, `/ready` and `/stats`, and returns the address.
pub(crate) async fn serve(address: &str, conduit: &Conduit<Json>) -> io::Result<SocketAddr> {
    let [live, ready, stats] = [(); 3].map(|()| conduit.clone());
    let router = Router::new()
        // Not to be killed while it drains.
        .route(
            "/live",
            get(async move || {
                said(live.state() != ConduitState::Closed, format!("{:?}", live.state()))
            }),
        )
        // Gets no more work from an orchestrator while it drains, or has no connection.
        .route(
            "/ready",
            get(async move || match ready.ready(Duration::from_secs(1)).await {
                Ok(()) => said(true, "ready"),
                Err(error) => said(false, format!("{error:#}")),
            }),
        )
        .route(
            "/stats",
            get(async move || shown(&(stats.connection(), stats.stats(), stats.traffic()))),
        );
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

fn said(is_well: bool, text: impl Display) -> (StatusCode, String) {
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, format!("{text}\n"))
}

fn shown(value: &impl Debug) -> String {
    format!("{value:#?}\n")
}

/// Logs the connection and each of its changes, until the conduit is closed.
pub(crate) async fn log_connection(mut changes: ConnectionChanges) {
    while let Some(status) = changes.next().await {
        println!("connection: {:?}", status.state);
    }
}
