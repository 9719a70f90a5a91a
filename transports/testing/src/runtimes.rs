use std::{error::Error, future::Future, time::Duration};

use futures_lite::FutureExt;

/// The outcome of a test.
pub type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// After this a test hangs. No test measures time; most take a few milliseconds.
const HANGS: Duration = Duration::from_secs(120);

/// Runs a future to its end on a runtime of its own.
pub mod block_on {
    use tokio::runtime::Builder;

    pub use async_std::task::block_on as async_std;
    pub use smol::block_on as smol;

    /// Runs a future on a multi-threaded tokio.
    pub fn tokio_multi_thread<T>(future: impl Future<Output = T>) -> T {
        tokio(Builder::new_multi_thread().worker_threads(2), future)
    }

    /// Runs a future on a single-threaded tokio.
    pub fn tokio_current_thread<T>(future: impl Future<Output = T>) -> T {
        tokio(&mut Builder::new_current_thread(), future)
    }

    fn tokio<T>(builder: &mut Builder, future: impl Future<Output = T>) -> T {
        builder.enable_all().build().expect("tokio starts").block_on(future)
    }
}

/// Runs a test under a multi-threaded tokio.
///
/// # Errors
/// Those of the test, or that it hangs.
pub fn tokio_multi_thread(test: impl Future<Output = Outcome> + Send + 'static) -> Outcome {
    block_on::tokio_multi_thread(async { tokio::spawn(watched(test)).await? })
}

/// Runs a test under a single-threaded tokio.
///
/// # Errors
/// Those of the test, or that it hangs.
pub fn tokio_current_thread(test: impl Future<Output = Outcome>) -> Outcome {
    block_on::tokio_current_thread(watched(test))
}

/// Runs a test under smol.
///
/// # Errors
/// Those of the test, or that it hangs.
pub fn smol(test: impl Future<Output = Outcome> + Send + 'static) -> Outcome {
    block_on::smol(smol::spawn(watched(test)))
}

/// Runs a test under async-std.
///
/// # Errors
/// Those of the test, or that it hangs.
pub fn async_std(test: impl Future<Output = Outcome> + Send + 'static) -> Outcome {
    block_on::async_std(async_std::task::spawn(watched(test)))
}

async fn watched(test: impl Future<Output = Outcome>) -> Outcome {
    let hung = async {
        smol::Timer::after(HANGS).await;
        Err("the test hangs".into())
    };
    test.or(hung).await
}

/// Runs test functions, `async fn() -> Outcome`, under every runtime; or those of a
/// [suite](crate::suites), for a [`Broker`](crate::Broker). With `into trials`, they are pushed into that
/// instead, as [`Trial`](crate::Trial)s.
#[macro_export]
macro_rules! under_every_runtime {
    ($suite:ident for $broker:ty, into $trials:ident: $($test:ident),+ $(,)?) => {
        $crate::under_every_runtime!(@ into $trials, tokio_multi_thread, $suite $broker: $($test)+);
        $crate::under_every_runtime!(@ into $trials, tokio_current_thread, $suite $broker: $($test)+);
        $crate::under_every_runtime!(@ into $trials, smol, $suite $broker: $($test)+);
        $crate::under_every_runtime!(@ into $trials, async_std, $suite $broker: $($test)+);
    };
    (@ into $trials:ident, $runtime:ident, $suite:ident $broker:ty: $($test:ident)+) => {
        $($trials.push($crate::trial(
            concat!(stringify!($suite), "::", stringify!($runtime), "::", stringify!($test)),
            || $crate::$runtime($crate::suites::$suite::$test::<$broker>()),
        ));)+
    };
    (into $trials:ident: $($test:ident),+ $(,)?) => {
        $crate::under_every_runtime!(@ into $trials, tokio_multi_thread, own $($test)+);
        $crate::under_every_runtime!(@ into $trials, tokio_current_thread, own $($test)+);
        $crate::under_every_runtime!(@ into $trials, smol, own $($test)+);
        $crate::under_every_runtime!(@ into $trials, async_std, own $($test)+);
    };
    (@ into $trials:ident, $runtime:ident, own $($test:ident)+) => {
        $($trials.push($crate::trial(
            concat!(stringify!($runtime), "::", stringify!($test)),
            || $crate::$runtime($test()),
        ));)+
    };
    ($suite:ident for $broker:ty: $($test:ident),+ $(,)?) => {
        $crate::under_every_runtime!(@ tokio_multi_thread $suite $broker: $($test)+);
        $crate::under_every_runtime!(@ tokio_current_thread $suite $broker: $($test)+);
        $crate::under_every_runtime!(@ smol $suite $broker: $($test)+);
        $crate::under_every_runtime!(@ async_std $suite $broker: $($test)+);
    };
    (@ $runtime:ident $suite:ident $broker:ty: $($test:ident)+) => {
        mod $runtime {
            $(#[test]
            fn $test() -> $crate::Outcome {
                $crate::$runtime($crate::suites::$suite::$test::<$broker>())
            })+
        }
    };
    ($($test:ident),+ $(,)?) => {
        $crate::under_every_runtime!(@ tokio_multi_thread $($test)+);
        $crate::under_every_runtime!(@ tokio_current_thread $($test)+);
        $crate::under_every_runtime!(@ smol $($test)+);
        $crate::under_every_runtime!(@ async_std $($test)+);
    };
    (@ $runtime:ident $($test:ident)+) => {
        mod $runtime {
            $(#[test]
            fn $test() -> $crate::Outcome {
                $crate::$runtime(super::$test())
            })+
        }
    };
}

