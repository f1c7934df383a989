//! Statements of others, short and without the texts in them: they may be passwords.

use crate::core::text;

/// Longest beginning of a statement that is told, in characters.
const CHARS: usize = 60;

/// The beginning of a statement on one line, `…` in place of every text constant. Comments are left out. Where it
/// cannot be told what is quoted, nothing after that is shown.
pub(super) fn statement(sql: &str) -> String {
    let mut plain = String::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        let next = after.chars().next();
        let (shown, left) = match (c, next) {
            ('\'', _) => ("…", quoted(after)),
            ('"', _) => ("\"…\"", after.split_once('"').map(|(_, left)| left)),
            ('-', Some('-')) => (" ", after.split_once('\n').map(|(_, left)| left)),
            ('/', Some('*')) => (" ", comment(after)),
            // What is quoted by dollars has an end that is hard to find; a number of a parameter has none.
            ('$', next) if next.is_none_or(|next| !next.is_ascii_digit()) => ("…", None),
            _ => {
                plain.push(if c.is_whitespace() { ' ' } else { c });
                rest = after;
                continue;
            }
        };
        plain.push_str(shown);
        rest = left.unwrap_or_default();
    }
    let words: Vec<&str> = plain.split(' ').filter(|word| !word.is_empty()).collect();
    text::line(&words.join(" "), CHARS)
}

/// What comes after a text constant. A backslash may hide its end or may not, depending on settings.
fn quoted(sql: &str) -> Option<&str> {
    let (inside, after) = sql.split_once('\'')?;
    (!inside.contains('\\')).then_some(after)
}

/// What comes after a comment without another one in it.
fn comment(sql: &str) -> Option<&str> {
    let (inside, after) = sql.split_once("*/")?;
    (!inside.contains("/*")).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_told_without_what_is_quoted_in_it() {
        for (sql, told) in [
            ("SELECT  1\n  FROM a", "SELECT 1 FROM a"),
            (
                "ALTER ROLE bob PASSWORD 'hunter2'",
                "ALTER ROLE bob PASSWORD …",
            ),
            ("ALTER ROLE bob PASSWORD 'hunt", "ALTER ROLE bob PASSWORD …"),
            ("SELECT 'a''hunter2', b", "SELECT ……, b"),
            ("SELECT $1, $x$hunter2$x$", "SELECT $1, …"),
            ("SELECT E'a\\'hunter2' AND 'hunter2'", "SELECT E…"),
            ("SELECT 'a\\', 'hunter2'", "SELECT …"),
            (
                "/* it's */ SELECT 'hunter2' -- it's\n, 'hunter2'",
                "SELECT … , …",
            ),
            ("SELECT \"it's\", 'hunter2'", "SELECT \"…\", …"),
            ("/* a /* b */ it's */ SELECT 'hunter2'", ""),
        ] {
            assert_eq!(statement(sql), told, "{sql}");
        }
    }
}
