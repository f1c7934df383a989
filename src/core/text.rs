//! Text from outside, made harmless and short once, where it enters.

use std::sync::Arc;

use uuid::Uuid;

/// Longest message that is kept of an outcome, in characters: two lines of a mail.
pub const MESSAGE_CHARS: usize = 240;

/// `text` on one line without control characters, at most `limit` characters, `…` where it was cut.
///
/// What a target says (a header, a certificate, an error text) ends up in mails, pages and logs;
/// C0, C1, DEL, line separators and every character that only reorders or hides others are replaced by a
/// space here.
pub fn line(text: &str, limit: usize) -> String {
    let mut plain = text
        .trim()
        .chars()
        .map(|c| if is_plain(c) { c } else { ' ' });
    let mut out: String = plain.by_ref().take(limit).collect();
    if plain.next().is_some() {
        out.pop();
        out.push('…');
    }
    out.truncate(out.trim_end().len());
    out
}

/// The last lines of `text` on one line, ` · ` between them, as many as fit into `limit` characters. Of a last line that
/// is longer the beginning.
pub fn end(text: &str, limit: usize) -> String {
    const BETWEEN: &str = " · ";
    let mut kept: Vec<String> = Vec::new();
    let mut room = limit + BETWEEN.chars().count();
    for line in text.lines().rev().map(|text| line(text, limit)) {
        let needed = line.chars().count() + BETWEEN.chars().count();
        if line.is_empty() {
            continue;
        }
        if !kept.is_empty() && needed > room {
            break;
        }
        room = room.saturating_sub(needed);
        kept.push(line);
    }
    kept.reverse();
    kept.join(BETWEEN)
}

/// Whether [`line`] cuts it.
pub fn is_longer(text: &str, limit: usize) -> bool {
    text.trim().chars().nth(limit).is_some()
}

/// As [`line`], but cut behind a word, where one ends in the second half.
pub fn words(text: &str, limit: usize) -> String {
    if !is_longer(text, limit) {
        return line(text, limit);
    }
    let longer = line(text, limit + 1);
    // Room for a space and the ellipsis. The space after the last word may be the first that does not fit.
    let head = longer.chars().take(limit.saturating_sub(1));
    let head: String = head.collect();
    let end = head.char_indices().rev().find(|(_, c)| c.is_whitespace());
    let whole = end.and_then(|(end, _)| head.get(..end)).map(str::trim_end);
    match whole.filter(|whole| whole.chars().count() >= limit / 2) {
        Some(whole) => format!("{whole} …"),
        None => line(text, limit),
    }
}

/// `text` with its lines, without any other control characters, at most `limit` characters.
pub fn block(text: &str, limit: usize) -> String {
    let plain = |c| {
        if matches!(c, '\n' | '\t') || is_plain(c) {
            c
        } else {
            ' '
        }
    };
    let plain = text.trim_end().chars().filter(|&c| c != '\r').map(plain);
    plain.take(limit).collect()
}

/// `text` as the message of an outcome: one line of at most [`MESSAGE_CHARS`] characters.
pub fn message(text: &str) -> Arc<str> {
    words(text, MESSAGE_CHARS).into()
}

/// Whether `c` can stand in one line of text without moving the cursor, hiding or reordering anything.
///
/// The joiners U+200C and U+200D pass: Persian, Indian scripts and emoji are not written without them.
fn is_plain(c: char) -> bool {
    !c.is_control() && !is_reordering(c) && !is_hidden(c)
}

/// Whether `c` has the Unicode property `Bidi_Control`.
fn is_reordering(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether `c` breaks a line, takes no room, or means something in one font only: separators, zero widths,
/// deprecated formats, annotations, tags and private use.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{180e}' | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' | '\u{f0000}'..='\u{10ffff}')
}

/// A UUID in the one form that counts in addresses: 36 characters, with hyphens, in any case.
pub fn uuid(text: &str) -> Option<Uuid> {
    (text.len() == 36)
        .then(|| Uuid::try_parse(text).ok())
        .flatten()
}

/// Bytes in hexadecimal, in lower case.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_line_breaks_never_pass() {
        assert_eq!(
            line("a\r\nBcc: x\u{1b}[31m\u{202e}\0", 80),
            "a  Bcc: x [31m"
        );
    }

    #[test]
    fn the_end_is_the_last_lines_that_fit() {
        assert_eq!(end("one\n\ntwo\r\n \nthree\n", 80), "one · two · three");
        assert_eq!(end("one\ntwo\nthree", 13), "two · three");
        assert_eq!(end("one\nthree hundred", 6), "three…");
        assert_eq!(end("a\u{1b}[2Jb", 80), "a [2Jb");
        assert_eq!(end("\n", 80), "");
    }

    #[test]
    fn a_block_keeps_its_lines_and_nothing_else_that_moves() {
        let text = "one\r\n\ttwo\u{1b}[2J\u{202e}x\n\n";
        assert_eq!(block(text, 80), "one\n\ttwo [2J x");
        assert_eq!(block("abcdef", 3), "abc");
    }

    #[test]
    fn nothing_that_reorders_or_hides_a_line_passes_and_what_scripts_need_does() {
        for c in "\u{61c}\u{200e}\u{200f}\u{202e}\u{2066}\u{2069}\u{200b}\u{2028}\u{2060}\u{feff}\u{ad}\u{e0041}".chars() {
            let code = u32::from(c);
            assert_eq!(line(&format!("a{c}b"), 80), "a b", "U+{code:04X}");
        }
        for text in ["שלום", "می\u{200c}خواهم", "👩\u{200d}🚀", "naïve – 価格"]
        {
            assert_eq!(line(text, 80), text);
        }
    }

    #[test]
    fn long_text_is_cut_with_an_ellipsis() {
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(line("abcd", 4), "abcd");
    }

    #[test]
    fn long_text_is_cut_behind_a_word_where_that_loses_little() {
        for (text, limit, cut) in [
            ("three little words", 18, "three little words"),
            ("three little words", 17, "three little …"),
            ("three little words", 14, "three little …"),
            ("three little words", 13, "three little…"),
            ("three little words", 10, "three …"),
            ("onelongword", 5, "onel…"),
            ("a onelongword", 10, "a onelong…"),
            ("eins, zwei… drei", 13, "eins, zwei… …"),
            ("ends so…", 8, "ends so…"),
            ("über größe bitte", 12, "über größe …"),
        ] {
            let found = words(text, limit);
            assert_eq!(found, cut, "{limit}");
            assert!(found.chars().count() <= limit);
        }
    }
}
