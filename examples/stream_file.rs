//! `cargo run --example stream_file -- [MEBIBYTES]`
//!
//! A file goes from disk to disk through two services. Neither holds more of it than a window, and
//! the slower of the two sets the pace. It takes 32 MiB unless told otherwise.

use std::{
    env,
    error::Error,
    io::{self, Write},
    path::PathBuf,
};

use conduit::{Body, Conduit};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_tokio::{Tokio, from_tokio, into_tokio};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tokio::{fs::File, io::copy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mebibytes = env::args().nth(1).map_or(Ok(32), |text| text.parse())?;
    let (original, stored) = (NamedTempFile::new()?, NamedTempFile::new()?);
    fill(original.as_file(), mebibytes)?;

    let broker = Memory::new();
    let client = Conduit::new("client", Tokio, broker.clone(), Json)?;
    let storage = Conduit::new("storage", Tokio, broker, Json)?;

    let path: PathBuf = stored.path().to_owned();
    storage.queue_bind("file.store").await?.to(move |message| {
        let path = path.clone();
        async move {
            let mut file = File::create(path).await?;
            let mut body = into_tokio(message.take_body()?);
            let stored = copy(&mut body, &mut file).await?;
            file.sync_all().await?;
            message.reply(&stored).await?;
            Ok::<_, io::Error>(())
        }
    });

    let file = File::open(&original).await?;
    let length = file.metadata().await?.len();
    let style = "{bar:40} {bytes} of {total_bytes}, {binary_bytes_per_sec}";
    let bar = ProgressBar::new(length).with_style(ProgressStyle::with_template(style)?);
    // The bar counts what the body reads; a reader of known length is checked against it.
    let body = Body::sized_reader(from_tokio(bar.wrap_async_read(file)), length);
    let request = client.service("storage").request_body("file.store", body);
    let count: u64 = request.no_timeout().await?.decode().await?;
    bar.finish();

    let [sent, received] = [sha256(&original)?, sha256(&stored)?];
    println!("stored {count} bytes");
    println!("SHA-256 of the original: {sent}");
    println!("SHA-256 of the copy:     {received}");
    if sent == received { Ok(()) } else { Err("the copy differs".into()) }
}

/// Writes bytes of which no two pieces are alike.
fn fill(mut file: &std::fs::File, mebibytes: u64) -> io::Result<()> {
    for mebibyte in 0..mebibytes {
        let digest = Sha256::digest(mebibyte.to_le_bytes());
        file.write_all(&digest.repeat((1 << 20) / digest.len()))?;
    }
    Ok(())
}

fn sha256(file: &NamedTempFile) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut file.reopen()?, &mut hash)?;
    Ok(format!("{:x}", hash.finalize()))
}
