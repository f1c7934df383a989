//! Stories about jobs that report in.

use std::sync::Arc;

use super::*;
use crate::core::heartbeat::Beat;
use crate::web::limits::PING_BYTES;

fn beat(town: &Town) -> Beat {
    let view = Arc::clone(&town.view.borrow());
    let watched = view.engine.beat(&story::BEAT).expect("a heartbeat");
    watched.record.beat.clone().expect("a beat")
}

#[tokio::test]
async fn a_ping_of_any_method_is_recorded_before_it_is_answered() {
    let town = Town::found(Limits::default()).await;
    let before = beat(&town).pings;
    let path = format!("/ping/{}", story::BEAT);
    for (number, method) in ["GET", "HEAD", "POST", "PUT", "OPTIONS", "BREW"]
        .iter()
        .enumerate()
    {
        let reply = town.ask(method, &path, "", "").await;
        assert_eq!(reply.status, 200, "{method}");
        assert_eq!(beat(&town).pings, before + 1 + number as u64, "{method}");
        assert_eq!(reply.body, if *method == "HEAD" { "" } else { "OK" });
        assert_eq!(reply.header("content-length"), Some("2"), "{method}");
        assert_eq!(reply.header("ping-body-limit"), Some("100000"));
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    assert_eq!(town.vitals.pings.value(), 6);
}

#[tokio::test]
async fn what_happened_before_the_last_ping_is_a_note_and_changes_nothing() {
    let town = Town::found(Limits::default()).await;
    let path = format!("/ping/{}", story::BEAT);
    assert_eq!(town.get(&path).await.status, 200);
    let last = beat(&town);
    let before = last.last_ping.expect("just now").millis() - 60_000;
    for late in ["", "/fail", "/start"] {
        let reply = town.get(&format!("{path}{late}?at={before}")).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "OK"));
    }
    let now = beat(&town);
    assert_eq!(now.pings, last.pings + 3);
    assert_eq!((now.last_ping, now.last_start), (last.last_ping, None));
    let view = Arc::clone(&town.view.borrow());
    let watched = view.engine.beat(&story::BEAT).expect("a heartbeat");
    assert_eq!(watched.phase().word(), "up");
}

#[tokio::test]
async fn answers_are_those_of_healthchecks() {
    let town = Town::found(Limits::default()).await;
    let uuid = story::BEAT;
    let stranger = "00000000-0000-4000-8000-000000000000";
    for (path, status, body) in [
        (format!("/ping/{uuid}"), 200, "OK"),
        (format!("/ping/{uuid}/"), 200, "OK"),
        (format!("/ping/{uuid}/start"), 200, "OK"),
        (format!("/ping/{uuid}/log"), 200, "OK"),
        (format!("/ping/{uuid}/0"), 200, "OK"),
        (format!("/ping/{uuid}?rid={stranger}"), 200, "OK"),
        (format!("/ping/{uuid}/255"), 200, "OK"),
        (format!("/ping/{uuid}/fail"), 200, "OK"),
        (format!("/ping/{uuid}/256"), 400, "invalid url format"),
        (format!("/ping/{stranger}/256"), 404, "not found"),
        (format!("/ping/{uuid}?rid=7"), 400, "invalid uuid format"),
        (format!("/ping/{uuid}/stop"), 404, "not found"),
        (format!("/ping/{stranger}"), 404, "not found"),
        (format!("/ping/{PING_KEY}/nightly-backup"), 200, "OK"),
        (format!("/ping/{PING_KEY}/nightly-backup/start"), 200, "OK"),
        (format!("/ping/{PING_KEY}/nightly-backup/7"), 200, "OK"),
        (
            format!("/ping/{PING_KEY}/nightly-backup/"),
            404,
            "not found",
        ),
        (
            format!("/ping/{PING_KEY}/nightly-backup/256"),
            400,
            "invalid url format",
        ),
        (
            format!("/ping/{PING_KEY}/Nightly-backup"),
            400,
            "invalid url format",
        ),
        (format!("/ping/{PING_KEY}/nightly"), 404, "not found"),
        // Only heartbeats are pinged.
        (format!("/ping/{PING_KEY}/postgres"), 404, "not found"),
        (
            format!("/ping/{PING_KEY}x/nightly-backup"),
            404,
            "not found",
        ),
        ("/ping/nonsense".to_owned(), 404, "not found"),
        ("/ping/".to_owned(), 404, "not found"),
    ] {
        let reply = town.get(&path).await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (status, body),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_not_durable_is_never_answered_with_ok() {
    let town = Town::found(short()).await;
    let path = format!("/ping/{}", story::BEAT);
    for mode in [Answer::NotDurable, Answer::Busy] {
        town.journal.send_replace(mode);
        let reply = town.get(&path).await;
        assert_eq!(reply.status, 503, "{mode:?}");
        assert_eq!(reply.header("retry-after"), Some("5"));
    }
    // Whoever is not known is told so from memory, whatever the engine does.
    let reply = town.get("/ping/00000000-0000-4000-8000-000000000000").await;
    assert_eq!(reply.status, 404);
    town.journal.send_replace(Answer::Done);
    assert_eq!(town.get(&path).await.status, 200);
    assert_eq!(town.vitals.pings.value(), 1);
    assert_eq!(town.vitals.pings_refused.value(), 2);
}

#[tokio::test]
async fn the_start_of_a_long_body_is_kept_and_all_of_it_read() {
    let town = Town::found(Limits::default()).await;
    let path = format!("/ping/{}/log", story::BEAT);
    let body = "x".repeat(3 * 1024 * 1024);
    assert_eq!(town.ask("POST", &path, "", &body).await.status, 200);
    let length = format!("content-length: {}\r\n", PING_BYTES + 1);
    let reply = town.ask("POST", &path, &length, "").await;
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn pings_beyond_a_limit_are_told_to_wait_and_not_recorded() {
    let town = Town::found(Limits::default()).await;
    let few = Rates {
        heartbeat: Rates::default().unknown,
        ..Rates::default()
    };
    town.buckets.set(&few);
    let before = beat(&town).pings;
    let path = format!("/ping/{}", story::BEAT);
    let mut refused = 0;
    for _ in 0..150 {
        let reply = town.get(&path).await;
        if reply.status == 429 {
            let wait = reply.header("retry-after").map(str::parse::<u64>);
            assert!(matches!(wait, Some(Ok(1..))), "{wait:?}");
            refused += 1;
        }
    }
    assert!(refused > 0);
    assert_eq!(beat(&town).pings - before, 150 - refused);
    assert_eq!(town.vitals.pings_limited.value(), refused);
    let push = town.get(&format!("/api/push/{}", story::BEAT)).await;
    assert!(matches!(push.status, 200 | 429), "{}", push.status);

    town.buckets.set(&Rates::OFF);
    assert_eq!(town.get(&path).await.status, 200);
}
