//! Keys of the API: who may what, how they are shown, and how they are made.

use serde_json::{Value, json};

use crate::client::{CONFIGURED, KEY, PING_KEY, READ_KEY, STRANGER, Site, error, uuid};
use crate::daemon::Daemon;

#[test]
fn without_a_key_or_with_another_nothing_is_told() {
    let site = Site::new();
    let path = "/compat/healthchecks/api/v3/checks/";
    for (headers, body, why) in [
        ("", "", "missing api key"),
        ("X-Api-Key: short\r\n", "", "missing api key"),
        (
            "X-Api-Key: hcw_0123456789abcdefghijklmnopqX\r\n",
            "",
            "wrong api key",
        ),
        ("", "{\"api_key\": 7}", "missing api key"),
        (
            "",
            "{\"api_key\": \"hcw_0123456789abcdefghijklmnopqX\"}",
            "wrong api key",
        ),
    ] {
        let reply = site.ask("POST", path, headers, body);
        assert_eq!(
            (reply.status, reply.json()),
            (401, error(why)),
            "{headers} {body}"
        );
    }
    let reply = site.ask("GET", path, "", "");
    assert_eq!(
        (reply.status, reply.json()),
        (401, error("missing api key"))
    );
}

#[test]
fn a_key_may_stand_in_the_body_of_a_post() {
    let site = Site::new();
    let path = "/compat/healthchecks/api/v1/checks/";
    let body = json!({"api_key": KEY, "name": "in the body"}).to_string();
    let reply = site.ask("POST", path, "", &body);
    assert_eq!(reply.status, 201, "{}", reply.body);
    assert_eq!(reply.json()["name"], "in the body");
}

#[test]
fn a_key_that_only_reads_sees_no_address_and_changes_nothing() {
    let site = Site::new();
    let id = uuid(&site.made(&json!({"name": "one"})));
    let read = |path: &str| site.api_as(READ_KEY, 3, "GET", path, "");
    let list = read("checks/").json();
    for check in list["checks"].as_array().unwrap() {
        for hidden in [
            "uuid",
            "ping_url",
            "update_url",
            "pause_url",
            "resume_url",
            "channels",
        ] {
            assert_eq!(check[hidden], Value::Null, "{hidden}");
        }
        let unique = check["unique_key"].as_str().unwrap();
        assert_eq!(
            read(&format!("checks/{unique}")).json()["name"],
            check["name"]
        );
        assert_eq!(read(&format!("checks/{unique}/flips/")).status, 200);
    }
    assert!(!list.to_string().contains(&id) && !list.to_string().contains(CONFIGURED));
    assert_eq!(read(&format!("checks/{id}")).json()["name"], "one");
    assert_eq!(read("badges/").status, 200);
    for (method, path) in [
        ("POST", "checks/".to_owned()),
        ("POST", format!("checks/{id}")),
        ("DELETE", format!("checks/{id}")),
        ("POST", format!("checks/{id}/pause")),
        ("POST", format!("checks/{id}/resume")),
        ("GET", format!("checks/{id}/pings/")),
        ("GET", format!("checks/{id}/pings/1/body")),
        ("GET", "channels/".to_owned()),
    ] {
        let reply = site.api_as(READ_KEY, 3, method, &path, "");
        assert_eq!(
            (reply.status, reply.json()),
            (401, error("wrong api key")),
            "{method} {path}"
        );
    }
}

#[test]
fn each_address_takes_its_methods_and_says_which() {
    let site = Site::new();
    let id = uuid(&site.made(&json!({})));
    for (path, methods) in [
        ("checks/".to_owned(), "GET, POST, OPTIONS"),
        (format!("checks/{id}"), "GET, POST, DELETE, OPTIONS"),
        (format!("checks/{id}/pause"), "POST, OPTIONS"),
        (format!("checks/{id}/resume"), "POST, OPTIONS"),
        (format!("checks/{id}/pings/"), "GET, OPTIONS"),
        (format!("checks/{id}/pings/1/body"), "GET, OPTIONS"),
        (format!("checks/{id}/flips/"), "GET, OPTIONS"),
        ("channels/".to_owned(), "GET, OPTIONS"),
        ("badges/".to_owned(), "GET, OPTIONS"),
    ] {
        for version in 1..=3 {
            let full = format!("/compat/healthchecks/api/v{version}/{path}");
            // A browser asks so, without a key, before a page may show one.
            let reply = site.ask("OPTIONS", &full, "", "");
            assert_eq!(reply.both(), (204, ""), "{full}");
            assert_eq!(reply.header("access-control-allow-methods"), Some(methods));
            assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
            assert_eq!(
                reply.header("access-control-allow-headers"),
                Some("X-Api-Key")
            );
            assert_eq!(reply.header("access-control-max-age"), Some("600"));
        }
        let reply = site.api("PUT", &path, "");
        assert_eq!(reply.status, 405, "{path}");
        assert_eq!(reply.header("access-control-allow-methods"), Some(methods));
    }
    assert_eq!(
        site.api("GET", &format!("checks/{STRANGER}"), "").both(),
        (404, "")
    );
    assert_eq!(site.api("GET", "nothing/", "").status, 404);
    assert_eq!(site.api_as(KEY, 4, "GET", "checks/", "").status, 404);
    // Without a key, as programs that look whether we are there do.
    let status = site.ask("GET", "/compat/healthchecks/api/v3/status/", "", "");
    assert_eq!(status.both(), (200, "OK"));
    let metrics = site.ask("GET", "/compat/healthchecks/api/v3/metrics/", "", "");
    assert_eq!(metrics.status, 403);
}

