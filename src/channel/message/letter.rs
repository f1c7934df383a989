//! A letter before it is set: what it says, in order, without saying how it looks.

use crate::core::state::Phase;
use crate::core::text;

/// Longest single piece of a letter, in characters: an address with a long path.
const PIECE_CHARS: usize = 400;
/// Most lines of a list; what is left out is counted.
const LIST_LINES: usize = 20;

/// One letter.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// The first line: what, since when, how bad.
    pub(super) lead: String,
    pub(super) state: Option<Phase>,
    pub(super) parts: Vec<Part>,
}

/// A part of a letter.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// A sentence of our own.
    Sentence(String),
    /// A heading with lines under it.
    List {
        title: &'static str,
        lines: Vec<Line>,
    },
    /// Names and values.
    Facts(Vec<Fact>),
}

/// One line of a list.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// What stands before it: an instant, or nothing.
    pub(super) mark: String,
    pub(super) text: String,
}

/// A name and its value; a value that is an address of the web is a link where there are links.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) value: String,
}

impl Letter {
    /// A letter that begins with `lead`, which may hold text from outside.
    pub(super) fn new(lead: &str, state: Option<Phase>) -> Self {
        Self {
            lead: text::line(lead, PIECE_CHARS),
            state,
            parts: Vec::new(),
        }
    }

    /// Adds a sentence.
    pub(super) fn sentence(&mut self, sentence: &str) {
        self.parts
            .push(Part::Sentence(text::line(sentence, 2 * PIECE_CHARS)));
    }

    /// Adds a list of marks and texts, if there is anything in it. Of a long one the first lines and the
    /// last ones stay, and the gap says how many are not shown.
    pub(super) fn list(&mut self, title: &'static str, lines: Vec<(String, String)>) {
        let (all, head) = (lines.len(), LIST_LINES / 4);
        let gap = head..all.saturating_sub(LIST_LINES - head - 1);
        let mut kept = Vec::with_capacity(all.min(LIST_LINES));
        for (number, (mark, said)) in lines.into_iter().enumerate() {
            if all > LIST_LINES && gap.contains(&number) {
                if number == gap.start {
                    kept.push(Line {
                        mark: String::new(),
                        text: format!("… {} more …", gap.len()),
                    });
                }
                continue;
            }
            kept.push(Line {
                mark,
                text: text::line(&said, PIECE_CHARS),
            });
        }
        if !kept.is_empty() {
            self.parts.push(Part::List { title, lines: kept });
        }
    }

    /// Adds names and values, if there is one.
    pub(super) fn facts(&mut self, facts: Vec<(&'static str, String)>) {
        let facts: Vec<Fact> = facts
            .into_iter()
            .map(|(label, value)| Fact {
                label,
                value: text::line(&value, PIECE_CHARS),
            })
            .filter(|fact| !fact.value.is_empty())
            .collect();
        if !facts.is_empty() {
            self.parts.push(Part::Facts(facts));
        }
    }
}

impl Fact {
    /// The address to link to, if the value is one of the web. Nothing else becomes a link.
    pub(super) fn link(&self) -> Option<&str> {
        let web = self.value.starts_with("https://") || self.value.starts_with("http://");
        let plain = !self.value.contains(|c: char| c.is_whitespace() || c == '"');
        (web && plain && !self.value.ends_with('…')).then_some(&self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_keeps_its_beginning_and_its_end() {
        let mut letter = Letter::new("", None);
        let lines = (0..100).map(|n| (String::new(), n.to_string())).collect();
        letter.list("Timeline", lines);
        let [Part::List { lines, .. }] = letter.parts.as_slice() else {
            panic!("{:?}", letter.parts);
        };
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts.len(), LIST_LINES);
        assert_eq!(texts[4..7], ["4", "… 81 more …", "86"]);
        assert_eq!(texts[LIST_LINES - 1], "99");
    }

    #[test]
    fn only_addresses_of_the_web_become_links() {
        let link = |value: &str| {
            let value = value.to_owned();
            Fact {
                label: "Runbook",
                value,
            }
            .link()
            .is_some()
        };
        assert!(link("https://wiki.example.org/shop"));
        assert!(!link("javascript:alert(1)"));
        assert!(!link("see https://wiki.example.org"));
        assert!(!link("https://a b"));
    }
}
