//! The checksum of a body: CRC-32C (RFC 3720, section 12.1).

use crc_fast::{CrcAlgorithm, Digest};

/// Extends a running CRC-32C by more bytes. The checksum of no bytes is 0.
pub(super) fn append(checksum: u32, bytes: &[u8]) -> u32 {
    let state = u64::from(!checksum);
    let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc32Iscsi, state);
    digest.update(bytes);
    // The upper half is zero.
    let [.., a, b, c, d] = digest.finalize().to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::append;

    /// From RFC 3720, appendix B.4, and the usual check value of CRC-32C.
    #[test]
    fn it_is_that_of_the_standard() {
        assert_eq!(append(0, &[]), 0);
        assert_eq!(append(0, &[0; 32]), 0x8a91_36aa);
        assert_eq!(append(0, &[0xff; 32]), 0x62a8_ab43);
        assert_eq!(append(0, b"123456789"), 0xe306_9283);
    }

    #[test]
    fn it_does_not_depend_on_where_bytes_are_parted() {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(3_000).collect();
        let whole = crc32c::crc32c(&bytes);
        for at in (0..bytes.len()).step_by(7) {
            let (first, rest) = bytes.split_at(at);
            assert_eq!(append(append(0, first), rest), whole, "{at}");
        }
    }
}