#[test]
fn a_key_that_a_command_makes_is_shown_once_and_opens_by_its_hash() {
    let site = Site::new();
    for (arguments, status) in [
        (["token", "new", "deploy"].as_slice(), 201),
        (&["token", "new", "reports", "--read-only"], 401),
    ] {
        let output = site.daemon.command(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        let key = text.lines().next().unwrap().to_owned();
        let (_, lines) = text.split_at(text.find("[token.").unwrap());
        assert!(
            lines.contains("secret_hash = \"sha256:") && !lines.contains(&key),
            "{text}"
        );
        let only = format!("[email]\nto = [\"ops@example.org\"]\n\n{lines}\n");
        site.daemon.configure(&only);
        site.daemon.until("taken into force", |_| {
            site.api_as(&key, 3, "GET", "checks/", "").status == 200
        });
        // The key before it is one no more.
        assert_eq!(
            site.api("GET", "checks/", "").json(),
            error("wrong api key")
        );
        assert_eq!(site.api_as(&key, 3, "POST", "checks/", "{}").status, status);
        let data = std::fs::read_dir(site.daemon.data()).unwrap();
        for file in data
            .map(|file| file.unwrap().path())
            .filter(|path| path.is_file())
        {
            let bytes = std::fs::read(&file).unwrap();
            let has = bytes.windows(key.len()).any(|part| part == key.as_bytes());
            assert!(!has, "{} has the key", file.display());
        }
        assert!(!site.daemon.log().contains(&key));
    }
}

#[test]
fn whoever_makes_a_token_by_a_name_that_is_there_is_told_that_it_takes_its_place() {
    let daemon = Daemon::new(
        "[token.deploy]\nsecret_hash = \"sha256:HASH\"\n"
            .replace("HASH", &"0".repeat(64))
            .as_str(),
    );
    for (name, is_there) in [("deploy", true), ("other", false)] {
        let output = daemon.command(&["token", "new", name]);
        assert!(output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            said.contains("has a [token.deploy] already"),
            is_there,
            "{said}"
        );
    }
}

#[test]
fn a_token_that_writes_operates_from_anywhere_and_its_name_stands_with_what_it_did() {
    let site = Site::new();
    let path = "/api/v1/checks/nightly-backup";
    let pause = |secret: &str| {
        // As through a proxy: nobody who sits here.
        let headers = format!("X-Forwarded-For: 192.0.2.9\r\nAuthorization: Bearer {secret}\r\n");
        let reply = site.ask("POST", &format!("{path}/pause"), &headers, "");
        (reply.status, reply.body)
    };
    let ((status, wrong), (also, only)) = (pause("wrong"), pause(READ_KEY));
    assert_eq!((status, also), (403, 403));
    assert!(wrong.contains("this is for operators"), "{wrong}");
    assert!(only.contains("the token read only reads"), "{only}");
    assert_eq!(pause(KEY).0, 200);
    let check = site.ask("GET", path, "", "").json();
    assert_eq!(check["state"], "paused");
    assert_eq!(check["reason"], "by write at 127.0.0.1");
}

#[test]
fn a_ping_key_is_made_at_the_first_start_and_one_of_the_configuration_wins() {
    let daemon = Daemon::started("[heartbeat.nightly]\nevery = \"1d\"\n");
    let site = Site { daemon };
    let file = site.daemon.data().join("ping-key");
    let made = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    assert!(made.len() >= 32, "{made}");
    assert_eq!(site.ping(&format!("{made}/nightly")).both(), (200, "OK"));
    assert!(!site.daemon.log().contains(&made));
    let own =
        format!("[heartbeats]\nping_key = \"{PING_KEY}\"\n[heartbeat.nightly]\nevery = \"1d\"\n");
    site.daemon.configure(&own);
    site.daemon.until("taken into force", |_| {
        site.ping(&format!("{PING_KEY}/nightly")).status == 200
    });
    assert_eq!(site.ping(&format!("{made}/nightly")).status, 404);
}
