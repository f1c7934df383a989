//! The query of an address as pairs, read as forms are written.

use percent_encoding::percent_decode_str;

/// `a=b&c=d`, decoded, in order; a key without a value has an empty one.
pub(super) fn pairs(query: &str) -> impl DoubleEndedIterator<Item = (String, String)> {
    let decoded = |text: &str| {
        let spaced = text.replace('+', " ");
        let text = percent_decode_str(&spaced).decode_utf8_lossy();
        text.into_owned()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(move |pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key), decoded(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_as_forms_are_written() {
        let read: Vec<_> = pairs("tag=a+b&tag=%C3%BC%26&&slug=&x=1=2&y").collect();
        let read: Vec<_> = read.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            read,
            [
                ("tag", "a b"),
                ("tag", "ü&"),
                ("slug", ""),
                ("x", "1=2"),
                ("y", "")
            ]
        );
        assert_eq!(pairs("").count(), 0);
    }
}
