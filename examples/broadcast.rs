//! `cargo run --example broadcast`
//!
//! `bind` gives every instance every message. A service speaks to its own instances by
//! `own_service`. A binding is a loop or a handler, for one message or many, until it is unbound.

use std::error::Error;

use conduit::Conduit;
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_smol::Smol;
use smol::channel;

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(async {
        let broker = Memory::new();
        let instance = || Conduit::new("catalogue", Smol, broker.clone(), Json);
        let (one, two) = (instance()?, instance()?);

        // A loop: it takes messages when it wants to. `Binding` is also a `Stream`.
        let mut invalidated = one.bind("cache.invalidate").await?;

        // A handler: it is called with one message after the other.
        let (done, all_done) = channel::bounded(1);
        let worker = two.bind("cache.invalidate").await?.to(move |message| {
            let done = done.clone();
            async move {
                println!("instance 2, handler: forget {}", message.text().await?);
                if message.headers().get("last").is_some() {
                    done.send(()).await.ok();
                }
                Ok::<_, conduit::Error>(())
            }
        });

        // One message only, and messages until some future is done.
        let mut first = two.bind_once("cache.invalidate").await?;
        let (stop, stopped) = channel::bounded::<()>(1);
        let until = async move {
            stopped.recv().await.ok();
        };
        let mut some = two.bind("cache.invalidate").await?.until(until);

        // Any instance can send: all of them hear it, this one too.
        let own = two.own_service();
        own.send_body("cache.invalidate", "user 1").await?;
        own.send_body("cache.invalidate", "user 2").header("last", "yes").await?;

        for _ in 0..2 {
            let message = invalidated.next().await.ok_or("the binding ended")?;
            let from = message.source().instance;
            println!("instance 1, loop: forget {}", message.text().await?);
            assert_eq!(from, two.instance());
        }
        all_done.recv().await?;

        let message = first.next().await.ok_or("the binding ended")?;
        println!("bind_once: forget {}", message.text().await?);
        println!("bind_once: then {:?}", first.next().await);

        // The binding ends after what it was sent by then.
        drop(stop);
        while let Some(message) = some.next().await {
            println!("until: forget {}", message.text().await?);
        }

        worker.unbind().await;
        println!("unbound: {}", !worker.is_bound());
        Ok(())
    })
}
