//! Lightweight, transport-agnostic messaging between services, under any async runtime.

mod encoder;
mod id;
mod name;
pub mod proto;
mod runtime;
pub mod transport;

pub use self::{
    encoder::{CodecError, Decode, Encode, Encoder},
    id::{IdSource, InstanceId, InvalidId, MessageId},
    name::{MAX_SERVICE_NAME, MAX_SUBJECT, NameError, NameRule, ServiceName, Subject},
    runtime::{Runtime, Task},
};
