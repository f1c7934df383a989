//! A letter as HTML: the same words, easier to take in, in the light or the dark.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::letter::{Fact, Letter, Part};
use crate::core::state::Phase;

/// All the style there is. Mail programs that drop it leave a readable page.
const STYLE: &str = ":root{color-scheme:light dark}\
body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:1em auto;padding:0 1em;color:#1c1c1e;background:#fff}\
h1{font-size:1.2em;line-height:1.35;border-left:.3em solid #888;padding-left:.6em}\
h1.down{border-color:#d22}h1.degraded{border-color:#d80}h1.up{border-color:#2a7}\
h2{font-size:1em;margin:1.2em 0 .2em}\
dt{color:#666;font-size:.9em}dd{margin:0 0 .4em}ul{padding-left:1.2em;margin:0}\
time{color:#666;font-variant-numeric:tabular-nums}footer{color:#666;font-size:.85em;margin-top:2em}\
li,dd{overflow-wrap:anywhere}a{color:#06c}\
@media(prefers-color-scheme:dark){body{color:#e8e8ea;background:#1c1c1e}dt,time,footer{color:#a0a0a5}a{color:#6bf}}";

/// Sets `letter` as a document.
pub(super) fn set(letter: &Letter, subject: &str, footer: &str) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (subject) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 class=[letter.state.map(Phase::word)] { (letter.lead) }
                @for part in &letter.parts { (block(part)) }
                footer { (footer) }
            }
        }
    }
    .into_string()
}

fn block(part: &Part) -> Markup {
    html! {
        @match part {
            Part::Sentence(sentence) => p { (sentence) },
            Part::List { title, lines } => {
                h2 { (title) }
                ul {
                    @for line in lines {
                        li {
                            @if !line.mark.is_empty() { time { (line.mark) } " " }
                            (line.text)
                        }
                    }
                }
            },
            Part::Facts(facts) => dl {
                @for fact in facts { dt { (fact.label) } dd { (value(fact)) } }
            },
        }
    }
}

fn value(fact: &Fact) -> Markup {
    html! {
        @match fact.link() {
            Some(address) => a href=(address) { (fact.value) },
            None => (fact.value),
        }
    }
}
