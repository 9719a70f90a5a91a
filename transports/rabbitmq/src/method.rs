//! Methods of AMQP 0-9-1, as far as they are sent here, as frames.

use crate::frame::Method;

/// The first bytes of a connection.
pub(crate) const HELLO: &[u8] = b"AMQP\x00\x00\x09\x01";

pub(crate) const HEARTBEAT: &[u8] = b"\x08\x00\x00\x00\x00\x00\x00\xce";

/// What a queue, a consumer or a connection has besides, as a table of the protocol.
#[derive(Default)]
pub(crate) struct Table(Vec<u8>);

impl Table {
    pub(crate) fn text(mut self, key: &str, value: &str) -> Self {
        self.key(key, b'S');
        long(&mut self.0, value.as_bytes());
        self
    }

    pub(crate) fn number(mut self, key: &str, value: u32) -> Self {
        self.key(key, b'l');
        self.0.extend_from_slice(&i64::from(value).to_be_bytes());
        self
    }

    pub(crate) fn yes(mut self, key: &str) -> Self {
        self.key(key, b't');
        self.0.push(1);
        self
    }

    pub(crate) fn table(mut self, key: &str, value: &Self) -> Self {
        self.key(key, b'F');
        long(&mut self.0, &value.0);
        self
    }

    fn key(&mut self, key: &str, kind: u8) {
        short(&mut self.0, key);
        self.0.push(kind);
    }
}

/// Writes a method of a class to a channel.
fn write(
    out: &mut Vec<u8>,
    channel: u16,
    (class, method): (u16, u16),
    arguments: impl FnOnce(&mut Vec<u8>),
) {
    framed(out, 1, channel, |out| {
        out.extend_from_slice(&class.to_be_bytes());
        out.extend_from_slice(&method.to_be_bytes());
        arguments(out);
    });
}

fn framed(out: &mut Vec<u8>, kind: u8, channel: u16, payload: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind);
    out.extend_from_slice(&channel.to_be_bytes());
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    payload(out);
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    out.push(0xce);
}

/// A text of at most 255 bytes. All names here are shorter; what a user gives is cut.
fn short(out: &mut Vec<u8>, text: &str) {
    let text = &text.as_bytes()[..text.len().min(255)];
    out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(text);
}

fn long(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

pub(crate) fn start_ok(out: &mut Vec<u8>, about: &Table, mechanism: &str, response: &[u8]) {
    write(out, 0, (10, 11), |out| {
        long(out, &about.0);
        short(out, mechanism);
        long(out, response);
        short(out, "en_US");
    });
}

pub(crate) fn tune_ok(out: &mut Vec<u8>, channels: u16, frame: u32, heartbeat: u16) {
    write(out, 0, (10, 31), |out| {
        out.extend_from_slice(&channels.to_be_bytes());
        out.extend_from_slice(&frame.to_be_bytes());
        out.extend_from_slice(&heartbeat.to_be_bytes());
    });
}

pub(crate) fn open(out: &mut Vec<u8>, vhost: &str) {
    write(out, 0, (10, 40), |out| {
        short(out, vhost);
        out.extend_from_slice(&[0, 0]);
    });
}

/// Closes a channel, or the connection.
pub(crate) fn fault(out: &mut Vec<u8>, channel: u16, method: (u16, u16), code: u16, text: &str) {
    write(out, channel, method, |out| {
        out.extend_from_slice(&code.to_be_bytes());
        short(out, text);
        out.extend_from_slice(&[0; 4]);
    });
}

pub(crate) fn close_connection(out: &mut Vec<u8>) {
    fault(out, 0, (10, 50), 200, "closed");
}

pub(crate) fn close_channel(out: &mut Vec<u8>, channel: u16) {
    fault(out, channel, (20, 40), 200, "");
}

pub(crate) fn open_channel(out: &mut Vec<u8>, channel: u16) {
    write(out, channel, (20, 10), |out| out.push(0));
}

/// Answers what a server wants to be answered at once, if it does.
pub(crate) fn answer(out: &mut Vec<u8>, channel: u16, said: &Method) {
    match said {
        Method::ChannelClose(_) => write(out, channel, (20, 41), |_| {}),
        Method::ConnectionClose(_) => write(out, channel, (10, 51), |_| {}),
        Method::Flow(active) => write(out, channel, (20, 21), |out| out.push((*active).into())),
        _ => {}
    }
}

pub(crate) fn declare_exchange(out: &mut Vec<u8>, channel: u16, name: &str, passive: bool) {
    write(out, channel, (40, 10), |out| {
        out.extend_from_slice(&[0, 0]);
        short(out, name);
        short(out, "topic");
        out.push(if passive { 1 } else { 2 });
        long(out, &[]);
    });
}

/// What kind of queue is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It is only looked for.
    Passive = 1,
    /// It outlives restarts, and goes with its last consumer.
    Durable = 2 | 8,
    /// It is this connection's own, and goes with its consumer.
    Exclusive = 4 | 8,
}

