use conduit::{
    InstanceId, MessageId,
    transport::{Address, Targets, Token},
};

/// Returns the address of a subject of the service `users`.
///
/// # Panics
/// Where the name is not valid.
#[must_use]
pub fn subject(subject: &str, targets: Targets) -> Address {
    Address::Subject {
        service: "users".parse().expect("a service name"),
        subject: subject.parse().expect("a subject"),
        targets,
    }
}

/// Returns the address of its plain bindings.
///
/// # Panics
/// Where the name is not valid.
#[must_use]
pub fn plain(name: &str) -> Address {
    subject(name, Targets::Plain)
}

/// Returns the address of its group.
///
/// # Panics
/// Where the name is not valid.
#[must_use]
pub fn group(name: &str) -> Address {
    subject(name, Targets::Group)
}

/// Returns the address of an inbox of the service `users`.
#[must_use]
pub fn inbox(instance: u8) -> Address {
    Address::Inbox {
        service: "users".parse().expect("a service name"),
        instance: InstanceId::from_bytes([instance; InstanceId::LEN]),
    }
}

/// Returns the control address of the service `users`.
#[must_use]
pub fn control() -> Address {
    Address::Control { service: "users".parse().expect("a service name") }
}

/// Returns a token of a message.
#[must_use]
pub fn token(message: u8, targets: Targets) -> Token {
    Token { message: MessageId::from_bytes([message; MessageId::LEN]), targets, tag: 7 }
}
