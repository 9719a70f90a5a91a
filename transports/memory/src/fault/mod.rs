//! Faults on purpose: packets that are lost, repeated or late, and connections that break.

mod active;
mod broker;
mod faults;
mod link;
mod plan;
mod transit;

use self::transit::Transit;
pub use self::{
    active::FaultCounts,
    faults::{Delay, Faults},
    link::Link,
    plan::FaultPlan,
};
pub(crate) use self::{
    active::{Active, Fate},
    link::Way,
    transit::Held,
};
