//! The pinging API: each form of address, each method, each answer.

use crate::client::{CONFIGURED, PING_KEY, STRANGER, Site, uuid};
use serde_json::json;

/// The view of healthchecks.io asks for no method.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];

#[test]
fn every_address_has_its_answer_by_every_method() {
    let site = Site::new();
    site.made(&json!({"name": "one", "slug": "twice"}));
    site.made(&json!({"name": "two", "slug": "twice"}));
    let (id, key) = (CONFIGURED, PING_KEY);
    for (rest, status, body) in [
        (id.to_owned(), 200, "OK"),
        (id.to_uppercase(), 200, "OK"),
        (format!("{id}/"), 200, "OK"),
        (format!("{id}/start"), 200, "OK"),
        (format!("{id}/fail"), 200, "OK"),
        (format!("{id}/log"), 200, "OK"),
        (format!("{id}/0"), 200, "OK"),
        (format!("{id}/255"), 200, "OK"),
        (format!("{id}/256"), 400, "invalid url format"),
        (format!("{STRANGER}/256"), 404, "not found"),
        (STRANGER.to_owned(), 404, "not found"),
        (id.replace('-', ""), 404, "not found"),
        (format!("{id}/stop"), 404, "not found"),
        (format!("{id}/start/"), 404, "not found"),
        (format!("{key}/nightly-backup"), 200, "OK"),
        (format!("{key}/nightly-backup/"), 404, "not found"),
        (format!("{key}/nightly-backup/start"), 200, "OK"),
        (format!("{key}/nightly-backup/fail"), 200, "OK"),
        (format!("{key}/nightly-backup/log"), 200, "OK"),
        (format!("{key}/nightly-backup/7"), 200, "OK"),
        (
            format!("{key}/nightly-backup/256"),
            400,
            "invalid url format",
        ),
        (format!("{key}/Nightly-backup"), 400, "invalid url format"),
        (format!("{key}/nobody"), 404, "not found"),
        (format!("{key}/twice"), 409, "ambiguous slug"),
        (format!("{key}/twice/fail"), 409, "ambiguous slug"),
        (format!("{key}/twice?create=1"), 409, "ambiguous slug"),
        (format!("{key}x/nightly-backup"), 404, "not found"),
        (format!("{key}x/twice"), 404, "not found"),
        (format!("{id}?rid={STRANGER}"), 200, "OK"),
        (format!("{id}?rid={}", STRANGER.to_uppercase()), 200, "OK"),
        (format!("{id}?rid=7"), 400, "invalid uuid format"),
        (
            format!("{id}?rid={}", STRANGER.replace('-', "")),
            400,
            "invalid uuid format",
        ),
    ] {
        // The hosted service has nothing in front.
        for path in [format!("/ping/{rest}"), format!("/{rest}")] {
            for method in METHODS {
                let reply = site.ask(method, &path, "", "");
                let body = if method == "HEAD" { "" } else { body };
                assert_eq!(reply.both(), (status, body), "{method} {path}");
                assert_eq!(reply.header("ping-body-limit"), Some("100000"));
                assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
                assert_eq!(reply.header("cache-control"), Some("no-store"));
            }
        }
    }
}

#[test]
fn every_method_and_the_oldest_protocol_pings_by_both_kinds_of_address() {
    let site = Site::new();
    let slug = format!("/ping/{PING_KEY}/nightly-backup");
    let mut pings = 0;
    for path in [format!("/ping/{CONFIGURED}"), slug] {
        for version in ["HTTP/1.1", "HTTP/1.0"] {
            for method in METHODS {
                let reply = site.ask_by(version, method, &path, "", "");
                let body = if method == "HEAD" { "" } else { "OK" };
                assert_eq!(reply.both(), (200, body), "{version} {method} {path}");
                assert_eq!(reply.header("content-length"), Some("2"));
                pings += 1;
            }
        }
    }
    assert_eq!(site.check(CONFIGURED)["n_pings"], pings);
}

