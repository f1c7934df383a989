//! Mail addresses as they may be shown to everybody: `ops@example.org` is `o…@example.org`.

use std::borrow::Cow;

use crate::core::heartbeat::for_everybody;

/// `text` as it is for an operator; for everybody else without what a job said, and with every mail address in it
/// masked.
pub(super) fn text(text: &str, operator: bool) -> Cow<'_, str> {
    if operator {
        return text.into();
    }
    let text = for_everybody(text);
    if !text.contains('@') {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    let mut pieces = text.split('@').peekable();
    while let Some(piece) = pieces.next() {
        // What begins with an address is about a recipient, whatever his domain looks like.
        let is_first = shown.is_empty() && !piece.contains(char::is_whitespace);
        let is_address = pieces
            .peek()
            .is_some_and(|after| is_first || begins_domain(after));
        if is_address {
            let (before, local) = piece.split_at(local_part(piece));
            shown.push_str(before);
            shown.extend(local.trim_start_matches('"').chars().next());
            shown.push('…');
        } else {
            shown.push_str(piece);
        }
        if pieces.peek().is_some() {
            shown.push('@');
        }
    }
    shown.into()
}

/// Where the local part of an address begins that ends with `piece`. A quoted one may have spaces in it.
fn local_part(piece: &str) -> usize {
    if let Some(quoted) = piece.strip_suffix('"') {
        return quoted.rfind('"').unwrap_or_default();
    }
    let ends = |c: char| c.is_whitespace() || "<>()[],;:\"".contains(c);
    let last = piece.char_indices().rev().find(|&(_, c)| ends(c));
    last.map_or(0, |(at, c)| at + c.len_utf8())
}

/// Whether `text` begins with what stands behind the `@` of an address, and not with the instance of a unit of
/// systemd (`postgresql@15-main`).
fn begins_domain(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.');
    let domain = text.split(|c| !is_part(c)).next().unwrap_or_default();
    let is_dotted = domain.trim_matches('.').contains('.');
    is_dotted || domain.eq_ignore_ascii_case("localhost") || text.starts_with('[')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_is_left_whole_wherever_it_stands() {
        for (whole, shown) in [
            ("ops@example.org", "o…@example.org"),
            (
                "ops@example.org told, accepted by mx: 250 2.1.5 <ops@example.org> ok",
                "o…@example.org told, accepted by mx: 250 2.1.5 <o…@example.org> ok",
            ),
            ("a@b.example,c+d@e.example", "a…@b.example,c…@e.example"),
            ("\"Ada L\"@example.org", "A…@example.org"),
            ("to \"Ada L\"@example.org", "to A…@example.org"),
            ("über@bücher.example", "ü…@bücher.example"),
            ("a@b@example.org", "a…@b…@example.org"),
            ("root@web-1 told, accepted", "r…@web-1 told, accepted"),
            ("reply from root@localhost", "reply from r…@localhost"),
            ("root@[192.0.2.1]", "r…@[192.0.2.1]"),
            ("@example.org", "…@example.org"),
            ("postgresql@", "p…@"),
            ("unit postgresql@15-main is", "unit postgresql@15-main is"),
            ("3 failures", "3 failures"),
            ("at 5 @ 7", "at 5 @ 7"),
        ] {
            assert_eq!(text(whole, false), shown);
            assert_eq!(text(whole, true), whole);
        }
    }
}
