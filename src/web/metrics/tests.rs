//! Stories about the figures.

use expect_test::expect;

use crate::core::outcome::Outcome;
use crate::core::view::View;
use crate::web::page::story::{self, BEAT, NOW, Story, probe, vitals};

/// The lines that begin with one of `wanted`.
fn lines(text: &str, wanted: &[&str]) -> String {
    let keep = |line: &&str| wanted.iter().any(|wanted| line.contains(wanted));
    text.lines().filter(keep).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_check_has_its_series() {
    let text = super::text(&story::postgres_is_down(), &vitals());
    expect![[r#"
        # HELP belfry_check_up 1 up or degraded, 0 down, NaN not known or not judged.
        # TYPE belfry_check_up gauge
        belfry_check_up{name="postgres",group="Shop",kind="postgres"} 0.0
        belfry_check_up{name="shop-api",group="Shop",kind="http"} 0.0
        belfry_check_up{name="shop",group="Shop",kind="http"} 1.0
        belfry_check_up{name="nightly-backup",group="",kind="heartbeat"} 1.0
        belfry_check_up{name="weekly-report",group="",kind="heartbeat"} NaN
        belfry_check_up{name="ssh",group="Host",kind="tcp"} NaN
        belfry_check_up{name="archive",group="Host",kind="postgres"} NaN
        belfry_check_up{name="belfry.hello",group="",kind="http"} 1.0
        belfry_check_up{name="belfry.journal",group="",kind="journal"} 1.0
        belfry_check_state{name="postgres",group="Shop",kind="postgres",state="down"} 1.0
        belfry_check_state{name="shop-api",group="Shop",kind="http",state="down"} 1.0
        belfry_check_state{name="shop",group="Shop",kind="http",state="degraded"} 1.0
        belfry_check_state{name="nightly-backup",group="",kind="heartbeat",state="up"} 1.0
        belfry_check_state{name="weekly-report",group="",kind="heartbeat",state="new"} 1.0
        belfry_check_state{name="ssh",group="Host",kind="tcp",state="new"} 1.0
        belfry_check_state{name="archive",group="Host",kind="postgres",state="paused"} 1.0
        belfry_check_state{name="belfry.hello",group="",kind="http",state="up"} 1.0
        belfry_check_state{name="belfry.journal",group="",kind="journal",state="up"} 1.0
        belfry_check_since_timestamp_seconds{name="postgres",group="Shop",kind="postgres"} 1795470847.0
        belfry_check_last_look_timestamp_seconds{name="postgres",group="Shop",kind="postgres"} 1795470857.0
        belfry_incident_opened_timestamp_seconds{name="postgres"} 1795470847.0
        # HELP belfry_incidents_open Incidents that are open.
        # TYPE belfry_incidents_open gauge
        belfry_incidents_open 1.0
        belfry_outbox_notifications{phase="accepted"} 1.0"#]].assert_eq(&lines(
        &text,
        &[
            "check_up",
            "check_state{",
            "name=\"postgres\"",
            "incidents_open",
            "outbox_notifications{phase=\"acc",
        ],
    ));
    expect![[r#"
        # HELP belfry_build_info What runs.
        # TYPE belfry_build_info gauge
        belfry_build_info{version="0.1.0"} 1.0
        # HELP belfry_probes Looks ever begun.
        # TYPE belfry_probes counter
        belfry_probes_total 48211.0
        # HELP belfry_probes_running Looks under way.
        # TYPE belfry_probes_running gauge
        belfry_probes_running 0.0
        # HELP belfry_journal_commit_seconds How long the last commit took.
        # TYPE belfry_journal_commit_seconds gauge
        # UNIT belfry_journal_commit_seconds seconds
        belfry_journal_commit_seconds 0.00032
        # HELP belfry_journal_commits Commits.
        # TYPE belfry_journal_commits counter
        belfry_journal_commits_total 9411.0
        # HELP belfry_journal_commit_failures Commits that failed since the last one that did not.
        # TYPE belfry_journal_commit_failures gauge
        belfry_journal_commit_failures 0.0
        # HELP belfry_journal_size_bytes Size of the journal.
        # TYPE belfry_journal_size_bytes gauge
        # UNIT belfry_journal_size_bytes bytes
        belfry_journal_size_bytes 43305533.0
        belfry_check_up{name="belfry.journal",group="",kind="journal"} 1.0
        belfry_check_state{name="belfry.journal",group="",kind="journal",state="up"} 1.0
        belfry_check_since_timestamp_seconds{name="belfry.journal",group="",kind="journal"} 1795469399.0
        belfry_check_latency_seconds{name="belfry.journal",group="",kind="journal"} 0.0008
        belfry_check_last_look_timestamp_seconds{name="belfry.journal",group="",kind="journal"} 1795470809.0"#]].assert_eq(&lines(&text, &["probes", "journal", "build_info"]));
}

#[test]
fn the_text_is_whole_and_no_ping_address_is_in_it() {
    let text = super::text(&story::postgres_is_down(), &vitals());
    assert!(text.ends_with("\n# EOF\n") && text.matches("# EOF").count() == 1);
    assert!(!text.contains(&BEAT.to_string()));
    for name in [
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_cpu_seconds_total",
        "process_start_time_seconds",
    ] {
        assert!(
            text.lines()
                .any(|line| line.starts_with(&format!("{name} "))),
            "{name}"
        );
    }
    let mut families: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .collect();
    let all = families.len();
    families.sort_unstable();
    families.dedup();
    assert_eq!(families.len(), all, "a family is described once");
}

#[test]
fn a_hostile_name_stays_within_its_label() {
    let mut story = Story::begin(vec![(probe("a\"} 1\n# EOF\n\\", "", "tcp", ""), 0)], NOW);
    story.look(NOW, "a\"} 1\n# EOF\n\\", Outcome::pass("ok"));
    let text = super::text(&story.view(NOW), &vitals());
    assert!(
        text.contains(r#"belfry_check_up{name="a\"} 1\n# EOF\n\\",group="",kind="tcp"} 1.0"#),
        "{text}"
    );
    assert_eq!(text.lines().filter(|line| *line == "# EOF").count(), 1);
}

#[test]
fn an_empty_daemon_has_figures_too() {
    let text = super::text(&View::default(), &vitals());
    assert!(text.contains("belfry_incidents_open 0.0\n") && !text.contains("belfry_check_up"));
}
