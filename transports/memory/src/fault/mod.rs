//! Fault injection: lost, duplicated, delayed and damaged packets.

mod active;
mod faults;
mod plan;
mod transit;

use self::transit::Transit;
pub use self::{
    active::FaultCounts,
    faults::{Delay, Faults},
    plan::FaultPlan,
};
pub(crate) use self::{
    active::{Active, Fate},
    transit::Held,
};
