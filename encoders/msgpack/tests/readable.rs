//! Types that know a form for people and one for machines.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6},
};

use conduit::{CodecError, Decode, Encode};
use conduit_msgpack::{MessagePack, rmp_serde};
use proptest::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

type Result<T = ()> = std::result::Result<T, CodecError>;

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    MessagePack.encode(value, &mut bytes)?;
    Ok(bytes)
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Peer {
    ip: IpAddr,
    v4: Ipv4Addr,
    v6: Ipv6Addr,
    socket: SocketAddr,
    id: Uuid,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal {
    Newtype(Peer),
    Struct { peer: Peer, ids: Vec<Uuid> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "content")]
enum Adjacent {
    Newtype(SocketAddr),
    Tuple(Uuid, IpAddr),
    Struct { peer: Peer },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u64),
    Address(IpAddr),
    Id(Uuid),
    Peer(Peer),
    Ids { ids: BTreeMap<Uuid, SocketAddr> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Flat {
    name: String,
    #[serde(flatten)]
    peer: Peer,
    ids: Vec<Uuid>,
}

fn arrives<T>(sent: &T) -> std::result::Result<(), TestCaseError>
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let arrived = encode(sent).and_then(|bytes| MessagePack.decode(&bytes));
    let arrived: T = arrived.map_err(|error| TestCaseError::fail(format!("{sent:?}: {error}")))?;
    prop_assert_eq!(&arrived, sent);
    Ok(())
}

fn peer() -> impl Strategy<Value = Peer> {
    (any::<IpAddr>(), any::<Ipv4Addr>(), any::<Ipv6Addr>(), any::<SocketAddr>(), any::<u128>())
        .prop_map(|(ip, v4, v6, mut socket, id)| {
            if let SocketAddr::V6(socket) = &mut socket {
                // Serde writes it in neither form.
                socket.set_flowinfo(0);
            }
            Peer { ip, v4, v6, socket, id: Uuid::from_u128(id) }
        })
}

proptest! {
    #[test]
    fn they_arrive_as_they_are_in_every_kind_of_type(peer in peer()) {
        let Peer { ip, socket, id, .. } = peer;
        arrives(&peer)?;
        arrives(&Some((ip, socket, id)))?;
        arrives(&Internal::Newtype(peer.clone()))?;
        arrives(&Internal::Struct { peer: peer.clone(), ids: vec![id] })?;
        arrives(&Adjacent::Newtype(socket))?;
        arrives(&Adjacent::Tuple(id, ip))?;
        arrives(&Adjacent::Struct { peer: peer.clone() })?;
        arrives(&Untagged::Number(7))?;
        arrives(&Untagged::Address(ip))?;
        arrives(&Untagged::Id(id))?;
        arrives(&Untagged::Peer(peer.clone()))?;
        arrives(&Untagged::Ids { ids: BTreeMap::from([(id, socket)]) })?;
        arrives(&Flat { name: "a".into(), peer, ids: vec![id] })?;
    }
}

#[test]
fn they_arrive_in_what_is_flattened() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Addresses {
        name: String,
        #[serde(flatten)]
        ips: BTreeMap<String, IpAddr>,
    }

    let ips = ["127.0.0.1", "::1"].map(|ip| (ip.to_owned(), ip.parse().expect("an address")));
    let sent = Addresses { name: "a".into(), ips: ips.into() };
    let bytes = encode(&sent).expect("it is encoded");
    let arrived: Addresses = MessagePack.decode(&bytes).expect("what was encoded");
    assert_eq!(arrived, sent);
}

/// The bounds of the table in the documentation: in the form for machines, and as they are encoded.
#[test]
fn they_take_as_many_bytes_as_the_documentation_says() -> Result {
    fn sizes(value: &impl Serialize) -> Result<(usize, usize)> {
        Ok((rmp_serde::to_vec_named(value)?.len(), encode(value)?.len()))
    }
    let ip = |text: &str| sizes(&text.parse::<IpAddr>()?);
    let socket = |text: &str| sizes(&text.parse::<SocketAddr>()?);
    let widest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";

    assert_eq!(ip("0.0.0.0")?, (9, 8));
    assert_eq!(ip("255.255.255.255")?, (13, 16));
    assert_eq!(ip("::")?, (23, 3));
    assert_eq!(ip(widest)?, (39, 41));
    assert_eq!(socket("0.0.0.0:0")?, (11, 10));
    assert_eq!(socket("255.255.255.255:65535")?, (17, 22));
    assert_eq!(socket("[::]:0")?, (25, 7));
    let widest = SocketAddrV6::new(widest.parse()?, u16::MAX, 0, u32::MAX);
    assert_eq!(sizes(&SocketAddr::V6(widest))?, (43, 60));
    assert_eq!(sizes(&Uuid::max())?, (18, 38));
    Ok(())
}
