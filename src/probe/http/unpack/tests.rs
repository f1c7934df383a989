use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::super::body::{BODY, LARGEST};
use super::*;

const TEXT: Keep = Keep {
    text: true,
    measure: Measure::Nothing,
    unpack: false,
    head: false,
};

fn unpacked(encoding: &str, data: &[u8], keep: Keep) -> Body {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
    let mut unpack = Unpack::new(&headers, keep);
    for piece in data.chunks(7) {
        let mut piece = Bytes::copy_from_slice(piece);
        loop {
            match unpack.take(&mut piece) {
                Taken::More => break,
                Taken::Rest => {}
                Taken::Enough => return unpack.end(None),
                Taken::Broken(why) => return unpack.end(Some(why)),
            }
        }
    }
    unpack.end(None)
}

/// 100 MiB of zeros, as `brotli -q 11` packs them.
const BROTLI_BOMB: &[u8] = b"\
    \xcb\xff\xff\x3f\xf8\x27\x00\xe2\xb1\x40\x20\xf7\xfe\x8f\xff\xff\x7f\xf0\x4f\x00\xc4\x61\x11\x80\
    \xee\xfd\x1f\xff\xff\xff\xe0\x9f\x00\x88\xc3\x02\x00\xdd\xfb\x3f\xfe\xff\xff\xc1\x3f\x01\x10\x87\
    \x05\x00\xba\xf7\x7f\xfc\xff\xff\x83\x7f\x02\x20\x0e\x0b\x00\x74\xef\xff\xf8\xff\xff\x07\xff\x04\
    \x40\x1c\x16\x00\xe8\xde\xff\xf1\xff\xff\x0f\xfe\x09\x80\x38\x2c\x00\xd0\xbd\xff\xe3\xff\xff\x1f\
    \xfc\x13\x00\x71\x58\x00\xa0\x7b\xff\xc7\xff\xff\x3f\xf8\x27\x00\xe2\xb0\x00\x40\xf7\xfe\x8f\xff\
    \xff\x7f\xf0\x4f\x00\xc4\x61\x01\x80\xee\xfd\x1f\xff\xff\xff\xe0\x9f\x00\x88\xc3\x02\x00\xdd\xfb\
    \x3f\xfe\xff\xff\xc1\x3f\x01\x10\x87\x05\x00\xba\xf7\x7f\xf9\xff\xff\x83\x7f\x02\x20\x0e\x0b\x00\
    \x74\xef\x7f\x00\
";

/// A frame that says nothing (RFC 8878, section 3.1.2).
const SKIPPED: &[u8] = b"\x50\x2a\x4d\x18\x03\0\0\0abc";

