//! Bodies from the command line.

use std::{
    io::IsTerminal,
    path::Path,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use conduit::Body;
use conduit_tokio::from_tokio;
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncReadExt, ReadBuf},
};

use crate::exit::{Exit, local};

/// The longest body with a content type, which is read into memory.
const MOST_IN_MEMORY: u64 = 16 << 20;

/// Where a body comes from.
pub(crate) enum Source {
    Text(String),
    Stdin,
    File(File, u64),
}

impl Source {
    /// Opens what the argument names.
    pub(crate) async fn open(argument: Option<String>) -> Result<Self, Exit> {
        match argument.as_deref() {
            None if std::io::stdin().is_terminal() => Ok(Self::Text(String::new())),
            None | Some("-") => Ok(Self::Stdin),
            Some(text) => match text.strip_prefix('@') {
                Some(path) => Self::file(Path::new(path)).await,
                None => Ok(Self::Text(text.to_owned())),
            },
        }
    }

    pub(crate) async fn file(path: &Path) -> Result<Self, Exit> {
        let file = File::open(path).await.map_err(local(path.display()))?;
        let metadata = file.metadata().await.map_err(local(path.display()))?;
        if !metadata.is_file() {
            return Err(Exit::usage(format!("{} is no file", path.display())));
        }
        Ok(Self::File(file, metadata.len()))
    }

    /// Returns it as a body that is read while it is sent.
    pub(crate) fn into_body(self) -> Body {
        match self {
            Self::Text(text) => text.into(),
            Self::Stdin => Body::reader(from_tokio(tokio::io::stdin())),
            Self::File(file, length) => Body::sized_reader(from_tokio(file), length),
        }
    }

    /// Reads it into memory.
    pub(crate) async fn read(self) -> Result<Vec<u8>, Exit> {
        let mut bytes = Vec::new();
        let limit = MOST_IN_MEMORY + 1;
        let read = match self {
            Self::Text(text) => return Ok(text.into_bytes()),
            Self::Stdin => tokio::io::stdin().take(limit).read_to_end(&mut bytes).await,
            Self::File(file, _) => file.take(limit).read_to_end(&mut bytes).await,
        };
        read.map_err(local("the body cannot be read"))?;
        if bytes.len() as u64 > MOST_IN_MEMORY {
            return Err(Exit::usage("a body with --content-type has at most 16 MiB"));
        }
        Ok(bytes)
    }
}

/// A reader that shows each piece to something else.
pub(crate) struct Watched<R, W> {
    reader: R,
    watch: W,
}

impl<R, W: FnMut(&[u8])> Watched<R, W> {
    pub(crate) fn new(reader: R, watch: W) -> Self {
        Self { reader, watch }
    }
}

impl<R: AsyncRead + Unpin, W: FnMut(&[u8]) + Unpin> AsyncRead for Watched<R, W> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let Self { reader, watch } = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(reader).poll_read(cx, buffer);
        if let Poll::Ready(Ok(())) = polled {
            watch(&buffer.filled()[before..]);
        }
        polled
    }
}

/// A count that several parties share.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<AtomicU64>);

impl Shared {
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
