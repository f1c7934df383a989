//! Slugs from names, as Django's `slugify` makes them.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// The slug of a name: what of it is ASCII once accents and the like are taken off (NFKD), letters, digits, hyphens and
/// underscores; all else is left out.
pub(super) fn slugify(name: &str) -> String {
    let plain = DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(name.chars());
    let mut slug = String::with_capacity(name.len());
    for letter in plain.filter(char::is_ascii) {
        match letter.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9' | '_') => slug.push(letter),
            // The whitespace of Python's regular expressions.
            ' ' | '-' | '\t'..='\r' | '\x1c'..='\x1f' if !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.trim_matches(['-', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_those_that_django_makes() {
        for (name, slug) in [
            ("Nightly Backup", "nightly-backup"),
            ("  a -  b  ", "a-b"),
            ("Käse & Brot", "kase-brot"),
            ("_x_", "x"),
            ("a_b", "a_b"),
            ("50%", "50"),
            ("Țară ľ ŕ ế ﬁ ½", "tara-l-r-e-fi-12"),
            ("Straße Łódź", "strae-odz"),
            ("a\u{a0}b\u{b}c", "a-b-c"),
            ("データ", ""),
            ("", ""),
        ] {
            assert_eq!(slugify(name), slug, "{name}");
        }
    }
}
