//! Stories about pages: what they say, what they never say, and how large they are.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use expect_test::expect;
use flate2::Compression;
use flate2::write::GzEncoder;
use maud::Markup;
use proptest::prelude::*;

use super::story::{self, BEAT, NOW, Story, probe, shell, vitals};
use super::*;
use crate::core::check::{Check, CheckId};
use crate::core::heartbeat::{Deaf, Heard, Said, Signal};
use crate::core::input::Input;
use crate::core::metric::{Series, Unit};
use crate::core::outbox::Notification;
use crate::core::outcome::{Outcome, Verdict};
use crate::core::state::Threshold;
use crate::core::uptime::WINDOW;

mod beats;
mod findings;
mod hostile;
mod isolation;
mod verdict;

/// Every page there is, drawn from one shell.
#[expect(clippy::too_many_lines, reason = "one row for each page")]
fn pages(shell: &Shell<'_>) -> Vec<(&'static str, Markup)> {
    let engine = &shell.view.engine;
    let watched = |name: &str| {
        engine
            .named(name)
            .or_else(|| engine.active().next())
            .expect("watched")
    };
    let look = |n: u64| (NOW - Duration::from_secs(n * 30), story::good(300, n));
    let failed = (
        NOW - Duration::from_secs(1_811),
        Outcome::fail("500 Internal Server Error"),
    );
    let recent: Vec<(Time, Outcome)> = (0..240).map(look).chain([failed]).collect();
    let open = engine.incidents.values().next().expect("open");
    let mut closed = open.as_ref().clone();
    closed.closed = Some(NOW);
    let closed = [closed];
    let sent: Vec<Notification> = engine.outbox.values().map(|n| n.as_ref().clone()).collect();
    let letter = format!(
        "Subject: [web-1] {0}\r\nFrom: Belfry <belfry@example.org>\r\nTo: ops@example.org\r\nContent-Type: text/plain\r\n\r\n{0} is down since 21:54:07.\r\n\r\n{1}\r\n",
        open.name, open.evidence
    );
    let letter = Notification {
        message: letter.as_bytes().into(),
        ..sent[0].clone()
    };
    let facts = About {
        version: "0.1.0".into(),
        started: NOW - Duration::from_hours(2),
        config: vec!["config/belfry.toml".into()],
        listen: vec![
            ("status".into(), "127.0.0.1:8080".into()),
            ("hello".into(), "127.0.0.1:5000".into()),
        ],
        data_dir: "data".into(),
        journal_bytes: 43_305_533,
    };
    vec![
        ("overview", overview(shell)),
        (
            "check",
            check(
                shell,
                watched("shop"),
                &Past {
                    recent: &recent,
                    incidents: &closed,
                    windows: &windows(),
                    badge: "/badge/0b1e/shop.svg",
                    ..Past::default()
                },
            ),
        ),
        (
            "heartbeat",
            check(
                shell,
                watched("nightly-backup"),
                &Past {
                    pings: &pings(shell.node),
                    deaf: &deaf(shell.node),
                    ..Past::default()
                },
            ),
        ),
        ("incidents", incidents(shell, &closed)),
        ("incident", incident(shell, open, &sent)),
        ("heartbeats", heartbeats(shell, &deaf(shell.node))),
        ("mail", mail(shell, &sent)),
        ("letter", mail_one(shell, &letter)),
        ("about", about(shell, &facts)),
        (
            "error",
            error(
                shell,
                404,
                "There is no check “shpo”",
                "Did you mean “shop”?",
            ),
        ),
    ]
}

fn windowed(windows: &[Window]) -> Past<'_> {
    Past {
        windows,
        ..Past::default()
    }
}

/// What a job said, newest first: two runs with start and end.
fn pings(text: &str) -> Vec<Said> {
    let said = |signal, minutes: u64, body: &str| Said {
        heard: Heard {
            took: None,
            n: 1,
            at: NOW - Duration::from_mins(minutes),
            signal,
            rid: None,
            method: "POST".into(),
            remote: "192.0.2.7".into(),
            agent: text.into(),
            body: body.len() as u64,
        },
        end: body.into(),
    };
    vec![
        said(Signal::Exit(3), 7, text),
        said(Signal::Start, 9, ""),
        said(Signal::Success, 1_440, "copied 7 files\nall is well\n"),
        said(Signal::Start, 1_452, ""),
    ]
}

