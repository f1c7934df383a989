//! Frames (RFC 6455, section 5), within bounds. Pure.

/// Longest message that is taken; what is expected of one stands near its beginning.
pub(super) const LONGEST: usize = 64 << 10;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Continuation,
    /// Text or binary.
    Message,
    Close,
    Ping,
    Pong,
}

/// A frame of a server, and how many bytes it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) kind: Kind,
    pub(super) is_last: bool,
    pub(super) payload: &'a [u8],
    pub(super) length: usize,
}

impl<'a> Frame<'a> {
    /// The frame at the beginning; none where some of it is missing. The error says what is wrong with it.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Option<Self>, &'static str> {
        let Some((&[first, second], rest)) = bytes.split_first_chunk() else {
            return Ok(None);
        };
        let kind = match first & 0x0f {
            0 => Kind::Continuation,
            1 | 2 => Kind::Message,
            8 => Kind::Close,
            9 => Kind::Ping,
            10 => Kind::Pong,
            _ => return Err("a frame of a kind that there is not"),
        };
        let is_last = first & 0x80 != 0;
        if first & 0x70 != 0 {
            return Err("a frame of an extension that it was not offered");
        }
        if second & 0x80 != 0 {
            return Err("a masked frame, as only clients do");
        }
        let (size, header) = match second {
            126 => match rest.first_chunk() {
                Some(size) => (u64::from(u16::from_be_bytes(*size)), 4),
                None => return Ok(None),
            },
            127 => match rest.first_chunk() {
                Some(size) => (u64::from_be_bytes(*size), 10),
                None => return Ok(None),
            },
            short => (u64::from(short), 2),
        };
        let is_control = matches!(kind, Kind::Close | Kind::Ping | Kind::Pong);
        if is_control && (!is_last || size > 125) {
            return Err("a control frame in pieces, or longer than 125 bytes");
        }
        let size = usize::try_from(size).ok().filter(|size| *size <= LONGEST);
        let size = size.ok_or("a message of more than 64 KiB")?;
        let length = header + size;
        Ok(bytes.get(header..length).map(|payload| Self {
            kind,
            is_last,
            payload,
            length,
        }))
    }
}

/// A frame of ours, which is always whole and masked. `opcode`: 1 text, 8 close, 10 pong.
pub(super) fn write(opcode: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut out = vec![0x80 | opcode];
    match u16::try_from(payload.len()) {
        Ok(short @ ..=125) => out.push(0x80 | short.to_be_bytes()[1]),
        Ok(long) => {
            out.push(0xfe);
            out.extend_from_slice(&long.to_be_bytes());
        }
        Err(_) => {
            out.push(0xff);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    let masked = payload.iter().zip(mask.iter().cycle());
    out.extend(masked.map(|(byte, mask)| byte ^ mask));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_are_read_and_written() {
        // RFC 6455, section 5.7.
        let hello = [0x81, 5, b'H', b'e', b'l', b'l', b'o', 0xff];
        let frame = Frame::read(&hello).unwrap().unwrap();
        assert_eq!(
            (frame.kind, frame.is_last, frame.length),
            (Kind::Message, true, 7)
        );
        assert_eq!(frame.payload, b"Hello");
        assert_eq!(
            write(1, b"Hello", [0x37, 0xfa, 0x21, 0x3d]),
            [
                0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58
            ]
        );
        let long = write(1, &[0; 300], [0; 4]);
        assert_eq!((&long[..4], long.len()), (&[0x81, 0xfe, 1, 44][..], 308));
    }

    #[test]
    fn what_is_not_there_yet_is_waited_for_and_what_is_wrong_is_told() {
        for part in [
            &[][..],
            &[0x81],
            &[0x81, 5, b'H'],
            &[0x82, 126, 1],
            &[0x82, 127, 0, 0],
        ] {
            assert_eq!(Frame::read(part), Ok(None), "{part:?}");
        }
        for (bytes, wrong) in [
            (&[0x83, 0][..], "a kind that there is not"),
            (&[0xc1, 0], "an extension"),
            (&[0x81, 0x80], "masked"),
            (&[0x09, 0], "control frame"),
            (&[0x89, 126, 0, 200], "control frame"),
            (&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 1], "more than 64 KiB"),
            (
                &[0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255],
                "more than 64 KiB",
            ),
        ] {
            let error = Frame::read(bytes).unwrap_err();
            assert!(error.contains(wrong), "{error}");
        }
    }
}
