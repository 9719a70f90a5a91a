use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_lite::{Stream, stream};

use super::PacketDelivery;
use crate::{
    Headers, MessageId,
    about::About,
    accept::Gate,
    config::Config,
    driver::{self, Ground, Shared, bind, routes::Members},
    id::SystemIds,
    proto::{
        BindingKind, ReasonCode,
        frame::{Frame, Head, Request},
    },
    sim::Sim,
    transport::{Address, Packet, Subscription, Token, Transport, TransportError},
};

/// Records what is published, and receives nothing.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<(Address, Bytes)>>>);

struct Silent(stream::Pending<Packet>);

impl Transport for Notes {
    type Subscription = Silent;

    fn max_packet_len(&self) -> usize {
        1 << 20
    }

    async fn ready(&self, _: &Address) -> Result<(), TransportError> {
        Ok(())
    }

    async fn hand_over(
        &self,
        to: &Address,
        packet: &mut Option<Bytes>,
        _: Option<(&Address, Token)>,
    ) -> Result<(), TransportError> {
        let mut notes = self.0.lock().expect("no panic");
        notes.extend(packet.take().map(|packet| (to.clone(), packet)));
        Ok(())
    }

    async fn subscribe(&self, _: &Address) -> Result<Silent, TransportError> {
        Ok(Silent(stream::pending()))
    }

    async fn flush(&self) -> Result<(), TransportError> {
        Ok(())
    }

    async fn close(&self) {}
}

impl Stream for Silent {
    type Item = Packet;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Packet>> {
        std::task::Poll::Pending
    }
}

impl Subscription for Silent {
    async fn leave(&mut self) -> Result<(), TransportError> {
        self.0 = stream::pending();
        Ok(())
    }
}

fn start(sim: &Sim, transport: &Notes) -> Arc<Shared> {
    let ground = Ground::new(
        "a".parse().expect("it keeps the rules"),
        About::default(),
        Config::default(),
        Arc::new(sim.clone()),
        Box::new(transport.clone()),
        Box::new(SystemIds::default()),
    );
    driver::start(ground, Gate::default())
}

fn head(shared: &Shared, request: Option<Request>) -> Arc<Head> {
    Arc::new(Head {
        source: shared.source.clone(),
        content_type: None,
        headers: Headers::new(),
        sequence: None,
        request,
    })
}

#[test]
fn a_queue_binding_that_leaves_during_a_delivery_loses_nothing() {
    Sim::run(|sim| async move {
        let notes = Notes::default();
        let shared = start(&sim, &notes);
        let subject = "x".parse().expect("it keeps the rules");
        let bound = bind(&shared, subject, BindingKind::Queue).await.expect("it binds");
        let route = Arc::clone(&bound.route);
        let mut members = Members::default();
        members.look_up(&shared.routes, &route);
        drop(bound);

        let body = Bytes::from_static(b"one way");
        let mut delivery = PacketDelivery::new(&shared, &route, &mut members, 100);
        delivery.message(head(&shared, None), body.clone());
        let request =
            Request { message: MessageId::from_bytes([7; 16]), time_left: None, credit: 0 };
        delivery.message(head(&shared, Some(request)), body);
        sim.idle().await;
        assert_eq!(shared.counters.lost.get(), 0);
        let notes = notes.0.lock().expect("no panic");
        let sent_to = |to: &Address| {
            let packets = notes.iter().filter(|(address, _)| address == to);
            let packets: Vec<_> = packets.map(|(_, packet)| packet.clone()).collect();
            let [packet] = &packets[..] else { panic!("one packet to {to:?}, not {notes:?}") };
            packet.clone()
        };
        assert_eq!(notes.len(), 2, "{notes:?}");
        let (handed_on, refused) = (
            sent_to(&shared.own_subject(route.subject.clone(), route.target)),
            sent_to(&shared.inbox),
        );
        assert!(
            matches!(Frame::decode(&handed_on), Ok(Frame::Message { body, .. }) if body == "one way")
        );
        let Ok(Frame::Failure { reason, .. }) = Frame::decode(&refused) else {
            panic!("not a refusal: {refused:?}");
        };
        assert!(matches!(reason.code, ReasonCode::Draining | ReasonCode::Overloaded));
    });
}
