//! The async face: what its users see, on a virtual clock.

#[path = "../support/mod.rs"]
mod support;

mod absence;
mod batches;
mod bodies;
mod cancelling;
mod closing;
mod contracts;
mod describing;
mod dying;
mod encoding;
mod errors;
mod failures;
mod handlers;
mod handles;
mod headers;
mod health;
mod ids;
mod layers;
mod limits;
mod logs;
mod mapped;
mod names;
mod narrow;
mod notices;
mod odd;
mod order;
mod peers;
mod replies;
mod send_buffer;
mod sharing;
mod shutdown;
mod slow_readers;
mod spans;
mod state;
mod timing;
mod traffic;
mod waiting;
mod wrapped;
mod writing;
