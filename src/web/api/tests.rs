//! Stories about the shapes of the JSON.

use std::time::Duration;

use expect_test::expect;
use serde_json::Value;

use crate::core::incident::{Acknowledgement, Incident};
use crate::core::outcome::{Outcome, Verdict};
use crate::web::page::story::{self, BEAT, NOW, Story, probe};

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("serialisable")
}

#[test]
fn the_status_is_as_the_contract_says() {
    let view = story::postgres_is_down();
    let mut status = super::status(&view, NOW, "0.1.0", true);
    let checks = status["checks"].as_array_mut().expect("a list");
    assert_eq!(checks.len(), 9);
    checks.truncate(1);
    expect![[r#"
        {
          "checks": [
            {
              "failures": 4,
              "group": "Shop",
              "held_by": null,
              "incident": "381f1538bb6b",
              "kind": "postgres",
              "known": true,
              "last": {
                "at": "2026-11-23T21:54:17.000Z",
                "latency_ms": null,
                "message": "refused on 127.0.0.1:5432 · unit postgresql@15-main is inactive",
                "verdict": "fail"
              },
              "name": "postgres",
              "since": "2026-11-23T21:54:07Z",
              "state": "down",
              "uptime": {
                "24h": 0.99701775147929,
                "30d": 0.9998994934790412,
                "7d": 0.9995154777927322,
                "90d": 0.999755668133218
              }
            }
          ],
          "incidents": [
            {
              "acknowledged": false,
              "acknowledgement": null,
              "cause": "refused on 127.0.0.1:5432 · unit postgresql@15-main is inactive",
              "check": "postgres",
              "closed_at": null,
              "id": "381f1538bb6b",
              "opened_at": "2026-11-23T21:54:07Z",
              "reason": "3 failures in a row",
              "worst": "down"
            }
          ],
          "node": "web-1",
          "since": "2026-11-23T21:54:07Z",
          "state": "down",
          "version": "0.1.0"
        }"#]]
    .assert_eq(&pretty(&status));
}

#[test]
fn a_heartbeat_tells_its_pings_and_its_address_only_to_an_operator() {
    let view = story::postgres_is_down();
    let beat = view.engine.named("nightly-backup").expect("watched");
    let mut shown = super::check(&view, NOW, beat, true);
    assert_eq!(shown["ping_url"], format!("/ping/{BEAT}"));
    assert!(
        !super::check(&view, NOW, beat, false)
            .to_string()
            .contains(&BEAT.to_string())
    );
    shown.as_object_mut().expect("an object").remove("uptime");
    expect![[r#"
        {
          "down_at": "2026-11-24T03:30:00Z",
          "expected_by": "2026-11-24T03:00:00Z",
          "failures": 0,
          "flapping": false,
          "group": "",
          "held_by": null,
          "incident": null,
          "kind": "heartbeat",
          "known": true,
          "last": {
            "at": "2026-11-23T03:12:19.000Z",
            "latency_ms": 540000.0,
            "message": "job succeeded after 9 min",
            "verdict": "pass"
          },
          "last_ping": "2026-11-23T03:12:19.000Z",
          "last_took_ms": 540000.0,
          "missed": 0,
          "name": "nightly-backup",
          "ping_url": "/ping/5f0c9e3a-1d1e-4b5e-9c55-0a8e64b177aa",
          "pings": 2,
          "reason": "ping received",
          "remedy": null,
          "settings": {
            "alert_degraded": false,
            "behind": null,
            "calendar": {
              "cron": "0 3 * * *",
              "timezone": "UTC"
            },
            "depends_on": [],
            "every_ms": null,
            "fail_after": {
              "failures": 1,
              "of": 1
            },
            "flapping": {
              "turns": 4,
              "within_ms": 600000.0
            },
            "grace_ms": 1800000.0,
            "missed_after": 1,
            "not_configured": null,
            "recover_after": 1,
            "retry_every_ms": 10000.0,
            "runbook": null,
            "target": "",
            "timeout_ms": 5000.0
          },
          "since": "2026-11-23T03:12:19Z",
          "state": "up"
        }"#]]
    .assert_eq(&pretty(&shown));
}

#[test]
fn what_a_message_has_no_room_for_is_told_of_one_check_only() {
    let start = NOW - Duration::from_mins(1);
    let mut story = Story::begin(vec![(probe("shop", "Shop", "postgres", "db"), 0)], start);
    let outcome = Outcome::new(Verdict::Warn, "connections 97 %; and 1 more");
    let outcome = outcome.with_left_out(&["bloat 40 %"]);
    story.look(start, "shop", outcome);
    let view = story.view(NOW);
    let shop = view.engine.named("shop").expect("watched");
    let last = &super::check(&view, NOW, shop, false)["last"];
    assert_eq!(last["left_out"], serde_json::json!(["bloat 40 %"]));
    let last = &super::checks(&view, NOW, false)[0]["last"];
    assert_eq!(last["left_out"], Value::Null);
}

#[test]
fn uptime_is_null_for_what_is_not_known() {
    let view = story::postgres_is_down();
    let watched = view.engine.named("belfry.journal").expect("watched");
    let uptime = &super::check(&view, NOW, watched, false)["uptime"];
    assert!(
        uptime["30d"].is_f64() && uptime["90d"].is_null(),
        "{uptime}"
    );
}

#[test]
fn an_incident_tells_who_was_told() {
    let view = story::postgres_is_down();
    let open = view.engine.incidents.values().next().expect("open");
    let told: Vec<_> = view
        .engine
        .outbox
        .values()
        .map(|n| n.as_ref().clone())
        .collect();
    expect![[r#"
        {
          "acknowledged": false,
          "acknowledgement": null,
          "cause": "refused on 127.0.0.1:5432 · unit postgresql@15-main is inactive",
          "check": "postgres",
          "closed_at": null,
          "first_failure": "2026-11-23T21:53:47.000Z",
          "id": "381f1538bb6b",
          "notifications": [
            {
              "about": "postgres",
              "ambiguous": 0,
              "at": "2026-11-23T21:54:08.000Z",
              "attempts_failed": 0,
              "channel": "email",
              "created_at": "2026-11-23T21:54:07.000Z",
              "id": "4a593d3feb8cdb366d5d86bfd44b748d",
              "incident": "381f1538bb6b",
              "kind": "opened",
              "next_at": null,
              "phase": "accepted",
              "relay": "localhost",
              "reply": "250 2.0.0 Ok: queued as 4F2C1",
              "superseded_by": null,
              "to": "ops@example.org"
            }
          ],
          "opened_at": "2026-11-23T21:54:07Z",
          "reason": "3 failures in a row",
          "timeline": [
            {
              "at": "2026-11-23T21:53:47.000Z",
              "text": "first failure: refused on 127.0.0.1:5432 · unit postgresql@15-main is inactive"
            },
            {
              "at": "2026-11-23T21:54:07.000Z",
              "text": "3 failures in a row: down"
            },
            {
              "at": "2026-11-23T21:54:08.000Z",
              "text": "ops@example.org told, accepted by localhost: 250 2.0.0 Ok: queued as 4F2C1"
            }
          ],
          "worst": "down"
        }"#]].assert_eq(&pretty(&super::incident(open, &told, true)));
    assert_eq!(
        super::outbox(&told, true)["notifications"][0]["phase"],
        "accepted"
    );
    assert_eq!(
        super::incidents(&view, &[], true)["incidents"][0]["check"],
        "postgres"
    );
}

#[test]
fn who_is_no_operator_sees_that_somebody_was_told_and_not_who() {
    let view = story::postgres_is_down();
    let open = view.engine.incidents.values().next().expect("open");
    let mut open = Incident::clone(open);
    open.acknowledge(&Acknowledgement {
        at: NOW,
        by: "ada@example.org".into(),
        note: "call ada@example.org".into(),
    });
    let outbox = view.engine.outbox.values();
    let told: Vec<_> = outbox.map(|n| n.as_ref().clone()).collect();
    let whole = super::incident(&open, &told, false);
    assert_eq!(whole["notifications"][0]["to"], "o…@example.org");
    assert_eq!(whole["notifications"][0]["phase"], "accepted");
    assert_eq!(whole["notifications"][0]["at"], "2026-11-23T21:54:08.000Z");
    for text in [whole.to_string(), super::outbox(&told, false).to_string()] {
        for secret in ["ops@", "ada@", "\"localhost\""] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[test]
fn failures_in_a_row_are_a_number_while_it_is_down() {
    let view = story::postgres_is_down();
    let watched = view.engine.named("postgres").expect("watched");
    let failures = &super::check(&view, NOW, watched, false)["failures"];
    assert!(
        failures.as_u64().is_some_and(|count| count >= 3),
        "{failures}"
    );
}

#[test]
fn outcomes_are_looks_with_their_times() {
    let looks = [(NOW, story::good(12, 3))];
    expect![[r#"{"outcomes":[{"at":"2026-11-23T21:58:19.000Z","latency_ms":11.64,"message":"200 OK in 12 ms","verdict":"pass"}]}"#]].assert_eq(&super::outcomes(&looks, true).to_string());
}