#[test]
fn a_slug_that_nobody_has_is_made_where_that_is_asked_for() {
    let site = Site::new();
    let path = |rest: &str| format!("{PING_KEY}/{rest}");
    for (rest, status, body) in [
        ("fresh", 404, "not found"),
        ("fresh?create=0", 404, "not found"),
        ("fresh?create=true", 404, "not found"),
        ("fresh?create=1&create=0", 404, "not found"),
        ("Fresh?create=1", 400, "invalid url format"),
        ("fresh/256?create=1", 400, "invalid url format"),
        ("fresh?create=1&rid=7", 400, "invalid uuid format"),
        ("fresh/?create=1", 404, "not found"),
        ("fresh?create=1", 201, "Created"),
        ("fresh?create=1", 200, "OK"),
        ("fresh", 200, "OK"),
        ("begun/start?create=1", 201, "Created"),
        ("failed/3?create=1", 201, "Created"),
        ("nightly-backup?create=1", 200, "OK"),
    ] {
        let reply = site.ping(&path(rest));
        assert_eq!(reply.both(), (status, body), "{rest}");
    }
    let wrong = site.ping(&format!("{PING_KEY}x/other?create=1"));
    assert_eq!(wrong.both(), (404, "not found"));
    let checks = site.api("GET", "checks/?slug=fresh", "").json();
    let fresh = &checks["checks"][0];
    for (field, value) in [
        ("name", json!("fresh")),
        ("timeout", json!(86_400)),
        ("grace", json!(3_600)),
        ("status", json!("up")),
        ("n_pings", json!(3)),
    ] {
        assert_eq!(fresh[field], value, "{field}");
    }
    let state = |slug: &str| {
        let checks = site.api("GET", &format!("checks/?slug={slug}"), "").json();
        checks["checks"][0]["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (state("begun").as_str(), state("failed").as_str()),
        ("new", "down")
    );
}

#[test]
fn what_was_made_is_there_after_a_crash_and_a_reload() {
    let mut site = Site::new();
    assert_eq!(site.ping(&format!("{PING_KEY}/fresh?create=1")).status, 201);
    let zone =
        json!({"name": "By calendar", "schedule": "15 5 * * *", "tz": "Asia/Tokyo", "tags": "a"});
    let id = uuid(&site.made(&zone));
    let before = site.check(&id);
    site.daemon.kill();
    site.daemon.start();
    assert_eq!(site.check(&id), before);
    assert_eq!(site.ping(&format!("{PING_KEY}/fresh")).both(), (200, "OK"));
    assert_eq!(site.daemon.state("fresh"), "up");
    let extra = "[heartbeat.fresh]\nevery = \"2h\"\n";
    site.daemon.configure(&Site::configuration(extra));
    site.daemon.until("taken over", |daemon| {
        let check = daemon.json("/api/v1/checks/fresh");
        check["settings"]["every_ms"] == 7_200_000.0 && check["pings"] == 2
    });
    assert_eq!(site.check(&id), before);
}

#[test]
fn only_post_counts_where_the_check_says_so() {
    let site = Site::new();
    let id = uuid(&site.made(&json!({"name": "strict", "methods": "POST"})));
    let path = format!("/ping/{id}");
    for method in ["GET", "HEAD", "PUT"] {
        assert_eq!(site.ask(method, &path, "", "").status, 200, "{method}");
        assert_eq!(site.check(&id)["status"], "new", "{method}");
    }
    assert_eq!(site.ask("POST", &path, "", "").both(), (200, "OK"));
    let check = site.check(&id);
    assert_eq!(
        (&check["status"], &check["n_pings"]),
        (&json!("up"), &json!(4))
    );
}

#[test]
fn words_in_the_body_decide_where_the_check_says_so() {
    let site = Site::with(
        "[heartbeat.words]\nevery = \"1h\"\nfilter_http_body = true\nsuccess_kw = \"done, OK\"\nfailure_kw = \"ERROR\"\nstart_kw = \"began\"\n",
    );
    let path = format!("/ping/{PING_KEY}/words");
    for (address, body, status) in [
        ("", "hello", "new"),
        ("/fail", "hello", "new"),
        ("", "began", "new"),
        ("/fail", "it is done", "up"),
        ("", "done, but ERROR", "down"),
        ("/fail", "OK", "up"),
    ] {
        let reply = site.ask("POST", &format!("{path}{address}"), "", body);
        assert_eq!(reply.both(), (200, "OK"));
        let checks = site.api("GET", "checks/?slug=words", "").json();
        assert_eq!(checks["checks"][0]["status"], status, "{address} {body}");
    }
}

#[test]
fn what_a_job_said_is_told_to_operators_and_to_nobody_else() {
    let site = Site::new();
    let said = format!("copying\n+ curl http://h/ping/{CONFIGURED}/fail\npassword=hunter2\n");
    let path = format!("/ping/{CONFIGURED}/7");
    assert_eq!(site.ask("POST", &path, "", &said).status, 200);
    site.daemon
        .until("down", |daemon| daemon.state("nightly-backup") == "down");
    let incidents = site.daemon.json("/api/v1/incidents");
    let incident = incidents["incidents"][0]["id"].as_str().unwrap().to_owned();
    let cause = incidents["incidents"][0]["cause"].as_str().unwrap();
    assert!(
        cause.ends_with(
            "exit code 7; it said: copying · + curl http://h/ping/…/fail · password=hunter2"
        ),
        "{cause}"
    );
    let number = site.daemon.json("/api/v1/checks/nightly-backup")["pings"].clone();
    // The name of no check has a number in it: those of Belfry's own come first.
    let whole = (0..20).find_map(|check| {
        let reply = site.ask("GET", &format!("/pings/{check}/{number}"), "", "");
        (reply.status == 200).then_some(reply)
    });
    assert_eq!(whole.map(|reply| reply.body), Some(said));
    // Through a proxy comes everybody.
    let far = "X-Forwarded-For: 192.0.2.9\r\n";
    for path in [
        "/",
        "/checks/nightly-backup",
        "/heartbeats",
        "/incidents",
        &format!("/incidents/{incident}"),
        "/api/v1/status",
        "/api/v1/checks",
        "/api/v1/checks/nightly-backup",
        "/api/v1/checks/nightly-backup/outcomes",
        "/api/v1/incidents",
        &format!("/api/v1/incidents/{incident}"),
        "/api/v1/outbox",
        "/mail",
        "/metrics",
    ] {
        let reply = site.ask("GET", path, far, "");
        assert_eq!(reply.status, 200, "{path}");
        for secret in ["hunter2", "copying", CONFIGURED] {
            assert!(!reply.body.contains(secret), "{path}: {}", reply.body);
        }
    }
    assert_eq!(site.ask("GET", "/pings/11/1", far, "").status, 403);
    assert!(!site.daemon.log().contains(CONFIGURED));
}

#[test]
fn a_heartbeat_of_the_configuration_may_be_called_otherwise_in_addresses() {
    let site = Site::with("[heartbeat.\"Weekly report\"]\nevery = \"7d\"\nslug = \"weekly\"\n");
    let path = format!("{PING_KEY}/weekly");
    assert_eq!(site.ping(&path).both(), (200, "OK"));
    let list = site.api("GET", "checks/?slug=weekly", "").json();
    assert_eq!(list["checks"][0]["name"], "Weekly report");
    // Its name is none of its addresses then, and two of one slug are told apart by nobody.
    site.made(&json!({"name": "other", "slug": "weekly"}));
    assert_eq!(site.ping(&path).both(), (409, "ambiguous slug"));
}
