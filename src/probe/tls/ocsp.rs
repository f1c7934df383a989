//! What an OCSP response says of one certificate (RFC 6960, section 4.2.1). Pure, and as little of DER as that needs.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 0x04;
const TIME: u8 = 0x18;
/// Context-specific tags, constructed.
const FIRST: u8 = 0xa0;
const SECOND: u8 = 0xa1;
/// id-pkix-ocsp-basic, with its tag and length.
const BASIC: [u8; 11] = [6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
/// Status "good" and "unknown", implicit.
const GOOD: u8 = 0x80;
const UNKNOWN: u8 = 0x82;

/// What is said of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Until then, in seconds since 1970; none where there is always news.
    Good {
        until: Option<i64>,
    },
    Revoked,
    Unknown,
}

/// What `response` says of the certificate with this serial number; none where it cannot be read, or says nothing
/// of it.
pub(super) fn status(response: &[u8], serial: &[u8]) -> Option<Status> {
    let mut outer = Der(Der(response).take(SEQUENCE)?);
    // "successful".
    if outer.any()? != (0x0a, &[0]) {
        return None;
    }
    let mut bytes = Der(Der(outer.take(FIRST)?).take(SEQUENCE)?);
    bytes.0 = bytes.0.strip_prefix(&BASIC)?;
    let basic = Der(bytes.take(OCTETS)?).take(SEQUENCE)?;
    let mut data = Der(Der(basic).take(SEQUENCE)?);
    data.skip(FIRST);
    // Who says it, by name or by key.
    data.any()?;
    data.take(TIME)?;
    let mut all = Der(data.take(SEQUENCE)?);
    while !all.0.is_empty() {
        let mut single = Der(all.take(SEQUENCE)?);
        let (_, number) = Der(single.take(SEQUENCE)?).last()?;
        if number == serial {
            return said(single);
        }
    }
    None
}

fn said(mut single: Der<'_>) -> Option<Status> {
    let (tag, _) = single.any()?;
    match tag {
        SECOND => return Some(Status::Revoked),
        UNKNOWN => return Some(Status::Unknown),
        GOOD => {}
        _ => return None,
    }
    single.take(TIME)?;
    let until = match single.skip(FIRST) {
        Some(until) => Some(time(Der(until).take(TIME)?)?),
        None => None,
    };
    Some(Status::Good { until })
}

/// `YYYYMMDDHHMMSSZ`, the only form that is allowed.
fn time(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// What is still to be read of a value's content.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element: its tag and content.
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            // Up to 64 KiB, which is all that a handshake can carry of it and more.
            0x81 | 0x82 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
                let length = bytes
                    .iter()
                    .fold(0, |all, byte| all << 8 | usize::from(*byte));
                (length, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }

    /// The content of the next element, which must be one of these.
    fn take(&mut self, wanted: u8) -> Option<&'a [u8]> {
        let (tag, content) = self.any()?;
        (tag == wanted).then_some(content)
    }

    /// The content of the next element, where it is one of these.
    fn skip(&mut self, wanted: u8) -> Option<&'a [u8]> {
        if self.0.first() != Some(&wanted) {
            return None;
        }
        self.any().map(|(_, content)| content)
    }

    /// The last element.
    fn last(mut self) -> Option<(u8, &'a [u8])> {
        let mut last = None;
        while !self.0.is_empty() {
            last = Some(self.any()?);
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, &content].concat()
    }

    /// A response on the serial number 1 2 3, after one on another.
    fn response(said: &[u8]) -> Vec<u8> {
        let time = der(TIME, &[b"20260101000000Z"]);
        let single = |serial: &[u8], said: &[u8]| {
            let serial = der(2, &[serial]);
            let id = der(
                SEQUENCE,
                &[&der(SEQUENCE, &[]), &der(OCTETS, &[b"n"]), &serial],
            );
            der(SEQUENCE, &[&id, said, &time, &der(FIRST, &[&time])])
        };
        let all = [single(&[9], &[GOOD, 0]), single(&[1, 2, 3], said)].concat();
        let data = der(
            SEQUENCE,
            &[&der(0xa2, &[b"key"]), &time, &der(SEQUENCE, &[&all])],
        );
        let basic = der(SEQUENCE, &[&data, &der(SEQUENCE, &[]), &der(3, &[&[0]])]);
        let bytes = der(SEQUENCE, &[&BASIC, &der(OCTETS, &[&basic])]);
        der(SEQUENCE, &[&[0x0a, 1, 0], &der(FIRST, &[&bytes])])
    }

    #[test]
    fn what_is_said_of_a_certificate_is_found_by_its_number() {
        let good = response(&[GOOD, 0]);
        let until = Some(1_767_225_600);
        assert_eq!(status(&good, &[1, 2, 3]), Some(Status::Good { until }));
        assert_eq!(status(&good, &[1, 2]), None);
        let revoked = response(&der(SECOND, &[&der(TIME, &[b"20250101000000Z"])]));
        assert_eq!(status(&revoked, &[1, 2, 3]), Some(Status::Revoked));
        assert_eq!(status(&revoked, &[9]), Some(Status::Good { until }));
        let unknown = response(&[UNKNOWN, 0]);
        assert_eq!(status(&unknown, &[1, 2, 3]), Some(Status::Unknown));
    }

    #[test]
    fn what_cannot_be_read_says_nothing_and_harms_nobody() {
        let good = response(&[GOOD, 0]);
        for end in 0..good.len() {
            assert_eq!(status(&good[..end], &[1, 2, 3]), None, "{end} bytes");
        }
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut odd = good.clone();
                odd[at] ^= 1 << bit;
                // Whatever comes of it.
                assert_ne!(
                    status(&odd, &[1, 2, 3]),
                    Some(Status::Revoked),
                    "{at} {bit}"
                );
            }
        }
        assert_eq!(status(&[0x30, 3, 0x0a, 1, 6], &[1]), None, "try later");
    }
}
