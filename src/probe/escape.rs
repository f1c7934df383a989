//! Bytes as people write them in a text: `\x00`, `\r`, `\n`, `\t`, `\0`, `\\`. What TOML has made of its own
//! escapes by then stays as it is.

use crate::settings::Section;

/// Longest text to send, in bytes: a request is short.
const MOST: usize = 4 << 10;

/// Reads the bytes under `key`; empty where there are none.
pub(super) fn read(section: &mut Section<'_>, key: &'static str) -> Vec<u8> {
    let Some(text) = section.string(key) else {
        return Vec::new();
    };
    match bytes(&text) {
        Ok(bytes) if bytes.len() <= MOST => bytes,
        Ok(_) => {
            section.refuse(key, format!("\"{key}\" is too long"), "at most 4 KiB");
            Vec::new()
        }
        Err(wrong) => {
            section.refuse(
                key,
                format!("\"{key}\" has an escape that is none: {wrong}"),
                r"write \xFF for a byte, \r, \n, \t, \0, and \\ for a backslash",
            );
            Vec::new()
        }
    }
}

/// The bytes that `text` means. The error is what is no escape in it.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escape = rest.next();
        out.push(match escape {
            Some('r') => b'\r',
            Some('n') => b'\n',
            Some('t') => b'\t',
            Some('0') => 0,
            Some('\\') => b'\\',
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                let is_hex = digits.len() == 2 && digits.chars().all(|c| c.is_ascii_hexdigit());
                let byte = is_hex.then(|| u8::from_str_radix(&digits, 16).ok());
                byte.flatten().ok_or_else(|| format!("\\x{digits}"))?
            }
            Some(other) => return Err(format!("\\{other}")),
            None => return Err("\\".to_owned()),
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_a_byte_and_all_else_is_as_it_stands() {
        for (text, means) in [
            ("PING\r\n", Ok(b"PING\r\n".to_vec())),
            (r"PING\r\n", Ok(b"PING\r\n".to_vec())),
            (r"\x00\xfF\0\\x41", Ok(b"\x00\xff\x00\\x41".to_vec())),
            ("é", Ok("é".as_bytes().to_vec())),
            (r"\q", Err(r"\q".to_owned())),
            (r"\x+1", Err(r"\x+1".to_owned())),
            (r"\x1", Err(r"\x1".to_owned())),
            (r"end\", Err(r"\".to_owned())),
        ] {
            assert_eq!(bytes(text), means, "{text}");
        }
    }
}