/// A minute in which nothing could be heard, five minutes ago.
fn deaf(reason: &str) -> Vec<Deaf> {
    let ago = |minutes| NOW - Duration::from_mins(minutes);
    vec![Deaf {
        from: ago(5),
        to: ago(4),
        reason: reason.into(),
        behind: None,
    }]
}

/// A day of what a look over HTTP measures, up to now.
fn windows() -> Vec<Window> {
    let series = |name: &str, unit, mean: f64| Series {
        name: name.into(),
        unit,
        count: 10,
        least: mean / 2.0,
        most: mean * 3.0,
        mean,
    };
    let window = |n: u32| {
        let wave = 1.0 + (f64::from(n) / 20.0).sin() / 2.0;
        let all = vec![
            series("connect", Unit::Seconds, 0.000_4 * wave),
            series("size", Unit::Bytes, 18_432.0),
        ];
        (NOW - WINDOW * (288 - n), all)
    };
    (0..288).map(window).collect()
}

#[test]
fn every_page_is_a_whole_document_without_inline_style_or_script() {
    let (view, vitals) = (story::postgres_is_down(), vitals());
    for (name, page) in pages(&shell(&view, &vitals)) {
        let html = page.into_string();
        assert!(
            html.starts_with("<!DOCTYPE html><html lang=\"en\">") && html.ends_with("</html>"),
            "{name}"
        );
        for forbidden in ["style=", "<style", "javascript:", " onclick", " onload"] {
            assert!(!html.contains(forbidden), "{name} has {forbidden}");
        }
        assert_eq!(html.matches("<script").count(), 1, "{name}");
        keep(&format!("{name}.html"), &html.replace("/assets/", ""));
    }
    for asset in ASSETS {
        keep(asset.path.rsplit('/').next().expect("a name"), asset.body);
    }
}

fn keep(name: &str, text: &str) {
    if let Some(folder) = std::env::var_os("PAGES").map(PathBuf::from) {
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(name), text).expect("written");
    }
}

#[test]
fn who_may_not_act_sees_no_button_no_ping_address_and_no_recipient_list() {
    let (view, vitals) = (story::postgres_is_down(), vitals());
    let visitor = Shell {
        operator: false,
        ..shell(&view, &vitals)
    };
    for (name, page) in pages(&visitor) {
        let html = page.into_string();
        assert!(
            !html.contains("<form") && !html.contains("<button"),
            "{name}"
        );
        assert!(!html.contains(&BEAT.to_string()), "{name}");
        // Neither an address nor a word of a mail.
        for secret in ["ops@", "Message-ID"] {
            assert!(!html.contains(secret), "{secret} on {name}");
        }
    }
    let operator = heartbeats(&shell(&view, &vitals), &[]).into_string();
    assert!(operator.contains(&format!("/ping/{BEAT}")));
}

#[test]
fn the_parts_that_are_sent_are_the_parts_of_the_page() {
    let (view, vitals) = (story::postgres_is_down(), vitals());
    let shell = shell(&view, &vitals);
    let page = overview(&shell).into_string();
    let parts = fragments(&shell, &[CheckId(0), CheckId(2), CheckId(999)]);
    let ids: Vec<&str> = parts.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "check-0",
            "check-2",
            "group-0",
            "verdict",
            "incidents",
            "foot"
        ]
    );
    for (id, part) in parts {
        let part = part.into_string();
        assert!(page.contains(&part), "{id}");
        assert_eq!(part.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
    }
    for watched in view.engine.active() {
        assert!(
            page.contains(&row(&shell, watched).into_string()),
            "{}",
            watched.check.name
        );
    }
}