pub(crate) fn declare_queue(
    out: &mut Vec<u8>,
    channel: u16,
    name: &str,
    durability: Durability,
    arguments: &Table,
) {
    write(out, channel, (50, 10), |out| {
        out.extend_from_slice(&[0, 0]);
        short(out, name);
        out.push(durability as u8);
        long(out, &arguments.0);
    });
}

/// A binding of a queue to a key of an exchange.
pub(crate) struct Bound<'a> {
    pub(crate) queue: &'a str,
    pub(crate) exchange: &'a str,
    pub(crate) key: &'a str,
}

pub(crate) fn bind(out: &mut Vec<u8>, channel: u16, bound: &Bound<'_>) {
    write(out, channel, (50, 20), |out| {
        bound.write(out);
        out.push(0);
        long(out, &[]);
    });
}

pub(crate) fn unbind(out: &mut Vec<u8>, channel: u16, bound: &Bound<'_>) {
    write(out, channel, (50, 50), |out| {
        bound.write(out);
        long(out, &[]);
    });
}

impl Bound<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[0, 0]);
        for text in [self.queue, self.exchange, self.key] {
            short(out, text);
        }
    }
}

/// Sets how many packets may wait for an acknowledgement of a consumer that comes after it.
pub(crate) fn prefetch(out: &mut Vec<u8>, channel: u16, count: u16) {
    write(out, channel, (60, 10), |out| {
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&count.to_be_bytes());
        out.push(0);
    });
}

const CONSUMER: &str = "c";

pub(crate) fn consume(out: &mut Vec<u8>, channel: u16, queue: &str, acknowledges: bool) {
    write(out, channel, (60, 20), |out| {
        out.extend_from_slice(&[0, 0]);
        short(out, queue);
        short(out, CONSUMER);
        out.push(if acknowledges { 0 } else { 2 });
        long(out, &[]);
    });
}

pub(crate) fn cancel(out: &mut Vec<u8>, channel: u16) {
    write(out, channel, (60, 30), |out| {
        short(out, CONSUMER);
        out.push(0);
    });
}

/// Acknowledges a delivery, or with `multiple` all up to it.
pub(crate) fn acknowledge(out: &mut Vec<u8>, channel: u16, tag: u64, multiple: bool) {
    write(out, channel, (60, 80), |out| {
        out.extend_from_slice(&tag.to_be_bytes());
        out.push(multiple.into());
    });
}

pub(crate) fn confirm_select(out: &mut Vec<u8>, channel: u16) {
    write(out, channel, (85, 10), |out| out.push(0));
}

/// The method with which packets are published to a key, to be sent before each of them.
pub(crate) fn publish(channel: u16, exchange: &str, key: &str, mandatory: bool) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, channel, (60, 40), |out| {
        out.extend_from_slice(&[0, 0]);
        short(out, exchange);
        short(out, key);
        out.push(mandatory.into());
    });
    out
}

/// A packet that is published.
pub(crate) struct Content<'a> {
    pub(crate) channel: u16,
    pub(crate) packet: &'a [u8],
    pub(crate) correlation: Option<u64>,
}

impl Content<'_> {
    /// Writes a header, and frames of so many bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>, most: usize) {
        framed(out, 2, self.channel, |out| {
            out.extend_from_slice(&[0, 60, 0, 0]);
            out.extend_from_slice(&(self.packet.len() as u64).to_be_bytes());
            match self.correlation {
                None => out.extend_from_slice(&[0, 0]),
                Some(number) => {
                    out.extend_from_slice(&[0x04, 0]);
                    short(out, &number.to_string());
                }
            }
        });
        for piece in self.packet.chunks(most.max(1)) {
            framed(out, 3, self.channel, |out| out.extend_from_slice(piece));
        }
    }
}
