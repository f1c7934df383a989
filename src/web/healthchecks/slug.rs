//! Slugs from names, as Django's `slugify` makes them.

/// The slug of a name: letters without their accents, digits, hyphens and underscores; all else is left out.
pub(super) fn slugify(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letter {
            ' ' | '-' | '\t' | '\n' | '\r' => {
                if !plain.ends_with('-') {
                    plain.push('-');
                }
            }
            letter => plain.extend(base(letter)),
        }
    }
    plain.trim_matches(['-', '_']).to_owned()
}

/// A letter of the alphabet, a digit or an underscore; a Latin letter without its accent.
fn base(letter: char) -> Option<char> {
    Some(match letter {
        'a'..='z' | '0'..='9' | '_' => letter,
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' => 'd',
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => 'e',
        'ğ' => 'g',
        'ì'..='ï' | 'ī' | 'į' => 'i',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ō' | 'ő' => 'o',
        'ř' => 'r',
        'ś' | 'š' | 'ş' => 's',
        'ť' => 't',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ž' | 'ż' => 'z',
        _ => return None,
    })
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
            ("データ", ""),
            ("", ""),
        ] {
            assert_eq!(slugify(name), slug, "{name}");
        }
    }
}
