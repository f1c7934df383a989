//! Names, headings and addresses: what may stand there.

use std::ops::Range;
use std::sync::Arc;

use lettre::message::Mailbox;

use super::BUILT_IN;
use crate::core::check::Recipient;
use crate::core::text;
use crate::settings::Section;

/// Longest name of a check or a group, in characters: it stands in subjects and in the address of its page.
const NAME_CHARS: usize = 80;
/// Longest link, in characters; longer ones are cut by mail programs.
const LINK_CHARS: usize = 2_000;
/// Most recipients of one check. Whoever has more has a mailing list.
const MAX_RECIPIENTS: usize = 50;

/// What is wrong with the name of a check, and what to write.
pub(super) fn name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("write a name, as in [check.shop]");
    }
    if text::line(name, NAME_CHARS) != name {
        return Err("write at most 80 characters on one line, without spaces around them");
    }
    // It is a part of the address of its page.
    if name.contains(['/', '\\', '?', '#', '%']) || name.starts_with('.') {
        return Err(
            "leave out / \\ ? # % and a dot in front: the name stands in the address of its page",
        );
    }
    Ok(())
}

/// Whether `secret` is one of the examples in the annotated text, which everybody can read.
pub(super) fn is_example(secret: &str) -> bool {
    !secret.is_empty() && BUILT_IN.contains(secret)
}

/// The candidate that `word` is probably a misspelling of.
pub(super) fn nearest<'c>(
    word: &str,
    candidates: impl Iterator<Item = &'c str>,
) -> Option<&'c str> {
    let lower = word.to_lowercase();
    candidates
        .map(|known| {
            (
                strsim::damerau_levenshtein(&lower, &known.to_lowercase()),
                known,
            )
        })
        .min()
        .filter(|(distance, known)| *distance <= 1 + known.chars().count() / 4)
        .map(|(_, known)| known)
}

/// A heading: one line.
pub(super) fn heading(section: &mut Section<'_>, key: &'static str) -> Option<Arc<str>> {
    let heading = section.string(key)?;
    if heading.is_empty() || text::line(&heading, NAME_CHARS) != heading {
        let hint = format!("write up to {NAME_CHARS} characters on one line: {key} = \"Shop\"");
        section.refuse(key, format!("\"{key}\" cannot be a heading"), hint);
        return None;
    }
    Some(heading.into())
}

/// An address for a browser. Other schemes (`javascript:`) never get into a page.
pub(super) fn web_address(section: &mut Section<'_>, key: &'static str) -> Option<String> {
    let url = section.string(key)?;
    let parsed = url.parse::<http::Uri>().ok().filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
    });
    if parsed.is_none() || url.chars().count() > LINK_CHARS {
        let hint = format!("write {key} = \"https://…\"");
        section.refuse(key, format!("\"{key}\" is no address of a page"), hint);
        return None;
    }
    Some(url)
}

/// Mail addresses, as `ops@example.org` or `Ops <ops@example.org>`, each once.
pub(super) fn recipients(section: &mut Section<'_>, key: &'static str) -> Option<Arc<[Recipient]>> {
    let texts = section.strings(key)?;
    if texts.len() > MAX_RECIPIENTS {
        let hint = "write to a mailing list instead";
        section.refuse(
            key,
            format!("\"{key}\" has more than {MAX_RECIPIENTS} addresses"),
            hint,
        );
        return None;
    }
    let mut recipients: Vec<Recipient> = Vec::new();
    for (text, span) in texts {
        let Some(address) = mailbox(section, &text, span) else {
            continue;
        };
        let recipient = Recipient {
            channel: "email".into(),
            address: address.email.to_string().into(),
        };
        if !recipients.contains(&recipient) {
            recipients.push(recipient);
        }
    }
    Some(recipients.into())
}

/// One mail address.
pub(super) fn mailbox(section: &Section<'_>, text: &str, span: Range<usize>) -> Option<Mailbox> {
    let mailbox = text.parse().ok();
    if mailbox.is_none() {
        let hint = Some("write \"ops@example.org\" or \"Ops <ops@example.org>\"".to_owned());
        let message = format!("\"{}\" is no mail address", text::line(text, NAME_CHARS));
        section.report.at(section.source, span, message, hint);
    }
    mailbox
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_stand_in_an_address_and_in_a_subject() {
        for good in [
            "shop",
            "nightly-backup",
            "Käse & Brot",
            "db.example.org:5432",
            "a b",
        ] {
            assert!(name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " a",
            "a\nb",
            "a/b",
            "..",
            ".",
            "a?b",
            "50%",
            "\u{202e}x",
            &"x".repeat(81),
        ] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_misspelling_finds_what_was_meant_and_nonsense_finds_nothing() {
        let known = ["postgres", "shop", "Europe/Berlin"];
        assert_eq!(nearest("postgras", known.into_iter()), Some("postgres"));
        assert_eq!(
            nearest("europe/berlin", known.into_iter()),
            Some("Europe/Berlin")
        );
        assert_eq!(nearest("xyzzy", known.into_iter()), None);
    }
}