#[test]
fn a_row_per_state() {
    let (view, vitals) = (story::postgres_is_down(), vitals());
    let shell = shell(&view, &vitals);
    let words = |html: &str| {
        let drawings =
            regex::Regex::new("<svg class=\"(days|spark)\".*?</svg>").expect("a pattern");
        let tags =
            regex::Regex::new("<[^>]*aria-label=\"([^\"]*)\"[^>]*>|<[^>]*>").expect("a pattern");
        let text = tags
            .replace_all(&drawings.replace_all(html, ""), " $1 ")
            .into_owned();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let rows: Vec<String> = view
        .engine
        .active()
        .map(|w| words(&row(&shell, w).into_string()))
        .collect();
    expect![[r"
        down postgres refused on 127.0.0.1:5432 · unit postgresql@15-main is inactive 99.97 % —
        held shop-api held: depends on postgres 99.98 % —
        degraded shop 200 OK in 912 ms, slower than 800 ms 100 % p95 871 ms
        up nightly-backup last ping 03:12 , took 9 min · next by Tue 03:30 99.99 % 9 min
        new weekly-report no ping yet — —
        unknown ssh no file descriptor is free 100 % —
        paused archive paused: not configured: set [postgres] url — —
        up belfry.hello 200 OK in 0.8 ms 99.97 % p95 1.1 ms
        up belfry.journal 200 OK in 0.8 ms 99.95 % of 30 d p95 1.1 ms"]]
    .assert_eq(&rows.join("\n"));
    expect![[r##"<li class="check new" id="check-4"><a class="name" href="/checks/weekly-report"><svg class="sign new" role="img" aria-label="new"><use href="#s-new"></use></svg><span><b>weekly-report</b><small>no ping yet</small></span></a><svg class="days" viewBox="0 0 359 24" preserveAspectRatio="none" role="img" aria-label="1 day, 0 with trouble"><path class="none" d="M0 19h356"/><path class="unknown" d="M356 12h4"/></svg><span class="uptime">—</span><span class="latency"><small>—</small></span></li>"##]].assert_eq(
        &row(&shell, view.engine.named("weekly-report").expect("watched")).into_string(),
    );
}

/// A hundred checks, each with its own past, latency and name.
fn many(count: u64) -> View {
    let name = |n: u64| format!("service-{n}.region-{}", n % 7);
    let check = |n: u64| {
        (
            probe(&name(n), &format!("Group {}", n / 12), "http", ""),
            20 + i64::try_from(n * 7 % 90).expect("small"),
        )
    };
    let mut story = Story::begin(
        (0..count).map(check).collect(),
        NOW - Duration::from_hours(2),
    );
    for round in 0..48 {
        for n in 0..count {
            let at = NOW - Duration::from_secs(1_700 - round * 30);
            story.look(
                at,
                &name(n),
                story::good(1 + story::noise(n) * 9, round * 1_000 + n),
            );
        }
    }
    for n in (0..count).step_by(17) {
        for _ in 0..3 {
            story.look(
                NOW,
                &name(n),
                Outcome::fail(&format!("refused on 10.0.{n}.1:443")),
            );
        }
    }
    story.view(NOW)
}

#[test]
fn a_hundred_checks_with_a_past_are_less_than_15_kb_on_the_wire() {
    let (view, vitals) = (many(100), vitals());
    let page = overview(&shell(&view, &vitals)).into_string();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(page.as_bytes()).expect("writes to memory");
    let size = gzip.finish().expect("writes to memory").len();
    assert!(
        size < 15_000,
        "{size} bytes compressed, {} before",
        page.len()
    );
    assert_eq!(page.matches("<li class=\"check ").count(), 100);
}

#[test]
fn a_name_in_an_address_is_encoded() {
    assert_eq!(segment("a/b c?é%\"<"), "a%2Fb%20c%3F%C3%A9%25%22%3C");
    assert_eq!(segment("belfry.hello_1-2~"), "belfry.hello_1-2~");
}

#[test]
fn a_runbook_is_a_link_only_when_it_is_one() {
    for (text, link) in [
        ("https://wiki/x", true),
        ("http://wiki/x", true),
        ("javascript:alert(1)", false),
        ("call anna", false),
    ] {
        assert_eq!(incident::is_link(text), link, "{text}");
    }
}

#[test]
fn what_was_measured_is_drawn_and_told_in_figures() {
    let (view, vitals) = (story::postgres_is_down(), vitals());
    let shell = shell(&view, &vitals);
    let watched = view.engine.named("shop").expect("there");
    let html = check(&shell, watched, &windowed(&windows())).into_string();
    assert!(html.contains("<h3>size <b>18 KiB</b></h3>"), "{html}");
    assert!(
        html.contains("9 KiB to 54 KiB, 18 KiB on average"),
        "{html}"
    );
    assert_eq!(html.matches("class=\"band\"").count(), 2);
    // A day in windows of five minutes is a few kilobytes.
    assert!(html.len() < 60_000, "{}", html.len());
}
