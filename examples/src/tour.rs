//! A shop and two instances of a warehouse: every way in which services talk.
//!
//! Nothing here knows what moves the messages. Who calls [`tour`] decides that.

use std::{error::Error, fs, io};

use conduit::{Body, Conduit};
use conduit_json::Json;
use futures_lite::AsyncReadExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use smol::fs::File;
use tempfile::NamedTempFile;

/// An event, and a job.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    number: u32,
}

/// What the warehouse answers.
#[derive(Debug, Serialize, Deserialize)]
struct Stock {
    item: String,
    count: u32,
}

/// Shows events, a request, shared work and a streamed file, and closes the conduits.
///
/// # Errors
/// The first error of a conduit; also where the file does not arrive as it was sent.
pub async fn tour(
    shop: Conduit<Json>,
    warehouses: [Conduit<Json>; 2],
) -> Result<(), Box<dyn Error>> {
    println!("An event reaches every instance that is bound to it:");
    event(&shop, &warehouses).await?;
    println!("A request has a reply:");
    request(&shop, &warehouses).await?;
    println!("Queue bindings share the work:");
    work(&shop, &warehouses).await?;
    println!("A file is streamed, however large:");
    file(&shop, &warehouses).await?;

    shop.close().await;
    for warehouse in warehouses {
        warehouse.close().await;
    }
    println!("Done.");
    Ok(())
}

async fn event(
    shop: &Conduit<Json>,
    [one, two]: &[Conduit<Json>; 2],
) -> Result<(), Box<dyn Error>> {
    let mut created = [one.bind("order.created").await?, two.bind("order.created").await?];
    shop.service(one.name()).send("order.created", &Order { number: 1 }).await?;
    for (instance, binding) in (1..).zip(&mut created) {
        let message = binding.next().await.ok_or("the binding ended")?;
        let order: Order = message.decode().await?;
        println!("  warehouse {instance} heard of order {}", order.number);
    }
    Ok(())
}

async fn request(
    shop: &Conduit<Json>,
    [one, _]: &[Conduit<Json>; 2],
) -> Result<(), Box<dyn Error>> {
    one.queue_bind("stock.count").await?.to(|message| async move {
        let item = message.text().await?;
        message.reply(&Stock { item, count: 12 }).await
    });
    let reply = shop.service(one.name()).request_body("stock.count", "teapot").await?;
    let stock: Stock = reply.decode().await?;
    println!("  there are {} of item {}", stock.count, stock.item);
    Ok(())
}

async fn work(shop: &Conduit<Json>, warehouses: &[Conduit<Json>; 2]) -> Result<(), Box<dyn Error>> {
    const JOBS: u32 = 6;
    for (instance, warehouse) in (1..).zip(warehouses) {
        let jobs = warehouse.queue_bind("order.pack").await?;
        jobs.to(move |message| async move {
            let order: Order = message.decode().await?;
            println!("  warehouse {instance} packs order {}", order.number);
            // Whoever sent the job hears that it is done.
            let customer = message.service(&message.source().service);
            customer.send("order.packed", &order).await.map(|_| ())
        });
    }
    let mut packed = shop.bind("order.packed").await?;
    for number in 1..=JOBS {
        shop.service(warehouses[0].name()).send("order.pack", &Order { number }).await?;
    }
    for _ in 1..=JOBS {
        packed.next().await.ok_or("the binding ended")?;
    }
    println!("  the shop heard that all {JOBS} are packed");
    Ok(())
}

async fn file(shop: &Conduit<Json>, [one, _]: &[Conduit<Json>; 2]) -> Result<(), Box<dyn Error>> {
    const LENGTH: u32 = 8 << 20;
    // The receiver never holds more than a window of it.
    one.queue_bind("photo.store").await?.to(|mut message| async move {
        let (mut hash, mut length) = (Sha256::new(), 0);
        let mut buffer = vec![0; 16 << 10];
        loop {
            match message.read(&mut buffer).await? {
                0 => break,
                count => {
                    hash.update(&buffer[..count]);
                    length += count;
                }
            }
        }
        println!("  warehouse 1 has read {length} bytes");
        message.reply_body(hex(hash)).await?;
        Ok::<_, io::Error>(())
    });
    // No two pieces of it are alike.
    let scattered = |at: u32| at.wrapping_mul(2_654_435_761).to_be_bytes()[0];
    let content: Vec<u8> = (0..LENGTH).map(scattered).collect();
    let sent = hex(Sha256::new_with_prefix(&content));
    let photo = NamedTempFile::new()?;
    fs::write(&photo, content)?;
    println!("  SHA-256 sent:     {sent}");
    let received = shop
        .service(one.name())
        .request_body("photo.store", Body::reader(File::open(&photo).await?))
        .await?
        .text()
        .await?;
    println!("  SHA-256 received: {received}");
    if sent != received {
        return Err("the file has changed on its way".into());
    }
    Ok(())
}

fn hex(hash: Sha256) -> String {
    format!("{:x}", hash.finalize())
}
