//! Changes over the API: create, upsert, update, pause, resume, delete.

use serde_json::{Value, json};

use crate::client::{CONFIGURED, KEY, PING_KEY, STRANGER, Site, error, uuid};

fn number(site: &Site) -> usize {
    let list = site.api("GET", "checks/", "").json();
    list["checks"].as_array().unwrap().len()
}

#[test]
fn a_check_of_nothing_has_the_defaults_and_all_its_fields() {
    let site = Site::new();
    let check = site.made(&json!({}));
    let id = uuid(&check);
    let root = format!("http://{}", site.daemon.status);
    let update = format!("{root}/compat/healthchecks/api/v3/checks/{id}");
    let badge = check["badge_url"].as_str().unwrap().to_owned();
    let channels = check["channels"].as_str().unwrap().to_owned();
    assert_eq!(channels.split(',').count(), 2, "all are told");
    let expected = json!({
        "name": "", "slug": "", "tags": "", "desc": "", "grace": 3600, "n_pings": 0, "status": "new",
        "started": false, "last_ping": null, "next_ping": null, "manual_resume": false, "methods": "",
        "subject": "", "subject_fail": "", "start_kw": "", "success_kw": "", "failure_kw": "",
        "filter_subject": false, "filter_body": false, "filter_http_body": false, "filter_default_fail": false,
        "badge_url": badge, "uuid": id, "ping_url": format!("{root}/ping/{id}"), "update_url": update,
        "pause_url": format!("{update}/pause"), "resume_url": format!("{update}/resume"),
        "channels": channels, "timeout": 86400,
    });
    assert_eq!(check, expected);
    assert_eq!(site.check(&id), expected);
    assert!(!badge.contains(&id), "a badge does not tell the address");
}

#[test]
fn what_is_said_is_what_is_shown() {
    let site = Site::new();
    let said = json!({
        "name": "Nightly", "slug": "nightly", "tags": "db prod", "desc": "of the shop", "grace": 120,
        "manual_resume": true, "methods": "POST", "start_kw": "began", "success_kw": "done", "failure_kw": "error",
        "filter_subject": true, "filter_body": true, "filter_http_body": true, "filter_default_fail": true,
        "schedule": "15 5 * * *", "tz": "Europe/Riga",
    });
    let check = site.made(&said);
    for (field, value) in said.as_object().unwrap() {
        assert_eq!(check[field], *value, "{field}");
    }
    assert_eq!(
        (&check["subject"], &check["subject_fail"]),
        (&json!("done"), &json!("error"))
    );
    assert_eq!(check["timeout"], Value::Null, "a calendar has no timeout");
    // It is on the pages by its name.
    assert_eq!(site.daemon.state("Nightly"), "new");
}

#[test]
fn mistakes_are_told_and_nothing_is_made() {
    let site = Site::new();
    let before = number(&site);
    let invalid = |what: &str| format!("json validation error: {what}");
    for (body, why) in [
        ("{".to_owned(), "could not parse request body".to_owned()),
        ("[]".to_owned(), invalid("value is not an object")),
        ("\"x\"".to_owned(), invalid("value is not an object")),
        (
            json!({"name": 1}).to_string(),
            invalid("name is not a string"),
        ),
        (
            json!({"timeout": 1}).to_string(),
            invalid("timeout is too small"),
        ),
        (
            json!({"tz": null}).to_string(),
            invalid("tz is not a string"),
        ),
        (
            json!({"schedule": "whenever"}).to_string(),
            invalid("schedule is not a valid cron or OnCalendar expression"),
        ),
        (
            json!({"channels": "nobody@example.org"}).to_string(),
            "invalid channel identifier: nobody@example.org".to_owned(),
        ),
        (
            json!({"channels": "ops@example.org,"}).to_string(),
            "empty channel identifier".to_owned(),
        ),
    ] {
        let reply = site.api("POST", "checks/", &body);
        assert_eq!((reply.status, reply.json()), (400, error(&why)), "{body}");
    }
    assert_eq!(number(&site), before);
    let large = json!({"desc": "x".repeat(200_000)}).to_string();
    assert_eq!(site.api("POST", "checks/", &large).status, 413);
}

