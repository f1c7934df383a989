//! The output of a plugin: a line for people, more lines, and numbers in two places.
//!
//! ```text
//! TEXT | NUMBERS
//! LONG TEXT
//! LONG TEXT | NUMBERS
//! NUMBERS
//! ```

use super::perfdata::{self, Datum};

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Output {
    /// The first line, for people.
    pub(super) text: String,
    /// The lines after it that say something.
    pub(super) long: Vec<String>,
    pub(super) data: Vec<Datum>,
}

impl Output {
    pub(super) fn parse(raw: &str) -> Self {
        let mut lines = raw.lines();
        let first = lines.next().unwrap_or_default();
        let (text, numbers) = first.split_once('|').unwrap_or((first, ""));
        let mut output = Self {
            text: text.trim().to_owned(),
            ..Self::default()
        };
        let mut numbers = numbers.to_owned();
        // After the second bar there are only numbers.
        let mut only_numbers = false;
        for line in lines {
            let text = if only_numbers {
                numbers.push(' ');
                numbers.push_str(line);
                continue;
            } else if let Some((text, more)) = line.split_once('|') {
                only_numbers = true;
                numbers.push(' ');
                numbers.push_str(more);
                text
            } else {
                line
            };
            if !text.trim().is_empty() {
                output.long.push(text.trim().to_owned());
            }
        }
        output.data = perfdata::parse(&numbers);
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(raw: &str) -> (String, Vec<String>, Vec<String>) {
        let output = Output::parse(raw);
        let labels = output.data.into_iter().map(|datum| datum.label).collect();
        (output.text, output.long, labels)
    }

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn text_and_numbers_are_told_apart_in_both_places() {
        for (raw, text, long, labels) in [
            ("", "", texts(&[]), texts(&[])),
            (
                "PING ok - Packet loss = 0%",
                "PING ok - Packet loss = 0%",
                texts(&[]),
                texts(&[]),
            ),
            ("OK | a=1 b=2\n", "OK", texts(&[]), texts(&["a", "b"])),
            (
                "DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968\r\n/ 15272 MB (77%);\n\n/boot 68 MB (69%); | /boot=68MB;88;93;0;98\n/home=69357MB;253404;253409;0;253414 \n'/var/log a'=818MB;970;975;0;980\n",
                "DISK OK - free space: / 3326 MB (56%);",
                texts(&["/ 15272 MB (77%);", "/boot 68 MB (69%);"]),
                texts(&["/", "/boot", "/home", "/var/log a"]),
            ),
            ("|a=1", "", texts(&[]), texts(&["a"])),
            ("OK\n| a=1|b=2", "OK", texts(&[]), texts(&["a"])),
        ] {
            assert_eq!(told(raw), (text.to_owned(), long, labels), "{raw:?}");
        }
    }
}
