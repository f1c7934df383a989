//! A letter as plain text: the part that is always readable, also on a watch or in a terminal.

use super::letter::{Fact, Letter, Line, Part};

/// Sets `letter` in lines that end in a line feed. Text from outside never starts a line of its own, so
/// it cannot pass for ours.
pub(super) fn set(letter: &Letter, footer: &str) -> String {
    let mut blocks = vec![letter.lead.clone()];
    blocks.extend(letter.parts.iter().map(block));
    // The two dashes and the space are the mark of a signature.
    blocks.push(format!("-- \n{footer}"));
    blocks.join("\n\n") + "\n"
}

fn block(part: &Part) -> String {
    match part {
        Part::Sentence(sentence) => sentence.clone(),
        Part::List { title, lines } => {
            let row = |line: &Line| {
                let between = if line.mark.is_empty() { "" } else { "  " };
                format!("\n  {}{between}{}", line.mark, line.text)
            };
            lines
                .iter()
                .map(row)
                .fold((*title).to_owned(), |block, row| block + &row)
        }
        Part::Facts(facts) => {
            let width = facts
                .iter()
                .map(|fact| fact.label.chars().count())
                .max()
                .unwrap_or(0);
            let row = |fact: &Fact| format!("{:width$}  {}", fact.label, fact.value);
            facts.iter().map(row).collect::<Vec<_>>().join("\n")
        }
    }
}
