//! What this daemon is, what it listens on, and how it is.

use maud::{Markup, html};

use super::Shell;
use super::foot::archive;
use super::layout::{Frame, Live, Tab, heading, layout};
use crate::core::time::{Time, human, zone_name};

/// What the page tells beside the vitals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    pub version: String,
    pub started: Time,
    /// The files that the configuration was read from; none for the built-in one.
    pub config: Vec<String>,
    /// What listens (`status`) and where (`127.0.0.1:8080`).
    pub listen: Vec<(String, String)>,
    pub data_dir: String,
    pub journal_bytes: u64,
}

/// The page.
pub fn about(shell: &Shell<'_>, about: &About) -> Markup {
    let main = html! {
        (heading(&format!("Belfry {}", about.version), &html! {
            "running as " (shell.node) " for " (shell.span(about.started)) ", since " (shell.time(about.started))
        }))
        section.part { h2 { "Where" }
            dl.rules {
                @for (what, address) in &about.listen { dt { (what) } dd { code { (address) } } }
                dt { "configuration" } dd {
                    @if about.config.is_empty() { "built in" }
                    @for (place, file) in about.config.iter().enumerate() { @if place > 0 { ", " } code { (file) } }
                }
                dt { "data" } dd { code { (about.data_dir) } }
                dt { "zone of the times" } dd { (zone_name(shell.zone)) }
            }
        }
        (vitals(shell, about))
        section.part { h2 { "For machines" }
            p { a.link href="/api/v1/status" { "State as JSON" } " · " a.link href="/metrics" { "Figures for Prometheus" }
                " · " a.link href="/healthz" { "Process" } " · " a.link href="/readyz" { "Readiness" } }
        }
    };
    let frame = Frame {
        tab: Some(Tab::About),
        title: "About",
        live: Live::Whole,
    };
    layout(shell, &frame, &main)
}

fn vitals(shell: &Shell<'_>, about: &About) -> Markup {
    let v = shell.vitals;
    html! {
        section.part { h2 { "How it is" }
            dl.facts {
                (fact("checks", shell.view.engine.roster.checks.len() + shell.view.engine.made_count()))
                (fact("looks begun", v.probes.value()))
                (fact("looks under way", v.probes_running.value()))
                (fact("scheduler late", human(v.lateness.duration())))
                (fact("at most", human(v.lateness_max.duration())))
                (fact("looks dropped", v.outcomes_dropped.value()))
            }
            dl.facts {
                (fact("journal", bytes(about.journal_bytes)))
                (fact("commits", v.commits.value()))
                (fact("last commit", human(v.commit.duration())))
                (fact("commits failed", v.commit_failures.value()))
                (fact("archive", archive(shell).unwrap_or_else(|| "not configured".to_owned())))
            }
            dl.facts {
                (fact("pings", v.pings.value()))
                (fact("pings refused", v.pings_refused.value()))
                (fact("pings too many", v.pings_limited.value()))
                (fact("mails that wait", v.outbox_waiting.value()))
                (fact("requests", v.requests.value()))
                (fact("pages open", v.watchers.value()))
                (fact("reloads", v.reloads.value()))
                (fact("reloads refused", v.reloads_refused.value()))
            }
        }
    }
}

fn fact(name: &str, value: impl maud::Render) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

/// `41.3 MiB`.
fn bytes(count: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", count / unit, count % unit * 10 / unit);
    match count {
        0..1_024 => format!("{count} B"),
        1_024..1_048_576 => format!("{} KiB", tenths(1 << 10)),
        1_048_576..1_073_741_824 => format!("{} MiB", tenths(1 << 20)),
        _ => format!("{} GiB", tenths(1 << 30)),
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_have_one_decimal() {
        for (count, text) in [
            (0, "0 B"),
            (1_536, "1.5 KiB"),
            (43_305_533, "41.2 MiB"),
            (5 << 30, "5.0 GiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }
}
