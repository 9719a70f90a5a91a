use std::error::Error as _;

use conduit::{CodecError, Conduit, Decode, Encode, Encoder, ErrorKind};

use crate::support::world::{TestResult, World};

/// An encoder of bytes that says whatever it is told to be.
struct Odd(&'static str);

impl Encoder for Odd {
    fn content_type(&self) -> &'static str {
        self.0
    }
}

impl Encode<u8> for Odd {
    fn encode(&self, value: &u8, into: &mut Vec<u8>) -> Result<(), CodecError> {
        into.push(0);
        if *value == 13 {
            return Err("13 brings bad luck".into());
        }
        into[0] = *value;
        Ok(())
    }
}

impl Decode<u8> for Odd {
    fn decode(&self, bytes: &[u8]) -> Result<u8, CodecError> {
        bytes.first().copied().ok_or_else(|| "there is nothing".into())
    }
}

fn odd(world: &World, content_type: &'static str) -> Result<Conduit<Odd>, conduit::Error> {
    let (runtime, transport) = (world.sim.clone(), world.broker.clone());
    Conduit::new("odd", runtime, transport, Odd(content_type))
}

#[test]
fn a_value_that_cannot_be_encoded_is_reported() -> TestResult {
    World::run(|world| async move {
        let node = odd(&world, "application/x-odd")?;
        let mut bound = node.bind("x").await?;
        let error = node.own_service().send("x", &13).await.expect_err("it is 13");
        assert_eq!(error.kind(), ErrorKind::Encode);
        assert_eq!(format!("{error:#}"), "the value could not be encoded: 13 brings bad luck");
        assert!(error.source().is_some());
        node.own_service().send("x", &14).await?;
        let message = bound.next().await.expect("it is bound");
        assert_eq!(message.content_type(), Some("application/x-odd"));
        assert_eq!(message.decode().await?, 14);
        Ok(())
    })
}

#[test]
fn an_encoder_without_a_content_type_cannot_send() -> TestResult {
    for content_type in ["", "a\n", "größe"] {
        World::run(|world| async move {
            let node = odd(&world, content_type)?;
            let error = node.own_service().request("x", &1).await.expect_err("no such type");
            assert_eq!(error.kind(), ErrorKind::Encode, "{content_type:?}");
            let shown = format!("{content_type:?} is not a content type");
            assert!(error.to_string().contains(&shown), "{error}");
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn what_another_encoder_made_is_not_decoded() -> TestResult {
    World::run(|world| async move {
        let (odd, json) = (odd(&world, "application/x-odd")?, world.node("json")?);
        let mut bound = json.bind("x").await?;
        odd.service("json").send("x", &b'1').await?;
        let message = bound.next().await.expect("it is bound");
        let error = message.decode::<u8>().await.expect_err("it is not JSON");
        assert_eq!(error.kind(), ErrorKind::ContentType);
        let text = error.to_string();
        assert!(text.contains("application/x-odd") && text.contains("application/json"), "{text}");
        assert_eq!(message.to_bytes().await?, "1", "it can still be read");
        Ok(())
    })
}

#[test]
fn a_body_of_no_type_is_decoded() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.bind("x").await?;
        node.own_service().send_body("x", "[1, 2]").await?;
        let message = bound.next().await.expect("it is bound");
        assert_eq!(message.content_type(), None);
        assert_eq!(message.decode::<Vec<u8>>().await?, [1, 2]);
        let error = message.decode::<String>().await.expect_err("it is a list");
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.source().is_some());
        Ok(())
    })
}

#[test]
fn what_the_other_side_could_not_decode_is_not_sent() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.bind("x").await?;
        let own = node.own_service();
        let error = own.send("x", &[1.0, f64::NAN]).await.expect_err("JSON has no word for it");
        assert_eq!(error.kind(), ErrorKind::Encode);
        let cause = std::error::Error::source(&error).expect("the encoder's own error");
        assert!(cause.to_string().contains("JSON has no number for the float NaN"), "{cause}");
        own.send("x", &[1.0]).await?;
        let message = bound.next().await.expect("it is bound");
        assert_eq!(message.decode::<Vec<f64>>().await?, [1.0], "nothing came before it");
        Ok(())
    })
}