/// Runs test functions, `async fn(impl Runtime + Clone) -> Outcome`, under every runtime, with its
/// adapter; or those of a [suite](crate::suites), for a [`Broker`](crate::Broker). With `into trials`,
/// they are pushed into that instead, as [`Trial`](crate::Trial)s.
#[macro_export]
macro_rules! with_every_runtime {
    ($suite:ident for $broker:ty, into $trials:ident: $($test:ident),+ $(,)?) => {
        $crate::with_every_runtime!(@ into $trials, tokio_multi_thread, $crate::Tokio, $suite $broker: $($test)+);
        $crate::with_every_runtime!(@ into $trials, tokio_current_thread, $crate::Tokio, $suite $broker: $($test)+);
        $crate::with_every_runtime!(@ into $trials, smol, $crate::Smol, $suite $broker: $($test)+);
        $crate::with_every_runtime!(@ into $trials, async_std, $crate::AsyncStd, $suite $broker: $($test)+);
    };
    (@ into $trials:ident, $runtime:ident, $adapter:expr, $suite:ident $broker:ty: $($test:ident)+) => {
        $($trials.push($crate::trial(
            concat!(stringify!($suite), "::", stringify!($runtime), "::", stringify!($test)),
            || $crate::$runtime($crate::suites::$suite::$test::<$broker>($adapter)),
        ));)+
    };
    (into $trials:ident: $($test:ident),+ $(,)?) => {
        $crate::with_every_runtime!(@ into $trials, tokio_multi_thread, $crate::Tokio, own $($test)+);
        $crate::with_every_runtime!(@ into $trials, tokio_current_thread, $crate::Tokio, own $($test)+);
        $crate::with_every_runtime!(@ into $trials, smol, $crate::Smol, own $($test)+);
        $crate::with_every_runtime!(@ into $trials, async_std, $crate::AsyncStd, own $($test)+);
    };
    (@ into $trials:ident, $runtime:ident, $adapter:expr, own $($test:ident)+) => {
        $($trials.push($crate::trial(
            concat!(stringify!($runtime), "::", stringify!($test)),
            || $crate::$runtime($test($adapter)),
        ));)+
    };
    ($suite:ident for $broker:ty: $($test:ident),+ $(,)?) => {
        $crate::with_every_runtime!(@ tokio_multi_thread, $crate::Tokio, $suite $broker: $($test)+);
        $crate::with_every_runtime!(@ tokio_current_thread, $crate::Tokio, $suite $broker: $($test)+);
        $crate::with_every_runtime!(@ smol, $crate::Smol, $suite $broker: $($test)+);
        $crate::with_every_runtime!(@ async_std, $crate::AsyncStd, $suite $broker: $($test)+);
    };
    (@ $runtime:ident, $adapter:expr, $suite:ident $broker:ty: $($test:ident)+) => {
        mod $runtime {
            $(#[test]
            fn $test() -> $crate::Outcome {
                $crate::$runtime($crate::suites::$suite::$test::<$broker>($adapter))
            })+
        }
    };
    ($($test:ident),+ $(,)?) => {
        $crate::with_every_runtime!(@ tokio_multi_thread, $crate::Tokio, $($test)+);
        $crate::with_every_runtime!(@ tokio_current_thread, $crate::Tokio, $($test)+);
        $crate::with_every_runtime!(@ smol, $crate::Smol, $($test)+);
        $crate::with_every_runtime!(@ async_std, $crate::AsyncStd, $($test)+);
    };
    (@ $runtime:ident, $adapter:expr, $($test:ident)+) => {
        mod $runtime {
            $(#[test]
            fn $test() -> $crate::Outcome {
                $crate::$runtime(super::$test($adapter))
            })+
        }
    };
}
