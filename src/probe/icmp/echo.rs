//! Echo requests and replies (RFC 792, RFC 4443). Pure.

/// Type, code, checksum, identifier, sequence number.
const HEADER: usize = 8;

/// What marks the requests of one look, so that the late reply to another is none to this.
pub(super) type Mark = [u8; 16];

/// A request. The system fills in the checksum and its own identifier.
pub(super) fn request(is_v6: bool, number: u16, mark: Mark, size: usize) -> Vec<u8> {
    let kind = if is_v6 { 128 } else { 8 };
    let mut packet = vec![kind, 0, 0, 0, 0, 0];
    packet.extend_from_slice(&number.to_be_bytes());
    packet.extend_from_slice(&mark);
    packet.resize(HEADER + size, 0);
    packet
}

/// The number of the request that this is the reply to, where it has our identifier and mark.
pub(super) fn reply(is_v6: bool, bytes: &[u8], identifier: u16, mark: Mark) -> Option<u16> {
    let kind = if is_v6 { 129 } else { 0 };
    let (header, body) = bytes.split_first_chunk::<HEADER>()?;
    let [is, code, _, _, id_high, id_low, high, low] = *header;
    let is_ours = is == kind
        && code == 0
        && u16::from_be_bytes([id_high, id_low]) == identifier
        && body.starts_with(&mark);
    is_ours.then(|| u16::from_be_bytes([high, low]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_known_by_kind_identifier_and_mark() {
        for is_v6 in [false, true] {
            let mut packet = request(is_v6, 7, [3; 16], 56);
            assert_eq!(packet.len(), 64);
            assert_eq!(reply(is_v6, &packet, 0, [3; 16]), None, "a request");
            packet[0] = if is_v6 { 129 } else { 0 };
            packet[4..6].copy_from_slice(&[1, 2]);
            assert_eq!(reply(is_v6, &packet, 0x0102, [3; 16]), Some(7));
            assert_eq!(reply(is_v6, &packet, 0x0103, [3; 16]), None);
            assert_eq!(reply(is_v6, &packet, 0x0102, [4; 16]), None);
            assert_eq!(reply(!is_v6, &packet, 0x0102, [3; 16]), None);
            assert_eq!(reply(is_v6, &packet[..20], 0x0102, [3; 16]), None);
        }
    }
}
