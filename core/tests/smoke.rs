//! smoke
use conduit::{Body, Conduit};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_smol::Smol;
use futures_lite::io::Cursor;

#[test]
fn smoke() -> Result<(), Box<dyn std::error::Error>> {
    smol::block_on(async {
        let broker = Memory::new();
        let a = Conduit::new("a", Smol, broker.clone(), Json)?;
        let b = Conduit::new("b", Smol, broker.clone(), Json)?;
        let _h = b.queue_bind("echo").await?.to(|message| async move {
            let body = message.take_body()?;
            message.reply_body(body).await
        });
        for size in [0usize, 1, 16383, 16384, 16385, 1 << 20, 16 << 20] {
            let bytes: Vec<u8> = (0..size).map(|i| (i * 31 % 251) as u8).collect();
            let t = std::time::Instant::now();
            let reply = a.service("b").request_body("echo", bytes.clone()).await?;
            let mut back = Vec::new();
            let mut reply = reply;
            futures_lite::io::AsyncReadExt::read_to_end(&mut reply, &mut back).await?;
            assert!(back == bytes, "size {size}");
            eprintln!("{size} {:?}", t.elapsed());
            let reply = a
                .service("b")
                .request_body("echo", Body::reader(Cursor::new(bytes.clone())))
                .await?;
            let mut back = Vec::new();
            let mut reply = reply;
            futures_lite::io::AsyncReadExt::read_to_end(&mut reply, &mut back).await?;
            assert!(back == bytes, "size {size}");
        }
        let e = a.service("b").request("nobody", &1).await.unwrap_err();
        eprintln!("{e} {:?}", e.executed());
        let mut bind = b.bind("x").await?;
        for i in 0..1000u32 {
            a.service("b").send("x", &i).await?;
        }
        for i in 0..1000u32 {
            assert_eq!(bind.next().await.unwrap().decode::<u32>().await?, i);
        }
        let task = smol::spawn(async move {
            let mut n = 0;
            while let Some(m) = bind.next().await {
                n += 1;
                eprintln!("got {:?}", m.bytes().await.map(|b| b.len()));
            }
            n
        });
        let d = a.service("b").send_body("x", vec![7u8; 300_000]).await?;
        eprintln!("{d:?}");
        let t = std::time::Instant::now();
        eprintln!("{:?}", b.stats());
        b.close().await;
        eprintln!("closed {:?} {:?}", t.elapsed(), b.stats());
        eprintln!("{}", task.await);
        eprintln!(
            "{:?}",
            a.service("b").request("echo", &1).await.unwrap_err()
        );
        a.close().await;
        eprintln!("{:?}", a.stats());
        Ok(())
    })
}
