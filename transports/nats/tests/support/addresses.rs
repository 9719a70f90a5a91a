use conduit::{
    InstanceId, MessageId,
    transport::{Address, Targets, Token},
};

pub fn subject(subject: &str, targets: Targets) -> Address {
    Address::Subject {
        service: "users".parse().expect("a service name"),
        subject: subject.parse().expect("a subject"),
        targets,
    }
}

pub fn plain(name: &str) -> Address {
    subject(name, Targets::Plain)
}

pub fn group(name: &str) -> Address {
    subject(name, Targets::Group)
}

pub fn inbox(instance: u8) -> Address {
    Address::Inbox {
        service: "users".parse().expect("a service name"),
        instance: InstanceId::from_bytes([instance; InstanceId::LEN]),
    }
}

pub fn control() -> Address {
    Address::Control { service: "users".parse().expect("a service name") }
}

pub fn token(message: u8, targets: Targets) -> Token {
    Token { message: MessageId::from_bytes([message; MessageId::LEN]), targets, tag: 7 }
}
