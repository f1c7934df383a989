//! Text from outside, made harmless and short once, where it enters.

use std::sync::Arc;

/// Longest message that is kept of an outcome, in characters: two lines of a mail.
pub const MESSAGE_CHARS: usize = 240;

/// `text` on one line without control characters, at most `limit` characters, `…` where it was cut.
///
/// What a target says (a header, a certificate, an error text) ends up in mails, pages and logs;
/// C0, C1, DEL, bidirectional overrides and line separators are replaced by a space here.
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

/// `text` as the message of an outcome: one line of at most [`MESSAGE_CHARS`] characters.
pub fn message(text: &str) -> Arc<str> {
    line(text, MESSAGE_CHARS).into()
}

/// Whether `c` can stand in one line of text without moving the cursor, hiding or reordering anything.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}')
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
    fn long_text_is_cut_with_an_ellipsis() {
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(line("abcd", 4), "abcd");
    }
}