fn zstd(data: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn each_way_of_packing_is_unpacked() {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zlib.write_all(b"hello").unwrap();
    let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
    raw.write_all(b"hello").unwrap();
    for (encoding, data) in [
        ("GZip", gzip(b"hello")),
        ("gzip", [gzip(b"he"), gzip(b"llo")].concat()),
        ("deflate", zlib.finish().unwrap()),
        ("deflate", raw.finish().unwrap()),
        // As `brotli` and `zstd` pack it.
        ("br", b"\x0b\x02\x80hello\x03".to_vec()),
        ("zstd", zstd(b"hello")),
        (
            "zstd",
            [SKIPPED, &zstd(b"he"), SKIPPED, &zstd(b"llo")].concat(),
        ),
        ("identity", b"hello".to_vec()),
    ] {
        let body = unpacked(encoding, &data, TEXT);
        assert_eq!(
            (&*body.text, body.packed),
            (&b"hello"[..], None),
            "{encoding}"
        );
    }
}

#[test]
fn what_cannot_be_unpacked_says_so() {
    let whole = gzip(&[b'a'; 500]);
    let (half, _) = whole.split_at(whole.len() - 6);
    for (encoding, data, said) in [
        (
            "gzip",
            &b"hello"[..],
            "says it is gzip, and is not, or is damaged",
        ),
        ("gzip", half, "says it is gzip, and is not, or is damaged"),
        (
            "deflate",
            b"\x07ello",
            "says it is deflate, and is not, or is damaged",
        ),
        (
            "br",
            b"hello",
            "says it is brotli, and is not, or is damaged",
        ),
        (
            "br",
            b"\x0b\x02\x80hel",
            "says it is brotli, and is not, or is damaged",
        ),
        (
            "zstd",
            b"hello",
            "says it is zstd, and is not, or is damaged",
        ),
        (
            "compress",
            b"hello",
            "is packed with compress, which is not unpacked here",
        ),
        (
            "gzip, gzip",
            b"hello",
            "is packed with gzip, gzip, which is not unpacked here",
        ),
    ] {
        let body = unpacked(encoding, data, TEXT);
        assert_eq!(body.packed.as_deref(), Some(said), "{encoding}");
    }
    let whole = zstd(&[b'a'; 500]);
    for end in 1..whole.len() {
        let (cut, _) = whole.split_at(end);
        let body = unpacked("zstd", cut, TEXT);
        let said = Some("says it is zstd, and is not, or is damaged");
        assert_eq!(body.packed.as_deref(), said, "{end} bytes");
    }
    assert_eq!(unpacked("br", b"hello", Keep::default()).packed, None);
}

/// The beginning of a frame (RFC 8878, section 3.1.1.1) with a window of 2^`log` bytes.
fn frame(log: u8) -> Vec<u8> {
    vec![0x28, 0xb5, 0x2f, 0xfd, 0, (log - 10) << 3]
}

/// A hundred thousand zeros in four bytes, a thousand times.
fn zstd_bomb(log: u8) -> Vec<u8> {
    let mut bomb = frame(log);
    for nth in 1..=1_000 {
        let header = 100_000_u32 << 3 | 1 << 1 | u32::from(nth == 1_000);
        bomb.extend_from_slice(&header.to_le_bytes()[..3]);
        bomb.push(0);
    }
    bomb
}

#[test]
fn a_bomb_ends_at_the_limit_whatever_is_asked_of_it() {
    // 100 MB of zeros, packed 1:1000 and more.
    let gzip_bomb = gzip(&vec![0; 100 << 20]);
    assert!(gzip_bomb.len() < 110 << 10);
    for (encoding, bomb) in [
        ("gzip", &gzip_bomb[..]),
        ("br", BROTLI_BOMB),
        ("zstd", &zstd_bomb(20)),
        ("zstd", &zstd_bomb(23)),
    ] {
        let body = unpacked(encoding, bomb, TEXT);
        let found = (body.text.len(), body.cut, body.packed);
        assert_eq!(found, (BODY, true, None), "{encoding}");
        let size = Keep {
            measure: Measure::Size,
            ..TEXT
        };
        let body = unpacked(encoding, bomb, size);
        let found = (body.size, body.cut, body.text.len());
        assert_eq!(found, (LARGEST, true, BODY), "{encoding}");
    }
}

#[test]
fn what_a_few_bytes_hold_comes_out_in_turns() {
    let sum = Keep {
        measure: Measure::Sum,
        ..TEXT
    };
    for (encoding, bomb) in [
        ("gzip", gzip(&vec![0; 100 << 20])),
        ("br", BROTLI_BOMB.to_vec()),
        // Several blocks at once, and a window that comes out at the end.
        ("zstd", zstd_bomb(20)),
        ("zstd", zstd(&vec![0; 8 << 20])),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        let mut unpack = Unpack::new(&headers, sum);
        let mut all = Bytes::from(bomb);
        loop {
            let (before, left) = (unpack.size(), all.len());
            let taken = unpack.take(&mut all);
            let (came, went) = (unpack.size() - before, left - all.len());
            assert!(came < OUT + (64 << 10), "{encoding}: {came} bytes came out");
            assert!(went <= IN, "{encoding}: {went} bytes went in");
            if taken != Taken::Rest {
                break;
            }
            assert!(came > 0 || went > 0, "{encoding}: it stands still");
        }
        assert!(unpack.size() >= 8 << 20, "{encoding}");
    }
}

#[test]
fn no_window_is_larger_than_its_bound() {
    let said = Some("is packed with a window of more than 8 MiB (RFC 9659)");
    let body = unpacked("zstd", &zstd_bomb(24), TEXT);
    assert_eq!(body.packed.as_deref(), said);
    // A single segment is its own window: 16 MiB of it.
    let mut single = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    single.extend_from_slice(&(16_u32 << 20).to_le_bytes());
    let body = unpacked("zstd", &single, TEXT);
    assert_eq!(body.packed.as_deref(), said);
    // A large window of brotli: 2^30.
    let body = unpacked("br", &[0x11, 0x1e, 0x0b, 0x02, 0x80], TEXT);
    assert_eq!(
        body.packed.as_deref(),
        Some("says it is brotli, and is not, or is damaged")
    );
}

#[test]
fn garbage_within_a_packed_body_harms_nobody() {
    let text: Vec<u8> = (0..4_000_u32)
        .flat_map(|n| (n * n).to_string().into_bytes())
        .collect();
    let whole = zstd(&text);
    for at in 0..whole.len() {
        for bit in [0, 3, 7] {
            let mut odd = whole.clone();
            odd[at] ^= 1 << bit;
            let body = unpacked("zstd", &odd, TEXT);
            assert!(body.text.len() <= BODY, "{at}");
        }
    }
    for at in 0..BROTLI_BOMB.len() {
        for bit in [0, 3, 7] {
            let mut odd = BROTLI_BOMB.to_vec();
            odd[at] ^= 1 << bit;
            let body = unpacked("br", &odd, TEXT);
            assert!(body.text.len() <= BODY, "{at}");
        }
    }
}
