//! A daemon with a ping key, keys for the API and one heartbeat of its configuration, and requests to it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::daemon::Daemon;

pub(crate) const PING_KEY: &str = "kB2d0xQ8mT-4_zzW1abcDE";
pub(crate) const KEY: &str = "hcw_0123456789abcdefghijklmnopqr";
pub(crate) const READ_KEY: &str = "hcr_0123456789abcdefghijklmnopqr";
/// The address of the heartbeat that is in the configuration.
pub(crate) const CONFIGURED: &str = "5d2f1a1e-7f3d-4a53-9d3a-0c8c0f4d2a11";
pub(crate) const STRANGER: &str = "00000000-0000-4000-8000-000000000000";

/// A daemon to talk to.
pub(crate) struct Site {
    pub(crate) daemon: Daemon,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect(&self.body)
    }

    /// Status and body, to compare both.
    pub(crate) fn both(&self) -> (u16, &str) {
        (self.status, &self.body)
    }
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    /// With more in the configuration.
    pub(crate) fn with(extra: &str) -> Self {
        Self {
            daemon: Daemon::started(&Self::configuration(extra)),
        }
    }

    pub(crate) fn configuration(extra: &str) -> String {
        format!(
            "[email]\nto = [\"ops@example.org\", \"night@example.org\"]\n\n[heartbeats]\nping_key = \"{PING_KEY}\"\n\n\
             [token.write]\nsecret = \"{KEY}\"\nrights = \"write\"\n\n\
             [token.read]\nsecret = \"{READ_KEY}\"\n\n\
             [heartbeat.nightly-backup]\nevery = \"1d\"\nuuid = \"{CONFIGURED}\"\n\n{extra}"
        )
    }

    /// One request in HTTP/1.1.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        self.ask_by("HTTP/1.1", method, path, headers, body)
    }

    pub(crate) fn ask_by(
        &self,
        version: &str,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> Reply {
        let address = self.daemon.status;
        let mut stream = TcpStream::connect(address).unwrap();
        let patience = Some(Duration::from_secs(30));
        stream.set_read_timeout(patience).unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} {version}\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Reply {
            status: status.expect(head),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// A ping; `rest` is the address after `/ping/`.
    pub(crate) fn ping(&self, rest: &str) -> Reply {
        self.ask("GET", &format!("/ping/{rest}"), "", "")
    }

    /// A request to version 3 of the API with the key that may do everything.
    pub(crate) fn api(&self, method: &str, path: &str, body: &str) -> Reply {
        self.api_as(KEY, 3, method, path, body)
    }

    pub(crate) fn api_as(
        &self,
        key: &str,
        version: u8,
        method: &str,
        path: &str,
        body: &str,
    ) -> Reply {
        let path = format!("/compat/healthchecks/api/v{version}/{path}");
        self.ask(method, &path, &format!("X-Api-Key: {key}\r\n"), body)
    }

    /// A check that was made with these fields.
    #[track_caller]
    pub(crate) fn made(&self, fields: &Value) -> Value {
        let reply = self.api("POST", "checks/", &fields.to_string());
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.json()
    }

    /// One check as it is now.
    #[track_caller]
    pub(crate) fn check(&self, uuid: &str) -> Value {
        let reply = self.api("GET", &format!("checks/{uuid}"), "");
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    }
}

/// The UUID of a check as JSON.
#[track_caller]
pub(crate) fn uuid(check: &Value) -> String {
    check["uuid"].as_str().expect("a uuid").to_owned()
}

/// `{"error": …}`.
pub(crate) fn error(text: &str) -> Value {
    json!({ "error": text })
}
