//! Stands in for a service.

use std::{process::Stdio, sync::Arc, time::Duration};

use conduit::{Body, Conduit, Failure, IncomingBody, Message};
use conduit_tokio::into_tokio;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Notify,
    task::JoinHandle,
};

use crate::{
    args::{Broker, Serve},
    body::Shared,
    broker::{Raw, instance},
    exit::Exit,
    until_interrupted,
};

/// An output of at most so many bytes is a reply only once its command has ended well. A longer one
/// is sent while it is read.
const WHOLE: usize = 64 << 10;
/// How much of what a command writes to its standard error the asker is told.
const TOLD: usize = 1000;

type Handled = Result<(), Box<dyn std::error::Error + Send + Sync>>;

pub(crate) async fn serve(broker: &Broker, args: &Serve) -> Result<(), Exit> {
    let mut builder = instance(&args.to.service, None).discoverable(true);
    if let Some(version) = &args.version {
        builder = builder.version(version);
    }
    let builder = builder.description("A stand-in of the command line");
    let conduit = broker.connect(builder).await?;
    let served = until_interrupted(serve_on(&conduit, args)).await;
    conduit.close().await;
    served
}

async fn serve_on(conduit: &Conduit<Raw>, args: &Serve) -> Result<(), Exit> {
    let binding = match args.plain {
        true => conduit.bind(&*args.to.subject).await?,
        false => conduit.queue_bind(&*args.to.subject).await?,
    };
    let (count, enough) = (Shared::default(), Arc::new(Notify::new()));
    let (exec, most, done) = (args.exec.clone(), args.count, Arc::clone(&enough));
    let worker = binding.concurrency(args.concurrency).to(move |message| {
        let (exec, count, done) = (exec.clone(), count.clone(), Arc::clone(&done));
        async move {
            let handled = match exec.split_first() {
                None => echo(&message).await,
                Some((program, args)) => run(program, args, message).await,
            };
            count.add(1);
            if Some(count.get()) == most {
                done.notify_one();
            }
            handled
        }
    });
    eprintln!("serving {} of {} as {}", args.to.subject, conduit.name(), conduit.instance());
    let ended = async {
        conduit.closed().await;
        Err(Exit::local("the connection has ended"))
    };
    let enough = async {
        enough.notified().await;
        worker.unbind().await;
        Ok(())
    };
    futures_lite::future::or(enough, ended).await
}

async fn echo(message: &Message<Raw>) -> Handled {
    let body = message.take_body()?;
    if message.is_request() {
        message.reply_body(body).await?;
    } else {
        tokio::io::copy(&mut into_tokio(body), &mut tokio::io::sink()).await?;
    }
    Ok(())
}

/// Runs a command. Dropped, because the request is cancelled, it kills the command.
async fn run(program: &str, args: &[String], message: Message<Raw>) -> Handled {
    let source = message.source();
    let mut child = Command::new(program)
        .args(args)
        .env("CONDUIT_SUBJECT", message.subject().as_str())
        .env("CONDUIT_SOURCE", source.service.as_str())
        .env("CONDUIT_INSTANCE", source.instance.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Failure::new("exec", format!("{program} cannot be run: {error}")))?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(Failure::new("exec", "the command has no pipes").into());
    };
    let running = Running { program, child, said: tokio::spawn(tail(stderr)) };
    let mut feeding = std::pin::pin!(feed(stdin, message.take_body()?));
    let mut answering = std::pin::pin!(answer(running, stdout, &message));
    let mut is_fed = false;
    loop {
        tokio::select! {
            answered = &mut answering => return answered,
            fed = &mut feeding, if !is_fed => {
                is_fed = true;
                fed?;
            }
        }
    }
}

struct Running<'a> {
    program: &'a str,
    child: Child,
    /// The end of what it writes to its standard error.
    said: JoinHandle<Vec<u8>>,
}

impl Running<'_> {
    /// Waits for the end of the command, which is a failure if its code is not 0.
    async fn end(mut self) -> Result<(), Failure> {
        let status = self.child.wait().await;
        let status = status.map_err(|error| Failure::new("exec", error.to_string()))?;
        if status.success() {
            return Ok(());
        }
        // What it has started itself may keep its standard error open.
        let said = tokio::time::timeout(Duration::from_secs(1), self.said).await;
        let said = said.ok().and_then(Result::ok).unwrap_or_default();
        let text = String::from_utf8_lossy(&said).trim().to_owned();
        let text = if text.is_empty() { format!("{}: {status}", self.program) } else { text };
        let code = status.code().map_or_else(|| "signal".to_owned(), |code| format!("exit.{code}"));
        Err(Failure::new(code, text))
    }
}

/// Gives the body to the command. What a command does not want to read is its own affair.
async fn feed(mut stdin: ChildStdin, body: IncomingBody) -> Handled {
    let mut body = into_tokio(body);
    let mut buffer = vec![0; WHOLE];
    loop {
        let read = body.read(&mut buffer).await?;
        if read == 0 || stdin.write_all(&buffer[..read]).await.is_err() {
            return Ok(());
        }
    }
}

/// Replies with what the command writes.
async fn answer(running: Running<'_>, mut stdout: ChildStdout, message: &Message<Raw>) -> Handled {
    let mut first = Vec::new();
    (&mut stdout).take(WHOLE as u64).read_to_end(&mut first).await?;
    if first.len() < WHOLE {
        running.end().await?;
        if message.is_request() {
            message.reply_body(first).await?;
        }
        return Ok(());
    }
    if !message.is_request() {
        tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await?;
        return Ok(running.end().await?);
    }
    let (mut writer, body) = Body::writer();
    let replying = message.reply_body(body);
    let writing = async move {
        let mut piece = first;
        while !piece.is_empty() {
            writer.send(std::mem::take(&mut piece)).await?;
            piece.reserve(WHOLE);
            (&mut stdout).take(WHOLE as u64).read_to_end(&mut piece).await?;
        }
        match running.end().await {
            Ok(()) => writer.finish(),
            Err(failure) => writer.fail(std::io::Error::other(failure.message().to_owned())),
        }
        Handled::Ok(())
    };
    let (replied, written) = tokio::join!(replying, writing);
    written?;
    Ok(replied?)
}

/// Reads to the end, and returns the last bytes.
async fn tail(mut reader: impl AsyncRead + Unpin) -> Vec<u8> {
    let (mut last, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = reader.read(&mut buffer).await {
        last.extend_from_slice(&buffer[..read]);
        let more = last.len().saturating_sub(TOLD);
        last.drain(..more);
    }
    last
}
