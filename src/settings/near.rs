//! Words that somebody has probably misspelt.

/// The one of `words` that `text` is probably a misspelling of.
pub fn near<'w>(text: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let lower = text.to_lowercase();
    let distance = |word: &str| strsim::damerau_levenshtein(&lower, &word.to_lowercase());
    let nearest = words.into_iter().map(|word| (distance(word), word)).min();
    nearest
        .filter(|(distance, word)| *distance <= 1 + word.len() / 3)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_enough_is_meant_and_nothing_else() {
        let words = ["every", "timeout", "tcp"];
        for (text, meant) in [
            ("evry", Some("every")),
            ("Timeout", Some("timeout")),
            ("tpc", Some("tcp")),
            ("website", None),
        ] {
            assert_eq!(near(text, words), meant, "{text}");
        }
    }
}