#[test]
fn a_schedule_of_calendar_events_is_shown_as_it_was_said_and_outlives_the_daemon() {
    let mut site = Site::new();
    let schedule = "Mon..Fri 03:00\n*-*~1 18:00 UTC";
    let id = uuid(&site.made(&json!({
        "name": "report", "schedule": schedule, "tz": "Europe/Berlin", "grace": 600,
    })));
    assert_eq!(site.ping(&id).status, 200);
    let before = site.check(&id);
    assert_eq!(
        (&before["schedule"], &before["tz"]),
        (&json!(schedule), &json!("Europe/Berlin"))
    );
    assert_ne!(before["next_ping"], Value::Null);
    site.daemon.terminate();
    site.daemon.start();
    let after = site.check(&id);
    for field in ["schedule", "tz", "next_ping", "status"] {
        assert_eq!(after[field], before[field], "{field}");
    }
}

#[test]
fn an_upsert_changes_the_first_that_has_what_it_names() {
    let site = Site::new();
    let upsert = |fields: Value| {
        let reply = site.api("POST", "checks/", &fields.to_string());
        (reply.status, reply.json())
    };
    let (status, first) =
        upsert(json!({"name": "a", "tags": "x", "timeout": 60, "unique": ["name"]}));
    assert_eq!(status, 201);
    let (status, again) = upsert(json!({"name": "a", "tags": "y", "unique": ["name"]}));
    assert_eq!((status, uuid(&again)), (200, uuid(&first)));
    assert_eq!(
        (&again["tags"], &again["timeout"]),
        (&json!("y"), &json!(60))
    );
    for (fields, status) in [
        (json!({"tags": "y", "unique": ["tags"]}), 200),
        (json!({"timeout": 60, "unique": ["timeout"]}), 200),
        (
            json!({"grace": 3600, "timeout": 60, "unique": ["grace", "timeout"]}),
            200,
        ),
        (
            json!({"name": "a", "tags": "z", "unique": ["name", "tags"]}),
            201,
        ),
        // A field that is not said is none to find it by.
        (json!({"name": "a", "unique": ["slug"]}), 201),
        (json!({"name": "a", "unique": []}), 201),
        (json!({"name": "a"}), 201),
        (json!({"slug": "a-slug", "unique": ["slug"]}), 201),
        (json!({"slug": "a-slug", "unique": ["slug"]}), 200),
    ] {
        assert_eq!(upsert(fields.clone()).0, status, "{fields}");
    }
}

#[test]
fn two_upserts_at_the_same_time_make_one() {
    let site = Site::new();
    let body = json!({"name": "at once", "unique": ["name"]}).to_string();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let ask = || site.api("POST", "checks/", &body).status;
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 7);
}

#[test]
fn an_update_changes_what_it_says_and_the_version_decides_of_the_slug() {
    let site = Site::new();
    let id = uuid(&site.made(&json!({"name": "a", "slug": "a", "timeout": 120})));
    for (version, name, slug) in [(3, "B c", "a"), (2, "D e", "d-e"), (1, "F g", "f-g")] {
        let body = json!({"name": name}).to_string();
        let reply = site.api_as(KEY, version, "POST", &format!("checks/{id}"), &body);
        assert_eq!(reply.status, 200);
        let check = reply.json();
        assert_eq!(
            (&check["name"], &check["slug"]),
            (&json!(name), &json!(slug))
        );
        assert_eq!(check["timeout"], 120);
        assert!(
            check["update_url"]
                .as_str()
                .unwrap()
                .contains(&format!("/v{version}/"))
        );
        assert_eq!(site.daemon.state(name), "new", "the pages call it so, too");
    }
    let reply = site.api("POST", &format!("checks/{STRANGER}"), "{}");
    assert_eq!(reply.both(), (404, ""));
}

#[test]
fn a_pause_ends_with_a_ping_or_with_resume_and_then_it_is_new() {
    let site = Site::new();
    let id = uuid(&site.made(&json!({"name": "a"})));
    let path = |what: &str| format!("checks/{id}/{what}");
    let reply = site.api("POST", &path("resume"), "");
    assert_eq!(reply.both(), (409, "check is not paused"));
    assert_eq!(site.ping(&id).status, 200);
    assert_eq!(
        site.api("POST", &path("pause"), "").json()["status"],
        "paused"
    );
    assert_eq!(
        site.api("POST", &path("pause"), "{}").json()["status"],
        "paused"
    );
    let resumed = site.api("POST", &path("resume"), "").json();
    assert_eq!(
        (&resumed["status"], &resumed["last_ping"]),
        (&json!("new"), &Value::Null)
    );
    site.api("POST", &path("pause"), "");
    assert_eq!(site.ping(&id).status, 200);
    assert_eq!(site.check(&id)["status"], "up");
    site.api("POST", &format!("checks/{id}"), "{\"manual_resume\": true}");
    site.api("POST", &path("pause"), "");
    assert_eq!(site.ping(&id).both(), (200, "OK"));
    assert_eq!(site.check(&id)["status"], "paused");
}

