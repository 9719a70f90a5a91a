use std::{error::Error, future::Future, time::Duration};

use futures_lite::FutureExt;

pub type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// After this a test hangs. No test measures time; most take a few milliseconds.
const HANGS: Duration = Duration::from_secs(120);

pub fn tokio_multi_thread(test: impl Future<Output = Outcome> + Send + 'static) -> Outcome {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async { tokio::spawn(watched(test)).await? })
}

pub fn tokio_current_thread(test: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(watched(test))
}

pub fn smol(test: impl Future<Output = Outcome> + Send + 'static) -> Outcome {
    smol::block_on(smol::spawn(watched(test)))
}

pub fn async_std(test: impl Future<Output = Outcome> + Send + 'static) -> Outcome {
    async_std::task::block_on(async_std::task::spawn(watched(test)))
}

async fn watched(test: impl Future<Output = Outcome>) -> Outcome {
    let hung = async {
        smol::Timer::after(HANGS).await;
        Err("the test hangs".into())
    };
    test.or(hung).await
}
