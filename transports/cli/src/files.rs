//! Sends and fetches files.

use std::path::{Path, PathBuf};

use conduit::Body;
use conduit_tokio::{from_tokio, into_tokio};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::fs::File;

use crate::{
    args::{Broker, Get, Put, Show},
    asking::{copy, delivered},
    body::{Source, Watched},
    exit::{Exit, local},
    show, until_interrupted,
};

/// What has passed: its hash, and how much of it there is.
#[derive(Clone)]
struct Passed {
    hash: Arc<Mutex<(Sha256, u64)>>,
    bar: ProgressBar,
}

impl Passed {
    /// Shows the progress on the standard error, if that is a terminal.
    fn new(length: Option<u64>) -> Self {
        let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let bar = bar.with_finish(indicatif::ProgressFinish::Abandon);
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        let template = match length {
            Some(_) => "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
            None => "{spinner} {bytes}, {bytes_per_sec}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { hash: Arc::default(), bar }
    }

    fn pass(&self, bytes: &[u8]) {
        let mut hash = self.hash.lock().unwrap_or_else(PoisonError::into_inner);
        hash.0.update(bytes);
        hash.1 += bytes.len() as u64;
        self.bar.inc(bytes.len() as u64);
    }

    /// Prints the length and the SHA-256 of what has passed.
    fn report(&self, show: &Show, file: &Path) -> Result<(), Exit> {
        self.bar.finish_and_clear();
        let (hash, length) = self.hash.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sha256 = show::hex(&hash.finalize());
        if show.json {
            let file = file.display().to_string();
            show::json(&json!({ "file": file, "bytes": length, "sha256": sha256 }))
        } else {
            show::print(&format!("{sha256}  {} ({length} bytes)\n", file.display()))
        }
    }
}

pub(crate) async fn put(broker: &Broker, show: &Show, args: Put) -> Result<(), Exit> {
    let Put { file: path, to, headers, expect } = args;
    let Source::File(file, length) = Source::file(&path).await? else {
        return Err(Exit::usage("a file is a file"));
    };
    let conduit = broker.asker(None).await?;
    let service = conduit.service(&*to.service);
    let putting = async {
        let passed = Passed::new(Some(length));
        let watch = passed.clone();
        let file = Watched::new(file, move |bytes: &[u8]| watch.pass(bytes));
        let body = Body::sized_reader(from_tokio(file), length);
        let mut sending = service.send_body(&*to.subject, body).confirm();
        if let Some(receivers) = expect {
            sending = sending.expect(receivers);
        }
        let headers = headers.into_iter();
        let sending = headers.fold(sending, |sending, (key, value)| sending.header(key, value));
        let delivery = sending.await?;
        passed.report(show, &path)?;
        delivered(show, &delivery)
    };
    let put = until_interrupted(putting).await;
    conduit.close().await;
    put
}

pub(crate) async fn get(broker: &Broker, show: &Show, args: Get) -> Result<(), Exit> {
    let Get { to, file: path, headers, timeout } = args;
    let conduit = broker.asker(None).await?;
    let service = conduit.service(&*to.service);
    let service = if timeout.is_zero() { service.no_timeout() } else { service.timeout(timeout) };
    let partial = Partial::beside(&path);
    let getting = async {
        let requesting = service.request_body(&*to.subject, ());
        let headers = headers.into_iter();
        let requesting = headers.fold(requesting, |it, (key, value)| it.header(key, value));
        let body = requesting.await?.take_body()?;
        let passed = Passed::new(body.len());
        let watch = passed.clone();
        let mut body = Watched::new(into_tokio(body), move |bytes: &[u8]| watch.pass(bytes));
        let failed = || local(path.display());
        let mut file = File::create(&partial.0).await.map_err(failed())?;
        copy(&mut body, &mut file, &path).await?;
        file.sync_all().await.map_err(failed())?;
        tokio::fs::rename(&partial.0, &path).await.map_err(failed())?;
        passed.report(show, &path)
    };
    let got = until_interrupted(getting).await;
    drop(partial);
    conduit.close().await;
    got
}

/// A file that is not there as a whole yet. What is left of it is removed.
struct Partial(PathBuf);

impl Partial {
    fn beside(path: &Path) -> Self {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        Self(path.with_file_name(name))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
