//! Lists of checks, channels and badges, and how each version shows them.

use serde_json::{Value, json};

use crate::client::{KEY, Site, uuid};

fn names(list: &Value) -> Vec<String> {
    let checks = list["checks"].as_array().unwrap();
    let name = |check: &Value| check["name"].as_str().unwrap().to_owned();
    checks.iter().map(name).collect()
}

#[test]
fn tags_and_a_slug_choose_from_the_list() {
    let site = Site::new();
    for (name, tags) in [
        ("a", "prod db"),
        ("b", "prod"),
        ("c", "production"),
        ("d", ""),
    ] {
        site.made(&json!({"name": name, "slug": name, "tags": tags}));
    }
    for (query, chosen) in [
        ("", vec!["nightly-backup", "a", "b", "c", "d"]),
        ("?tag=prod", vec!["a", "b"]),
        ("?tag=prod&tag=db", vec!["a"]),
        ("?tag=db&tag=prod", vec!["a"]),
        ("?tag=none", vec![]),
        ("?slug=c", vec!["c"]),
        ("?slug=nightly-backup", vec!["nightly-backup"]),
        ("?slug=c&tag=prod", vec![]),
        ("?slug=", vec!["nightly-backup", "a", "b", "c", "d"]),
    ] {
        let list = site.api("GET", &format!("checks/{query}"), "").json();
        assert_eq!(names(&list), chosen, "{query}");
    }
}

#[test]
fn only_the_first_version_calls_a_running_job_started() {
    let site = Site::new();
    let id = uuid(&site.made(&json!({"name": "a", "timeout": 3600})));
    assert_eq!(site.ping(&id).status, 200);
    assert_eq!(site.ping(&format!("{id}/start")).status, 200);
    for (version, status) in [(1, "started"), (2, "up"), (3, "up")] {
        let check = site
            .api_as(KEY, version, "GET", &format!("checks/{id}"), "")
            .json();
        assert_eq!(
            (&check["status"], &check["started"]),
            (&json!(status), &json!(true)),
            "v{version}"
        );
        assert_ne!(check["next_ping"], Value::Null);
    }
    assert_eq!(site.ping(&id).status, 200);
    for version in 1..=3 {
        let check = site
            .api_as(KEY, version, "GET", &format!("checks/{id}"), "")
            .json();
        assert_eq!(
            (&check["status"], &check["started"]),
            (&json!("up"), &json!(false))
        );
        assert_eq!(check["last_duration"], 0);
        let last = check["last_ping"].as_str().unwrap();
        let next = check["next_ping"].as_str().unwrap();
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
        assert!(last.ends_with("+00:00") && !last.contains('.'), "{last}");
        assert_eq!(at(next) - at(last), 3600);
    }
}

#[test]
fn one_that_is_late_is_in_grace() {
    let site = Site::with("[heartbeat.late]\nevery = \"1s\"\ngrace = \"1h\"\n");
    let check = || {
        let list = site.api("GET", "checks/?slug=late", "").json();
        list["checks"][0].clone()
    };
    assert_eq!(
        (&check()["status"], &check()["next_ping"]),
        (&json!("new"), &Value::Null)
    );
    let id = uuid(&check());
    assert_eq!(site.ping(&id).status, 200);
    site.daemon.until("late", |_| check()["status"] == "grace");
    assert_ne!(check()["next_ping"], Value::Null, "when it was expected");
    assert_eq!(site.ping(&format!("{id}/fail")).status, 200);
    assert_eq!(
        (&check()["status"], &check()["next_ping"]),
        (&json!("down"), &Value::Null)
    );
}

#[test]
fn channels_are_the_addresses_that_mails_go_to() {
    let site = Site::new();
    let list = site.api("GET", "channels/", "").json();
    let channels = list["channels"].as_array().unwrap();
    let told: Vec<_> = channels.iter().map(|c| (&c["kind"], &c["name"])).collect();
    let email = json!("email");
    assert_eq!(
        told,
        [
            (&email, &json!("ops@example.org")),
            (&email, &json!("night@example.org")),
        ]
    );
    assert_eq!(
        list,
        site.api("GET", "channels/", "").json(),
        "their ids stay"
    );
}

#[test]
fn badges_are_listed_by_tag_and_for_all_together() {
    let site = Site::new();
    site.made(&json!({"tags": "prod db"}));
    site.made(&json!({"tags": "prod ü/x"}));
    let list = site.api("GET", "badges/", "").json();
    let badges = list["badges"].as_object().unwrap();
    let tags: Vec<_> = badges.keys().map(String::as_str).collect();
    assert_eq!(tags, ["*", "db", "prod", "ü/x"]);
    for (tag, badge) in badges {
        let forms: Vec<_> = badge
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            forms,
            ["json", "json3", "shields", "shields3", "svg", "svg3"],
            "{tag}"
        );
        for url in badge.as_object().unwrap().values() {
            let url = url.as_str().unwrap();
            let path = url.split_once("/badge/").expect(url).1;
            let reply = site.ask("GET", &format!("/badge/{path}"), "", "");
            assert_eq!(reply.both().0, 200, "{url}");
        }
    }
}

#[test]
fn addresses_begin_with_where_the_configuration_says_the_page_is() {
    let site = Site::with("[page]\nurl = \"https://status.example.org/\"\n");
    let check = site.made(&json!({}));
    let ping = check["ping_url"].as_str().unwrap();
    assert!(
        ping.starts_with("https://status.example.org/ping/"),
        "{ping}"
    );
}