#[test]
fn one_that_is_deleted_is_shown_once_more_and_its_addresses_are_nobodys() {
    let site = Site::new();
    let id = uuid(&site.made(&json!({"name": "a", "slug": "a"})));
    assert_eq!(site.ping(&format!("{PING_KEY}/a")).status, 200);
    let reply = site.api("DELETE", &format!("checks/{id}"), "");
    assert_eq!((reply.status, &reply.json()["name"]), (200, &json!("a")));
    for path in ["", "/pings/", "/flips/"] {
        let reply = site.api("GET", &format!("checks/{id}{path}"), "");
        assert_eq!(reply.status, 404, "{path}");
    }
    assert_eq!(
        site.api("DELETE", &format!("checks/{id}"), "").both(),
        (404, "")
    );
    assert_eq!(site.ping(&id).both(), (404, "not found"));
    assert_eq!(
        site.ping(&format!("{PING_KEY}/a")).both(),
        (404, "not found")
    );
    // One that is called the same has none of its pings.
    let next = uuid(&site.made(&json!({"name": "a", "slug": "a"})));
    assert_eq!(site.check(&next)["n_pings"], 0);
    let pings = site.api("GET", &format!("checks/{next}/pings/"), "").json();
    assert_eq!(pings, json!({"pings": []}));
    let flips = site.api("GET", &format!("checks/{next}/flips/"), "").json();
    assert_eq!(flips, json!({"flips": []}));
    let body = site.api("GET", &format!("checks/{next}/pings/1/body"), "");
    assert_eq!(body.status, 404);
}

#[test]
fn what_is_in_the_configuration_is_read_and_not_changed() {
    let site = Site::new();
    let check = site.check(CONFIGURED);
    assert_eq!(
        (&check["name"], &check["slug"]),
        (&json!("nightly-backup"), &json!("nightly-backup"))
    );
    for (method, path) in [
        ("POST", format!("checks/{CONFIGURED}")),
        ("DELETE", format!("checks/{CONFIGURED}")),
        ("POST", format!("checks/{CONFIGURED}/pause")),
        ("POST", format!("checks/{CONFIGURED}/resume")),
    ] {
        let reply = site.api(method, &path, "");
        assert_eq!(reply.status, 403, "{method} {path}");
        let why = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(
            why.contains("in the configuration, [heartbeat.nightly-backup]"),
            "{why}"
        );
    }
    let body = json!({"name": "nightly-backup", "unique": ["name"]}).to_string();
    assert_eq!(site.api("POST", "checks/", &body).status, 403);
    assert_eq!(site.check(CONFIGURED), check);
}

#[test]
fn channels_choose_who_is_told() {
    let site = Site::new();
    let channels = site.api("GET", "channels/", "").json();
    let id = |place: usize| {
        channels["channels"][place]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (ops, night) = (id(0), id(1));
    let mut both = [ops.clone(), night.clone()];
    both.sort();
    for (said, told) in [
        ("*", both.join(",")),
        ("", String::new()),
        ("ops@example.org", ops.clone()),
        (night.as_str(), night.clone()),
        (&format!("{night},ops@example.org,{night}"), both.join(",")),
    ] {
        let check = site.made(&json!({ "channels": said }));
        assert_eq!(check["channels"], told, "{said}");
    }
}

#[test]
fn what_is_said_over_the_api_stands_on_pages_as_text() {
    let site = Site::new();
    let hostile = "<script>alert(1)</script>";
    let said = json!({"name": hostile, "desc": hostile, "tags": hostile, "success_kw": hostile, "filter_http_body": true});
    let check = site.made(&said);
    assert_eq!(check["name"], hostile);
    let checks = site.daemon.json("/api/v1/checks");
    let name = checks.as_array().unwrap().last().unwrap()["name"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(!name.contains('/'), "{name}");
    let path = name.replace('<', "%3C").replace('>', "%3E");
    for path in [
        format!("/checks/{path}"),
        "/heartbeats".to_owned(),
        "/".to_owned(),
    ] {
        let (status, page) = site.daemon.get(&path).unwrap();
        assert_eq!(status, 200, "{path}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;"), "{path}");
        assert!(!page.contains("<script>alert"), "{path}");
    }
}
