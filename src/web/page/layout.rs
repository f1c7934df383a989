//! The frame of every page.

use maud::{DOCTYPE, Markup, html};

use super::face::symbols;
use super::{Shell, foot};

/// The pages that the navigation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Incidents,
    Heartbeats,
    Mail,
    About,
}

const TABS: [(Tab, &str, &str); 5] = [
    (Tab::Overview, "/", "Overview"),
    (Tab::Incidents, "/incidents", "Incidents"),
    (Tab::Heartbeats, "/heartbeats", "Heartbeats"),
    (Tab::Mail, "/mail", "Mail"),
    (Tab::About, "/about", "About"),
];

/// How a page keeps itself current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Live {
    /// By the parts that changed.
    Fragments,
    /// By being fetched again when something changed.
    Whole,
    /// Not at all: what it shows does not change.
    Still,
}

/// What makes one page different from the next, beside its content.
pub(super) struct Frame<'a> {
    /// Where in the navigation it stands.
    pub(super) tab: Option<Tab>,
    pub(super) title: &'a str,
    pub(super) live: Live,
}

/// The whole document.
pub(super) fn layout(shell: &Shell<'_>, frame: &Frame<'_>, main: &Markup) -> Markup {
    let live = match frame.live {
        Live::Fragments => "fragments",
        Live::Whole => "whole",
        Live::Still => "still",
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (frame.title) " · " (shell.node) }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/style.css";
                script src="/assets/live.js" defer {}
            }
            body data-live=(live) data-node=(shell.node) {
                (symbols())
                a.skip href="#main" { "Skip to the content" }
                (header(shell, frame.tab))
                main #main {
                    @if let Some(notice) = shell.notice {
                        p.notice role="status" { (notice) }
                    }
                    (main)
                }
                footer.foot {
                    (foot(shell))
                    p #live aria-live="polite" {}
                }
            }
        }
    }
}

fn header(shell: &Shell<'_>, tab: Option<Tab>) -> Markup {
    html! {
        header.top {
            a.brand href="/" { (bell()) "Belfry" }
            nav aria-label="Pages" {
                @for (each, href, text) in TABS {
                    a href=(href) aria-current=[(tab == Some(each)).then_some("page")] { (text) }
                }
            }
            span.node title="The name of this daemon" { (shell.node) }
        }
    }
}

fn bell() -> Markup {
    html! {
        svg viewBox="0 0 24 24" aria-hidden="true" {
            path d="M12 2l7 5v3H5V7zM7 10v9M17 10v9M4 21h16M12 11v1.2M9 17h6c-1-1-1.2-2-1.2-3.2a1.8 1.8 0 0 0-3.6 0C10.2 15 10 16 9 17zM11.3 18.6h1.4" {}
        }
    }
}

/// The head of a page that is not the overview.
pub(super) fn heading(text: &str, below: &Markup) -> Markup {
    html! {
        section.verdict {
            h1 { (text) }
            p { (below) }
        }
    }
}
