//! `conduit`: looks at the services of a broker, and talks to them.

mod args;
mod asking;
mod bench;
mod body;
mod broker;
mod check;
mod completions;
mod exit;
mod files;
mod receiving;
mod serving;
mod show;
mod tap;
mod who;
mod wire;

use std::process::ExitCode;

use clap::Parser;
use futures_lite::future;

use self::{
    args::{Cli, Command},
    exit::Exit,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    log();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Exit::local(format!("tokio does not start: {error}")).report(false),
    };
    let json = cli.show.json;
    let ended = runtime.block_on(run(cli));
    // A read of the standard input may wait for ever.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => exit.report(json),
    }
}

/// Warnings of the library go to the standard error, so that none is lost and none is in the way.
fn log() {
    let level = std::env::var("CONDUIT_LOG").ok().and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(tracing_subscriber::filter::LevelFilter::ERROR))
        .with_writer(std::io::stderr)
        .init();
}

async fn run(cli: Cli) -> Result<(), Exit> {
    let Cli { broker, show, command } = cli;
    match command {
        Command::Services(args) => who::services(&broker, &show, &args).await,
        Command::Info(args) => who::info(&broker, &show, &args).await,
        Command::Stats(args) => who::stats(&broker, &show, &args).await,
        Command::Ping(args) => who::ping(&broker, &show, &args).await,
        Command::Send(args) => asking::send(&broker, &show, args).await,
        Command::Request(args) => asking::request(&broker, args).await,
        Command::Ask(args) => asking::ask(&broker, &show, args).await,
        Command::Listen(args) => receiving::listen(&broker, &show, &args, false).await,
        Command::Work(args) => receiving::listen(&broker, &show, &args, true).await,
        Command::Serve(args) => serving::serve(&broker, &args).await,
        Command::Put(args) => files::put(&broker, &show, args).await,
        Command::Get(args) => files::get(&broker, &show, args).await,
        Command::Check => check::check(&broker, &show).await,
        Command::Bench(args) => bench::bench(&broker, &show, &args).await,
        Command::Tap(args) => tap::tap(&broker, &args).await,
        Command::Completions(args) => completions::print(args.shell),
    }
}

/// Runs something until it ends, or until the user interrupts it.
async fn until_interrupted<T>(running: impl Future<Output = Result<T, Exit>>) -> Result<T, Exit> {
    let interrupted = async {
        interrupted().await;
        Err(Exit::interrupted())
    };
    future::or(running, interrupted).await
}

/// Waits for Ctrl-C, or for the request to end.
async fn interrupted() {
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => drop(terminated.recv().await),
            Err(_) => future::pending().await,
        }
    };
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            future::pending::<()>().await;
        }
    };
    future::or(interrupted, terminated).await;
}
