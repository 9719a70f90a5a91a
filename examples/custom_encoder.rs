//! `cargo run --example custom_encoder`
//!
//! An encoder is one type and three short implementations: its name, how a value becomes bytes, and
//! how bytes become a value. What it is bound to here is what this format needs: values that can be
//! printed and parsed.

use std::{error::Error, fmt::Display, io::Write, net::IpAddr, str::FromStr};

use conduit::{CodecError, Conduit, Decode, Encode, Encoder};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_smol::Smol;

/// Values as the text they print.
struct Text;

impl Encoder for Text {
    fn content_type(&self) -> &'static str {
        "text/plain"
    }
}

impl<T: Display + ?Sized> Encode<T> for Text {
    fn encode(&self, value: &T, into: &mut Vec<u8>) -> Result<(), CodecError> {
        Ok(write!(into, "{value}")?)
    }
}

impl<T: FromStr<Err: Into<CodecError>>> Decode<T> for Text {
    fn decode(&self, bytes: &[u8]) -> Result<T, CodecError> {
        str::from_utf8(bytes)?.parse().map_err(Into::into)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(async {
        let broker = Memory::new();
        let resolver = Conduit::new("resolver", Smol, broker.clone(), Text)?;
        let client = Conduit::new("client", Smol, broker.clone(), Text)?;

        resolver.bind("reverse").await?.to(|message| async move {
            let address: IpAddr = message.decode().await?;
            let body = message.to_bytes().await?;
            println!("{} bytes on the wire: {body:?}", body.len());
            let name = if address.is_loopback() { "localhost" } else { "unknown" };
            message.reply(name).await
        });

        let address: IpAddr = "127.0.0.1".parse()?;
        let reply = client.service("resolver").request("reverse", &address);
        println!("{address} is {}", reply.await?.decode::<String>().await?);

        // Content types travel with values, so that no encoder guesses at another's bytes.
        let stranger = Conduit::new("stranger", Smol, broker, Json)?;
        let refused = stranger.service("resolver").request("reverse", &address);
        let error = refused.await.err().ok_or("it has to fail")?;
        println!("JSON is refused: {error:#}");
        Ok(())
    })
}
