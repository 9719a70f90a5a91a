//! Encoding and decoding, with the errors of the face.

use crate::{Encode, Error, ErrorKind, proto::frame::ContentType};

/// Encodes a value, and returns the bytes with their content type.
pub(crate) fn encoded<E, T>(encoder: &E, value: &T) -> Result<(ContentType, Vec<u8>), Error>
where
    E: Encode<T>,
    T: ?Sized,
{
    let content_type = ContentType::from_static(encoder.content_type()).ok_or_else(|| {
        let text = format!("{:?} is not a content type", encoder.content_type());
        Error::new(ErrorKind::Encode, text)
    })?;
    /// Large enough that most values are encoded without reallocating.
    const USUAL: usize = 128;
    let mut bytes = Vec::with_capacity(USUAL);
    encoder
        .encode(value, &mut bytes)
        .map_err(|error| Error::with_cause(ErrorKind::Encode, error))?;
    Ok((content_type, bytes))
}

/// Checks that a body was made by the same encoder.
pub(crate) fn check_content_type(theirs: &str, ours: &str) -> Result<(), Error> {
    if theirs == ours {
        return Ok(());
    }
    let text = format!("it is {theirs}, and this conduit decodes {ours}");
    Err(Error::new(ErrorKind::ContentType, text))
}
