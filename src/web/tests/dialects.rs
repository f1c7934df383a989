//! Stories about jobs that speak as other services taught them: one row per form of an address and its answer.

use super::*;
use crate::core::heartbeat::Signal;

const STRANGER: &str = "00000000-0000-4000-8000-000000000000";

/// What a request is answered, and what was recorded: nothing, or signal and body.
struct Row<'a> {
    ask: (&'a str, String, String),
    answer: (u16, &'a str),
    heard: Option<(Signal, &'a str)>,
}

fn row<'a>(
    (method, path): (&'a str, &str),
    (status, body): (u16, &'a str),
    heard: Option<(Signal, &'a str)>,
) -> Row<'a> {
    let path = path.replace("UUID", &story::BEAT.to_string());
    let path = path.replace("KEY", PING_KEY).replace("STRANGER", STRANGER);
    Row {
        ask: (method, path, String::new()),
        answer: (status, body),
        heard,
    }
}

async fn all_are_answered_and_recorded(rows: Vec<Row<'_>>, content: &str) {
    let mut town = Town::found(Limits::default()).await;
    for row in rows {
        let (method, path, headers) = &row.ask;
        let reply = town.ask(method, path, headers, "").await;
        let said = (reply.status, reply.body.as_str());
        assert_eq!(said, row.answer, "{method} {path}");
        assert_eq!(reply.header("content-type"), Some(content), "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
        let heard = town.heard.try_recv().ok();
        let heard = heard.map(|ping| {
            (
                ping.signal,
                String::from_utf8_lossy(&ping.body).into_owned(),
            )
        });
        let heard = heard
            .as_ref()
            .map(|(signal, body)| (*signal, body.as_str()));
        assert_eq!(heard, row.heard, "{method} {path}");
    }
}

#[tokio::test]
async fn uptime_kuma_push_is_answered_as_there() {
    let (up, ok) = (Signal::Success, (200, r#"{"ok":true}"#));
    let nobody = (
        404,
        r#"{"ok":false,"msg":"Monitor not found or not active."}"#,
    );
    let wrong =
        r#"{"ok":false,"msg":"Invalid ping value. Must be between 0 and 100000000000 ms."}"#;
    let rows = vec![
        row(("GET", "/api/push/UUID"), ok, Some((up, ""))),
        row(("GET", "/api/push/UUID/?status=up"), ok, Some((up, ""))),
        row(("GET", "/compat/kuma/api/push/UUID"), ok, Some((up, ""))),
        row(
            ("GET", "/api/push/UUID?status=up&msg=OK&ping="),
            ok,
            Some((up, "OK")),
        ),
        row(
            ("POST", "/api/push/UUID?status=up&msg=a+b%26c&ping=12.5"),
            ok,
            Some((up, "a b&c")),
        ),
        row(
            ("PUT", "/api/push/UUID?status=down&msg=no+disk"),
            ok,
            Some((Signal::Fail, "no disk")),
        ),
        row(
            ("GET", "/api/push/UUID?status=maybe"),
            ok,
            Some((Signal::Fail, "")),
        ),
        row(("GET", "/api/push/UUID?status=&ping=x"), ok, Some((up, ""))),
        row(("GET", "/api/push/UUID?ping=-1"), (404, wrong), None),
        row(
            ("GET", "/api/push/UUID?ping=100000000001"),
            (404, wrong),
            None,
        ),
        row(("GET", "/api/push/STRANGER"), nobody, None),
        row(("GET", "/api/push/KEY"), nobody, None),
    ];
    all_are_answered_and_recorded(rows, "application/json; charset=utf-8").await;
}

#[tokio::test]
async fn a_snitch_is_thanked() {
    let (ok, nobody) = ((200, "Got it, thanks!"), (404, "not found"));
    let rows = vec![
        row(("GET", "/snitch/UUID"), ok, Some((Signal::Success, ""))),
        row(
            ("POST", "/snitch/UUID?m=done"),
            ok,
            Some((Signal::Success, "done")),
        ),
        row(
            ("GET", "/snitch/UUID?m=&s=0"),
            ok,
            Some((Signal::Success, "")),
        ),
        row(("GET", "/snitch/UUID?s="), ok, Some((Signal::Success, ""))),
        row(
            ("GET", "/snitch/UUID?s=3&m=no+space"),
            ok,
            Some((Signal::Exit(3), "no space")),
        ),
        row(("GET", "/snitch/UUID?s=256"), ok, Some((Signal::Fail, ""))),
        row(("GET", "/snitch/UUID?s=00"), ok, Some((Signal::Fail, ""))),
        row(
            ("GET", "/snitch/UUID?s=error"),
            ok,
            Some((Signal::Fail, "")),
        ),
        row(("GET", "/snitch/STRANGER"), nobody, None),
        row(("GET", "/snitch/nonsense"), nobody, None),
    ];
    all_are_answered_and_recorded(rows, "text/plain; charset=utf-8").await;
}

#[tokio::test]
async fn telemetry_of_cronitor_is_heard_by_name_and_by_uuid() {
    let (ok, nobody) = ((200, "OK"), (404, "not found"));
    let name = "nightly-backup";
    let of = |query: &str| format!("/p/KEY/{name}{query}");
    let rows = vec![
        row(("GET", &of("")), ok, Some((Signal::Success, ""))),
        row(
            ("GET", &of("?state=run&series=7&host=web-1")),
            ok,
            Some((Signal::Start, "")),
        ),
        row(
            ("GET", &of("?state=complete&series=7&duration=1.5&msg=fine")),
            ok,
            Some((Signal::Success, "fine")),
        ),
        row(
            ("POST", &of("?state=fail&status_code=3&message=no+disk")),
            ok,
            Some((Signal::Exit(3), "no disk")),
        ),
        row(
            ("GET", &of("?state=fail&status_code=0")),
            ok,
            Some((Signal::Fail, "")),
        ),
        row(
            ("GET", &of("?state=fail&status_code=x")),
            ok,
            Some((Signal::Fail, "")),
        ),
        // The state says how it ended.
        row(
            ("GET", &of("?state=complete&status_code=3")),
            ok,
            Some((Signal::Success, "")),
        ),
        row(
            ("GET", &of("?state=ok&metric=count:7")),
            ok,
            Some((Signal::Success, "")),
        ),
        row(
            ("GET", "/p/UUID/whatever?state=ok"),
            ok,
            Some((Signal::Success, "")),
        ),
        row(("GET", &of("?state=paused")), (400, "invalid state"), None),
        row(("GET", "/p/KEY/nobody"), nobody, None),
        row(("GET", "/p/KEY/nobody?create=1"), nobody, None),
        row(("GET", "/p/KEYx/nightly-backup"), nobody, None),
        row(("GET", "/p/STRANGER/nightly-backup"), nobody, None),
        row(("GET", "/p/KEY"), nobody, None),
        row(("GET", "/p/KEY/nightly-backup/run"), nobody, None),
    ];
    all_are_answered_and_recorded(rows, "text/plain; charset=utf-8").await;
}

#[tokio::test]
async fn what_has_the_form_of_a_ping_means_what_its_clients_mean() {
    let (ok, thanks) = ((200, "OK"), (200, "Got it, thanks!"));
    let rows = vec![
        // As Cronitor's client for Node asks, and the gem of Dead Man's Snitch.
        row(
            (
                "GET",
                "/ping/KEY/nightly-backup?state=fail&message=no+disk&stamp=1",
            ),
            ok,
            Some((Signal::Fail, "no disk")),
        ),
        row(
            ("GET", "/KEY/nightly-backup?state=run&series=7"),
            ok,
            Some((Signal::Start, "")),
        ),
        row(
            ("GET", "/ping/KEY/nightly-backup?state=paused"),
            (400, "invalid state"),
            None,
        ),
        row(
            ("GET", "/ping/UUID/whatever?state=ok"),
            ok,
            Some((Signal::Success, "")),
        ),
        row(
            ("GET", "/compat/cronitor/p/KEY/nightly-backup?state=ok"),
            ok,
            Some((Signal::Success, "")),
        ),
        row(
            ("GET", "/compat/deadmanssnitch/UUID?m=fine"),
            thanks,
            Some((Signal::Success, "fine")),
        ),
        row(
            ("GET", "/UUID?s=1&m=no+disk"),
            thanks,
            Some((Signal::Exit(1), "no disk")),
        ),
        row(
            ("GET", "/UUID?m=fine"),
            thanks,
            Some((Signal::Success, "fine")),
        ),
        row(
            ("GET", "/UUID/?s=1&m=no+disk"),
            thanks,
            Some((Signal::Exit(1), "no disk")),
        ),
        row(
            ("GET", "/ping/UUID/?s=1"),
            thanks,
            Some((Signal::Exit(1), "")),
        ),
        row(("GET", "/STRANGER?s=1"), (404, "not found"), None),
    ];
    all_are_answered_and_recorded(rows, "text/plain; charset=utf-8").await;
}

#[tokio::test]
async fn what_healthchecks_io_means_stays_what_it_is_beside_the_words_of_others() {
    let ok = (200, "OK");
    let rows = vec![
        row(
            ("GET", "/ping/UUID/fail?s=0&state=ok"),
            ok,
            Some((Signal::Fail, "")),
        ),
        row(
            ("GET", "/ping/KEY/nightly-backup/fail?state=ok"),
            ok,
            Some((Signal::Fail, "")),
        ),
        row(
            ("GET", "/ping/KEY/nightly-backup?rid=&states=fail"),
            (400, "invalid uuid format"),
            None,
        ),
    ];
    all_are_answered_and_recorded(rows, "text/plain; charset=utf-8").await;
}

#[tokio::test]
async fn an_external_endpoint_of_gatus_needs_a_token() {
    let by = |token: &str, mut row: Row<'static>| {
        let token = token.replace("UUID", &story::BEAT.to_string());
        let token = token.replace("KEY", PING_KEY).replace("STRANGER", STRANGER);
        row.ask.2 = format!("authorization: {token}\r\n");
        row
    };
    let to = "/api/v1/endpoints/jobs_nightly-backup/external";
    let post = |query: &str, answer: (u16, &'static str), heard| {
        row(("POST", &format!("{to}{query}")), answer, heard)
    };
    let (ok, up, down) = ((200, ""), Signal::Success, Signal::Fail);
    let (no_token, nobody) = ((401, "invalid Authorization header"), (404, "not found"));
    let missing = (400, "missing or invalid success query parameter");
    let rows = vec![
        by("Bearer KEY", post("?success=true", ok, Some((up, "")))),
        by(
            "Bearer UUID",
            post("?success=true&error=x&duration=1m30s", ok, Some((up, ""))),
        ),
        by(
            "Bearer KEY",
            post("?success=false&error=no+disk", ok, Some((down, "no disk"))),
        ),
        by(
            "Bearer UUID",
            post("?success=false&duration=7", (400, "invalid duration"), None),
        ),
        by("Bearer KEY", post("", missing, None)),
        by("Bearer KEY", post("?success=yes", missing, None)),
        post("?success=true", no_token, None),
        by("Basic KEY", post("?success=true", no_token, None)),
        by("Bearer  ", post("?success=true", no_token, None)),
        by("Bearer STRANGER", post("?success=true", nobody, None)),
        by("Bearer KEYx", post("?success=true", nobody, None)),
        by(
            "Bearer KEY",
            row(
                (
                    "POST",
                    "/api/v1/endpoints/jobs_nobody/external?success=true",
                ),
                (404, "not found"),
                None,
            ),
        ),
        by(
            "Bearer KEY",
            row(
                (
                    "GET",
                    "/api/v1/endpoints/jobs_nightly-backup/external?success=true",
                ),
                (405, "Method Not Allowed"),
                None,
            ),
        ),
    ];
    all_are_answered_and_recorded(rows, "text/plain; charset=utf-8").await;
}

#[tokio::test]
async fn gatus_has_an_address_under_compat_too() {
    let town = Town::found(Limits::default()).await;
    let path = "/compat/gatus/api/v1/endpoints/jobs_nightly-backup/external?success=true";
    let token = format!("authorization: Bearer {PING_KEY}\r\n");
    assert_eq!(town.ask("POST", path, &token, "").await.status, 200);
    assert_eq!(town.vitals.pings.value(), 1);
}

#[tokio::test]
async fn what_is_not_durable_is_no_success_in_any_dialect() {
    let town = Town::found(short()).await;
    town.journal.send_replace(Answer::NotDurable);
    for path in [
        format!("/api/push/{}", story::BEAT),
        format!("/snitch/{}", story::BEAT),
        format!("/p/{PING_KEY}/nightly-backup"),
    ] {
        let reply = town.get(&path).await;
        assert_eq!(reply.status, 503, "{path}");
        assert_eq!(reply.header("retry-after"), Some("5"), "{path}");
        assert!(reply.body.contains("not recorded, try again"), "{path}");
    }
}
