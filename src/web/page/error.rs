//! The page for what is not there or did not work.

use maud::{Markup, html};

use super::Shell;
use super::layout::{Frame, Live, heading, layout};

/// `text` says what is wrong, `hint` what to do.
pub fn error(shell: &Shell<'_>, status: u16, text: &str, hint: &str) -> Markup {
    let text = &sentence(text);
    let main = html! {
        (heading(text, &html! { (sentence(hint)) }))
        p { a.link href="/" { "To the overview" } }
        p.fine { "Status " (status) }
    };
    let frame = Frame {
        tab: None,
        title: text,
        live: Live::Still,
    };
    layout(shell, &frame, &main)
}

/// What is part of a sentence elsewhere, as one of its own.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(rest).collect()
    })
}
