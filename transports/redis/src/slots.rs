//! The slots of a cluster: which server has which channels and keys.

use conduit_socket::Host as Server;

use crate::reply::Reply;

/// How many there are.
pub(crate) const SLOTS: u16 = 1 << 14;

/// Slots in a row, and the primary that has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first: u16,
    pub(crate) last: u16,
    pub(crate) primary: Server,
}

/// The slot of a channel or a key: that of what stands in its braces, if it has any.
pub(crate) fn of(name: &str) -> u16 {
    let braces = name.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let tag = braces.map(|(tag, _)| tag).filter(|tag| !tag.is_empty());
    crc16(tag.unwrap_or(name).as_bytes()) % SLOTS
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
        })
    })
}

/// Reads a reply to CLUSTER SLOTS. A server without an address has that of the server asked; without the
/// name by which it should be reached, it has the address beside it, if any.
pub(crate) fn read(reply: &Reply, asked: &Server) -> Option<Vec<Range>> {
    let Reply::List(ranges) = reply else { return None };
    ranges.iter().map(|range| read_range(range, asked)).collect()
}

fn read_range(range: &Reply, asked: &Server) -> Option<Range> {
    let Reply::List(range) = range else { return None };
    let [Reply::Number(first), Reply::Number(last), Reply::List(primary), ..] = &range[..] else {
        return None;
    };
    let [host, Reply::Number(port), ..] = &primary[..] else { return None };
    let host = match host.text() {
        Some(b"?") => primary.get(3).and_then(|other| other.value(b"ip")),
        host => host,
    };
    let name = match host {
        None | Some(b"" | b"?") => asked.name.clone(),
        Some(name) => str::from_utf8(name).ok()?.to_owned(),
    };
    let slot = |number: &i64| u16::try_from(*number).ok().filter(|slot| *slot < SLOTS);
    let primary = Server { name, port: u16::try_from(*port).ok()?, tls: asked.tls };
    Some(Range { first: slot(first)?, last: slot(last)?, primary })
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::{Range, Reply, Server, crc16, of, read};

    #[test]
    fn a_name_has_the_slot_that_the_specification_gives_it() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(of("123456789"), 0x31C3);
        assert_eq!(of("foo"), 12182);
        assert_eq!(of("{foo}.bar"), of("foo"));
        assert_eq!(of("foo{}{bar}"), crc16(b"foo{}{bar}") % super::SLOTS);
        assert_eq!(of("foo{{bar}}zap"), of("{bar"));
    }

    #[test]
    fn all_of_a_service_has_one_slot() {
        let names = ["conduit.{users}.s.p.a.b", "conduit.{users}.t.a", "conduit-test.{users}.c"];
        for name in names {
            assert_eq!(of(name), of("users"));
        }
        assert_ne!(of("conduit.{jobs}.c"), of("users"));
    }

    fn said(text: &str) -> Option<Vec<Range>> {
        let asked = Server { name: "asked".into(), port: 1, tls: true };
        let reply = Reply::take(&mut BytesMut::from(text)).expect("RESP").expect("whole");
        read(&reply, &asked)
    }

    #[test]
    fn a_map_is_read() {
        let map = "*2\r\n\
            *4\r\n:0\r\n:100\r\n*4\r\n$5\r\n::1:2\r\n:7000\r\n$2\r\nid\r\n*0\r\n*3\r\n$1\r\nr\r\n:1\r\n_\r\n\
            *3\r\n:101\r\n:16383\r\n*3\r\n_\r\n:7001\r\n$2\r\nid\r\n";
        let range = |first, last, name: &str, port| Range {
            first,
            last,
            primary: Server { name: name.into(), port, tls: true },
        };
        let wanted = vec![range(0, 100, "::1:2", 7000), range(101, 16383, "asked", 7001)];
        assert_eq!(said(map), Some(wanted));
    }

    #[test]
    fn a_server_without_a_name_has_its_address_or_that_of_the_one_asked() {
        let at = |host: &str, other: &str| {
            let map = format!("*1\r\n*3\r\n:0\r\n:1\r\n*4\r\n{host}:7000\r\n+id\r\n{other}");
            said(&map).expect("a map").remove(0).primary.name
        };
        let (none, ip) = ("*0\r\n", "%1\r\n+ip\r\n+10.0.0.1\r\n");
        assert_eq!(at("+one.example\r\n", ip), "one.example");
        assert_eq!(at("+?\r\n", ip), "10.0.0.1");
        for nameless in ["+?\r\n", "$0\r\n\r\n", "_\r\n"] {
            assert_eq!(at(nameless, none), "asked", "{nameless:?}");
        }
        assert_eq!(at("_\r\n", ip), "asked");
    }

    #[test]
    fn what_is_no_map_is_refused() {
        let server = "*3\r\n$1\r\na\r\n:1\r\n_\r\n";
        for text in [
            "+OK\r\n".to_owned(),
            "*1\r\n*0\r\n".to_owned(),
            format!("*1\r\n*3\r\n:0\r\n:16384\r\n{server}"),
            format!("*1\r\n*3\r\n:-1\r\n:2\r\n{server}"),
            "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\na\r\n:70000\r\n".to_owned(),
        ] {
            assert_eq!(said(&text), None, "{text:?}");
        }
    }
}
