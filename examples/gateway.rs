//! `cargo run --example gateway`
//!
//! HTTP in front of a service: uploads and downloads are streamed, so that neither this nor the service
//! holds a file, a failure becomes a status by one table, and a client that goes away cancels its
//! request at the service.
//!
//! ```sh
//! curl -T Cargo.lock http://127.0.0.1:8080/files/lock
//! curl http://127.0.0.1:8080/files/lock
//! ```

use std::{env, error::Error, io, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body as HttpBody, HttpBody as _},
    extract::{Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use conduit::{Body, Client, Conduit, ErrorKind, Failure, Message};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_tokio::{Tokio, drain_on_signal, from_tokio, into_tokio};
use futures_lite::StreamExt;
use tempfile::NamedTempFile;
use tokio::{fs, io::AsyncWriteExt, net::TcpListener};

/// What the gateway answers with.
type Answer = Result<Response, GatewayError>;

/// Serves the files of a service.
pub(crate) fn router(files: Client<Json>) -> Router {
    Router::new().route("/files/{name}", get(download).put(upload)).with_state(files)
}

async fn upload(
    State(files): State<Client<Json>>,
    Path(name): Path<String>,
    sent: Request,
) -> Answer {
    let body = sent.into_body();
    let length = body.size_hint().exact();
    // The body of a client that goes away fails, and is no shorter file at the service.
    let pieces = body.into_data_stream().map(|piece| piece.map_err(io::Error::other));
    let body = match length {
        Some(length) => Body::sized_stream(pieces, length),
        None => Body::stream(pieces),
    };
    let reply = files.request_body("put", body).header("name", name).await?;
    let stored: u64 = reply.decode().await?;
    Ok((StatusCode::CREATED, format!("{stored} bytes\n")).into_response())
}

async fn download(State(files): State<Client<Json>>, Path(name): Path<String>) -> Answer {
    let reply = files.request("get", &name).await?;
    let body = reply.take_body()?;
    let mut response = Response::builder();
    if let Some(length) = body.len() {
        response = response.header(header::CONTENT_LENGTH, length);
    }
    // It is asked for as fast as the client reads. If it fails on its way, the connection is cut, so that
    // the client knows.
    let pieces = HttpBody::from_stream(Body::from(body).into_stream());
    response.body(pieces).map_err(|error| GatewayError(StatusCode::BAD_GATEWAY, error.to_string()))
}

/// A failure as HTTP knows it.
struct GatewayError(StatusCode, String);

impl From<conduit::Error> for GatewayError {
    fn from(error: conduit::Error) -> Self {
        // The text of a failure is written for its client; of anything else the kind has to do.
        let text = match error.failure() {
            Some(failure) => failure.message().to_owned(),
            None => error.kind().to_string(),
        };
        eprintln!("{error:?}");
        Self(status(&error), text)
    }
}

impl IntoResponse for GatewayError {
    fn into_response(self) -> Response {
        (self.0, self.1 + "\n").into_response()
    }
}

/// The table.
pub(crate) fn status(error: &conduit::Error) -> StatusCode {
    use ErrorKind as K;
    let code = error.failure().map(Failure::code);
    match (error.kind(), code) {
        // What the application says.
        (_, Some("file.unknown")) => StatusCode::NOT_FOUND,
        (_, Some("name.invalid")) => StatusCode::BAD_REQUEST,
        (_, Some(_)) if error.failure().is_some_and(Failure::is_transient) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        // What the client has sent.
        (K::InvalidHeader | K::NotDecoded | K::BodyFailed, _) => StatusCode::BAD_REQUEST,
        (K::TooLarge, _) => StatusCode::PAYLOAD_TOO_LARGE,
        (K::Refused, _) => StatusCode::FORBIDDEN,
        // Another try may succeed.
        (K::NoReceivers | K::Overloaded | K::Draining | K::Disconnected | K::Closed, _) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        (K::NoAnswer | K::Lost | K::Deadline, _) => StatusCode::GATEWAY_TIMEOUT,
        // The service is broken.
        _ => StatusCode::BAD_GATEWAY,
    }
}

/// The service behind the gateway, which keeps files in a folder.
pub(crate) async fn serve_files(
    service: &Conduit<Json>,
    folder: PathBuf,
) -> Result<(), conduit::Error> {
    let folder = Arc::new(folder);
    let put = service.queue_bind("put").await?.concurrency(16).with(Arc::clone(&folder));
    put.to(store);
    let get = service.queue_bind("get").await?.concurrency(16).with(folder);
    get.to(load);
    Ok(())
}

async fn store(
    folder: Arc<PathBuf>,
    message: Message<Json>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let path = folder.join(checked(message.headers().get("name").unwrap_or_default())?);
    // Beside it first: an upload that fails, or is cancelled, leaves what was there.
    let partial = NamedTempFile::new_in(&*folder)?;
    let mut file = fs::File::from_std(partial.reopen()?);
    let length = tokio::io::copy(&mut into_tokio(message.take_body()?), &mut file).await?;
    file.flush().await?;
    partial.persist(path)?;
    message.reply(&length).await?;
    Ok(())
}

async fn load(
    folder: Arc<PathBuf>,
    message: Message<Json>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let name: String = message.decode().await?;
    let path = folder.join(checked(&name)?);
    let Ok(file) = fs::File::open(path).await else {
        return Err(Failure::new("file.unknown", format!("there is no file {name}")).into());
    };
    let length = file.metadata().await?.len();
    message.reply_body(Body::sized_reader(from_tokio(file), length)).await?;
    Ok(())
}

/// Names lead nowhere else.
fn checked(name: &str) -> Result<&str, Failure> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    match !name.is_empty() && name.bytes().all(is_plain) {
        true => Ok(name),
        false => Err(Failure::new("name.invalid", "a name is of letters, digits, - and _")),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let folder = tempfile::tempdir()?;
    let broker = Memory::new();
    let service = Conduit::new("files", Tokio, broker.clone(), Json)?;
    serve_files(&service, folder.path().to_owned()).await?;

    let gateway = Conduit::new("gateway", Tokio, broker, Json)?;
    let files = gateway.service("files").timeout(Duration::from_secs(60));
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    // What is under way is answered, and nothing new is taken.
    let (stop, stopped) = async_channel::bounded::<()>(1);
    let asked = async move {
        stopped.recv().await.ok();
    };
    let serving = axum::serve(listener, router(files)).with_graceful_shutdown(asked);
    let serving = tokio::spawn(serving.into_future());
    println!("listening at http://{address}");
    drain_on_signal(&gateway, Duration::from_secs(20)).await?;
    drop(stop);
    serving.await??;
    Ok(())
}
