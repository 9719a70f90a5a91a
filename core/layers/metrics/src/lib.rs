//! Metrics of a [`Conduit`](conduit::Conduit) on the [`metrics`] facade: see [`conduit::layer`].
//!
//! [`Metrics`] is the layer, which measures calls and handlers. [`StatsReport`] reports what a conduit holds
//! and has lost, which no layer sees. The program chooses the recorder, and without one they cost
//! little.

mod describe;

mod in_flight;
mod labels;
mod layer;
mod report;

pub use conduit_layers::Names;

pub use self::{layer::Metrics, report::StatsReport};
