//! Stories about how long runs took, as jobs say that were written for other services.

use std::sync::Arc;

use super::*;

#[tokio::test]
async fn runs_of_a_series_of_cronitor_are_timed() {
    let town = Town::found(Limits::default()).await;
    let path = format!("/p/{PING_KEY}/nightly-backup");
    let of = |state: &str, series: &str| format!("{path}?state={state}&series={series}");
    assert_eq!(town.get(&of("run", "first")).await.status, 200);
    assert_eq!(town.get(&of("complete", "other")).await.status, 200);
    let took = |town: &Town| {
        let view = Arc::clone(&town.view.borrow());
        let watched = view.engine.beat(&story::BEAT).expect("a heartbeat");
        watched.record.beat.as_ref().and_then(|beat| beat.last_took)
    };
    assert_eq!(took(&town), None);
    assert_eq!(town.get(&of("complete", "first")).await.status, 200);
    assert!(took(&town).is_some());
}

#[tokio::test]
async fn how_long_it_took_is_kept_where_a_dialect_says_so() {
    let mut town = Town::found(Limits::default()).await;
    let named = format!("/p/{PING_KEY}/nightly-backup");
    let gatus = "/api/v1/endpoints/jobs_nightly-backup/external?success=true";
    let token = format!("authorization: Bearer {PING_KEY}\r\n");
    for (method, path, ms) in [
        (
            "GET",
            format!("/api/push/{}?ping=12.5", story::BEAT),
            Some(12.5),
        ),
        ("GET", format!("/api/push/{}?ping=soon", story::BEAT), None),
        ("GET", format!("/api/push/{}?ping=nan", story::BEAT), None),
        (
            "GET",
            format!("/api/push/{}?ping=Infinity", story::BEAT),
            None,
        ),
        (
            "GET",
            format!("/api/push/{}?ping=12abc", story::BEAT),
            Some(12.0),
        ),
        (
            "GET",
            format!("/api/push/{}?ping=1e1e", story::BEAT),
            Some(10.0),
        ),
        (
            "GET",
            format!("{named}?state=complete&duration=1.5"),
            Some(1_500.0),
        ),
        ("GET", format!("{named}?state=fail&duration=0"), Some(0.0)),
        (
            "GET",
            format!("{named}?state=ok&metric=count:7&metric=duration:1.5"),
            Some(1_500.0),
        ),
        ("GET", format!("{named}?state=ok&duration=-1"), None),
        ("GET", format!("{named}?state=ok&duration=1e300"), None),
        // No more than a year is believed.
        (
            "GET",
            format!("{named}?state=ok&duration=1e9"),
            Some(31_622_400_000.0),
        ),
        ("POST", format!("{gatus}&duration=1m30s"), Some(90_000.0)),
        ("POST", gatus.to_owned(), None),
    ] {
        let reply = town.ask(method, &path, &token, "").await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        let heard = town.heard.try_recv().expect("a ping");
        let took = heard.took.map(|took| took.as_secs_f64() * 1_000.0);
        assert_eq!(took, ms, "{path}");
        let view = Arc::clone(&town.view.borrow());
        let watched = view.engine.beat(&story::BEAT).expect("a heartbeat");
        let last = watched.record.beat.as_ref().and_then(|beat| beat.last_took);
        assert_eq!(last, heard.took, "{path}");
    }
}
