//! The two messages of `grpc.health.v1.Health/Check`, in protobuf, and the frame of gRPC around them. Pure.
//!
//! `HealthCheckRequest { string service = 1; }`, `HealthCheckResponse { ServingStatus status = 1; }`.

/// Health as the protocol has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Unknown,
    Serving,
    NotServing,
    ServiceUnknown,
    /// One that the protocol did not have when this was written.
    Other(u64),
}

impl Health {
    /// The word for it in the protocol.
    pub(super) fn word(self) -> String {
        match self {
            Self::Unknown => "UNKNOWN".to_owned(),
            Self::Serving => "SERVING".to_owned(),
            Self::NotServing => "NOT_SERVING".to_owned(),
            Self::ServiceUnknown => "SERVICE_UNKNOWN".to_owned(),
            Self::Other(number) => format!("status {number}"),
        }
    }
}

/// A request, with its frame: not compressed, and its length.
pub(super) fn request(service: &str) -> Vec<u8> {
    let mut message = Vec::with_capacity(service.len() + 3);
    if !service.is_empty() {
        // Field 1, a length and that many bytes.
        message.push(0x0a);
        let mut length = service.len();
        while length >= 0x80 {
            message.push(length.to_le_bytes()[0] | 0x80);
            length >>= 7;
        }
        message.push(length.to_le_bytes()[0]);
        message.extend_from_slice(service.as_bytes());
    }
    let mut out = vec![0];
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&message);
    out
}

/// The health in a response, with its frame. None where it is no such thing.
pub(super) fn response(bytes: &[u8]) -> Option<Health> {
    let (frame, message) = bytes.split_first_chunk::<5>()?;
    let [compressed, length @ ..] = *frame;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    if compressed != 0 || message.len() != length {
        return None;
    }
    let mut rest = message;
    // What is not said is 0, and of what is said twice the last counts.
    let mut status = 0;
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        match (key >> 3, key & 7) {
            (1, 0) => status = varint(&mut rest)?,
            (_, 0) => {
                varint(&mut rest)?;
            }
            (_, 1) => rest = rest.get(8..)?,
            (_, 2) => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                rest = rest.get(length..)?;
            }
            (_, 5) => rest = rest.get(4..)?,
            _ => return None,
        }
    }
    Some(match status {
        0 => Health::Unknown,
        1 => Health::Serving,
        2 => Health::NotServing,
        3 => Health::ServiceUnknown,
        other => Health::Other(other),
    })
}

/// A number of at most ten bytes, seven bits in each, the least first.
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..10 {
        let (byte, more) = rest.split_first()?;
        *rest = more;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_name_of_the_service_or_nothing() {
        assert_eq!(request(""), [0, 0, 0, 0, 0]);
        assert_eq!(request("ab"), [0, 0, 0, 0, 4, 0x0a, 2, b'a', b'b']);
        let long = request(&"x".repeat(200));
        assert_eq!(&long[..8], [0, 0, 0, 0, 203, 0x0a, 200, 1]);
    }

    #[test]
    fn a_response_is_read_whatever_else_is_in_it_and_never_beyond_its_end() {
        for (message, health) in [
            (&[][..], Some(Health::Unknown)),
            (&[8, 1], Some(Health::Serving)),
            (&[8, 2], Some(Health::NotServing)),
            (&[8, 3], Some(Health::ServiceUnknown)),
            (&[8, 0x80, 1], Some(Health::Other(128))),
            (
                &[
                    0x12, 2, 9, 9, 0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 8, 1,
                ],
                Some(Health::Serving),
            ),
            (&[8], None),
            (&[0x12, 200, 1], None),
            (
                &[8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
                None,
            ),
            (&[0x0b], None),
        ] {
            let mut bytes = vec![0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
            bytes.extend_from_slice(message);
            assert_eq!(response(&bytes), health, "{message:?}");
        }
        assert_eq!(response(&[1, 0, 0, 0, 0]), None, "compressed");
        assert_eq!(response(&[0, 0, 0, 0, 3, 8, 1]), None, "cut");
        assert_eq!(response(&[0, 0]), None);
    }
}
