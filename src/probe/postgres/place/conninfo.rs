//! The parameters of a connection string that the library does not know, taken out of it.
//!
//! PostgreSQL manual, 34.1.1: `postgres://…?key=value&…`, or `key = 'value' …`.

use percent_encoding::percent_decode_str;

/// The parameters that are read here.
pub(super) const OURS: [&str; 7] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "passfile",
    "service",
    "servicefile",
];

/// A connection string in two parts.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Parts {
    /// What the library takes.
    pub(super) rest: String,
    ours: Vec<(String, String)>,
}

impl Parts {
    /// None where it is not a connection string at all.
    pub(super) fn of(text: &str) -> Option<Self> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Some(Self::of_url(text))
        } else {
            pairs(text).map(Self::of_pairs)
        }
    }

    fn of_url(url: &str) -> Self {
        let Some((before, query)) = url.split_once('?') else {
            return Self {
                rest: url.to_owned(),
                ours: Vec::new(),
            };
        };
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for parameter in query.split('&') {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if OURS.contains(&key) {
                let value = percent_decode_str(value).decode_utf8_lossy();
                ours.push((key.to_owned(), value.into_owned()));
            } else {
                theirs.push(parameter);
            }
        }
        let query = theirs.join("&");
        let rest = if query.is_empty() {
            before.to_owned()
        } else {
            format!("{before}?{query}")
        };
        Self { rest, ours }
    }

    /// From keys and values.
    pub(super) fn of_pairs(all: Vec<(String, String)>) -> Self {
        let (ours, theirs): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|(key, _)| OURS.contains(&key.as_str()));
        let quoted = theirs.iter().map(|(key, value)| {
            let value = value.replace('\\', "\\\\").replace('\'', "\\'");
            format!("{key}='{value}'")
        });
        let rest = quoted.collect::<Vec<_>>().join(" ");
        Self { rest, ours }
    }

    /// Takes from `other` what is not said here.
    pub(super) fn fill_in(&mut self, other: Self) {
        // The last of a key counts.
        self.ours.splice(0..0, other.ours);
    }

    /// The value of one of ours; an empty one is none.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let found = self.ours.iter().rev().find(|(known, _)| known == key);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

/// `key = value` with blanks around the sign or not; a value in single quotes may hold blanks, a backslash makes the
/// next character an ordinary one.
pub(super) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let (value, left) = value(after.trim_start())?;
        all.push((key.trim_end().to_owned(), value));
        rest = left.trim_start();
    }
    Some(all)
}

/// The value at the beginning of `text`, and what comes after it.
fn value(text: &str) -> Option<(String, &str)> {
    let mut chars = text.chars();
    let is_quoted = text.starts_with('\'');
    if is_quoted {
        chars.next();
    }
    let mut value = String::new();
    loop {
        let before = chars.as_str();
        match chars.next() {
            Some('\'') if is_quoted => return Some((value, chars.as_str())),
            Some('\\') => value.push(chars.next()?),
            Some(c) if c.is_whitespace() && !is_quoted => return Some((value, before)),
            Some(c) => value.push(c),
            None => return (!is_quoted).then_some((value, "")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_library_does_not_know_is_taken_out_of_both_forms() {
        let url =
            "postgres://u:p@h/d?sslmode=verify-full&connect_timeout=3&sslrootcert=%2Fetc%2Fca.pem";
        let pairs =
            "user=u password = 'a \\'b\\\\' host=h sslmode=verify-full sslrootcert='/etc/ca.pem'";
        for (text, rest) in [
            (url, "postgres://u:p@h/d?connect_timeout=3"),
            (pairs, "user='u' password='a \\'b\\\\' host='h'"),
        ] {
            let parts = Parts::of(text).unwrap();
            assert_eq!(parts.rest, rest);
            assert_eq!(parts.get("sslmode"), Some("verify-full"));
            assert_eq!(parts.get("sslrootcert"), Some("/etc/ca.pem"));
            assert_eq!(parts.get("passfile"), None);
        }
        assert_eq!(Parts::of("user='u"), None);
        assert_eq!(Parts::of("nothing"), None);
        assert_eq!(
            Parts::of("postgres://u@h/d?sslcert=")
                .unwrap()
                .get("sslcert"),
            None
        );
    }
}
