//! What a check has heard, and how it turned.

use serde_json::{Value, json};

use crate::client::{PING_KEY, STRANGER, Site, uuid};

#[test]
fn pings_are_listed_with_all_that_is_known_of_them_the_newest_first() {
    let site = Site::new();
    let id = uuid(&site.made(&json!({"name": "a", "slug": "a"})));
    let agent = "User-Agent: curl/8\r\n";
    for (method, rest, body) in [
        ("GET", format!("{id}/start?rid={STRANGER}"), ""),
        ("POST", format!("{id}?rid={STRANGER}"), "all\ndone"),
        ("POST", format!("{id}/log"), "by the way"),
        ("GET", format!("{PING_KEY}/a/7"), ""),
    ] {
        let reply = site.ask(method, &format!("/ping/{rest}"), agent, body);
        assert_eq!(reply.status, 200, "{rest}");
    }
    let list = site.api("GET", &format!("checks/{id}/pings/"), "").json();
    let pings = list["pings"].as_array().unwrap();
    let rows: Vec<_> = pings
        .iter()
        .map(|ping| (ping["n"].as_u64().unwrap(), ping["type"].as_str().unwrap()))
        .collect();
    assert_eq!(
        rows,
        [(4, "fail"), (3, "log"), (2, "success"), (1, "start")]
    );
    for ping in pings {
        for (field, value) in [
            ("scheme", "http"),
            ("remote_addr", "127.0.0.1"),
            ("ua", "curl/8"),
        ] {
            assert_eq!(ping[field], value, "{field}");
        }
        let date = ping["date"].as_str().unwrap();
        assert!(date.ends_with("000+00:00") && date.contains('.'), "{date}");
    }
    let (success, start) = (&pings[2], &pings[3]);
    assert_eq!(
        (&success["method"], &success["rid"]),
        (&json!("POST"), &json!(STRANGER))
    );
    assert!(success["duration"].as_f64().is_some(), "{success}");
    assert_eq!(
        (&start["duration"], &start["body_url"]),
        (&Value::Null, &Value::Null)
    );
    let url = success["body_url"].as_str().unwrap();
    assert!(
        url.ends_with(&format!("/api/v3/checks/{id}/pings/2/body")),
        "{url}"
    );
    let body = site.api("GET", &format!("checks/{id}/pings/2/body"), "");
    assert_eq!(body.both(), (200, "all\ndone"));
    assert!(
        body.header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );
    for n in [0, 1, 5] {
        let body = site.api("GET", &format!("checks/{id}/pings/{n}/body"), "");
        assert_eq!(body.status, 404, "{n}");
    }
}

#[test]
fn what_does_not_count_is_listed_as_ignored() {
    let site = Site::new();
    let id = uuid(&site.made(&json!({"methods": "POST"})));
    assert_eq!(site.ping(&id).status, 200);
    let list = site.api("GET", &format!("checks/{id}/pings/"), "").json();
    assert_eq!(list["pings"][0]["type"], "ign");
}

#[test]
fn turns_are_listed_the_newest_first_from_and_before_an_instant() {
    let site = Site::new();
    let id = uuid(&site.made(&json!({"name": "a"})));
    for rest in ["", "/fail", ""] {
        assert_eq!(site.ping(&format!("{id}{rest}")).status, 200);
    }
    let flips = |query: &str| site.api("GET", &format!("checks/{id}/flips/{query}"), "");
    let list = flips("").json();
    let all = list["flips"].as_array().unwrap();
    let up: Vec<_> = all
        .iter()
        .map(|flip| flip["up"].as_u64().unwrap())
        .collect();
    assert_eq!(up, [1, 0, 1]);
    let at = all[0]["timestamp"].as_str().unwrap();
    let now = at.parse::<jiff::Timestamp>().unwrap().as_second();
    for (query, number) in [
        ("?seconds=3600".to_owned(), 3),
        (format!("?start={}", now - 60), 3),
        (format!("?start={}", now + 60), 0),
        (format!("?end={}", now - 60), 0),
        (format!("?start={}&end={}", now - 60, now + 60), 3),
    ] {
        let list = flips(&query).json();
        assert_eq!(list["flips"].as_array().unwrap().len(), number, "{query}");
    }
    for query in [
        "?seconds=x",
        "?seconds=31536001",
        "?start=-1",
        "?end=10000000001",
    ] {
        assert_eq!(flips(query).status, 400, "{query}");
    }
}
