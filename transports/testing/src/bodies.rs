//! Large bodies that cost next to nothing to make.

use std::{io, sync::LazyLock};

use bytes::Bytes;
use conduit::{Body, Error, IncomingBody};
use futures_lite::{StreamExt, stream};
use sha2::{Digest, Sha256, digest::Output};

/// It is prime, so that no piece that is lost, repeated or out of place looks right.
const PERIOD: usize = 1_048_573;

static TABLE: LazyLock<Bytes> = LazyLock::new(|| {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    (0..PERIOD).map(|_| random()).collect()
});

/// The same bytes again and again, up to a length.
fn pieces(length: u64) -> impl Iterator<Item = Bytes> + Send {
    let mut left = length;
    std::iter::from_fn(move || {
        let piece = TABLE.slice(..PERIOD.min(usize::try_from(left).unwrap_or(PERIOD)));
        left -= piece.len() as u64;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Returns a body of that length, made as it is sent.
#[must_use]
pub fn body(length: u64) -> Body {
    Body::stream(stream::iter(pieces(length)).map(io::Result::Ok))
}

/// The SHA-256 of such a body.
#[must_use]
pub fn sha256(length: u64) -> Output<Sha256> {
    let mut hash = Sha256::new();
    pieces(length).for_each(|piece| hash.update(piece));
    hash.finalize()
}

/// Reads to the end, tells each time how much there is by now, and returns the SHA-256.
///
/// # Errors
/// The body does not arrive whole.
pub async fn read(
    mut body: IncomingBody,
    mut progress: impl FnMut(u64),
) -> Result<Output<Sha256>, Error> {
    let (mut hash, mut received) = (Sha256::new(), 0);
    while let Some(bytes) = body.next().await {
        let bytes = bytes?;
        received += bytes.len() as u64;
        hash.update(bytes);
        progress(received);
    }
    Ok(hash.finalize())
}
