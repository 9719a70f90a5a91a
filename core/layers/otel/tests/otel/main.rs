//! The layer, under virtual time.

mod ended;
mod joined;
mod named;
mod passed_on;
mod spans;
mod support;

use std::error::Error;

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;
