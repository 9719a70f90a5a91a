use conduit::transport::{Address, Token, Transport, TransportError};

struct Deaf;

impl Transport for Deaf {
    type Subscription = Vec<u8>;

    fn max_packet_len(&self) -> usize {
        1 << 20
    }

    async fn ready(&self, _: &Address) -> Result<(), TransportError> {
        Ok(())
    }

    async fn hand_over(
        &self,
        _: &Address,
        _: &mut Option<bytes::Bytes>,
        _: Option<(&Address, Token)>,
    ) -> Result<(), TransportError> {
        Ok(())
    }

    async fn subscribe(&self, _: &Address) -> Result<Vec<u8>, TransportError> {
        Ok(Vec::new())
    }

    async fn flush(&self) -> Result<(), TransportError> {
        Ok(())
    }

    async fn close(&self) {}
}

fn main() {}
