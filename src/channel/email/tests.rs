//! The bytes of a mail, from the first header to the last boundary.

use expect_test::expect;
use uuid::Uuid;

use super::*;
use crate::channel::message::tests::Stage;
use crate::core::input::Input;
use crate::core::outcome::Outcome;

fn identity() -> Identity {
    Identity {
        from: "Belfry <belfry@example.org>".parse().expect("a mailbox"),
        node: "web-1".into(),
    }
}

fn frozen(stage: &Stage) -> String {
    let (notification, message) = stage.last();
    let bytes = freeze(message, notification, &identity());
    String::from_utf8(bytes).expect("ASCII")
}

fn head(mail: &str) -> String {
    let head = mail.split_once("\r\n\r\n").expect("an empty line").0;
    head.replace("\r\n", "\n") + "\n"
}

#[test]
fn the_head_of_an_alarm_and_of_its_all_clear() {
    let mut stage = Stage::new("shop", "web-1");
    stage.down("connection refused");
    expect![[r#"
        From: Belfry <belfry@example.org>
        To: ops@example.org
        Date: Mon, 23 Nov 2026 21:54:37 +0000
        Subject: [web-1] shop
        Message-ID: <1630adf9e70ff3e07f8236999e37fd18@example.org>
        Auto-Submitted: auto-generated
        X-Auto-Response-Suppress: All
        List-Id: Belfry <belfry.web-1.example.org>
        X-Belfry-Kind: opened
        X-Belfry-Check: shop
        X-Belfry-Incident: 7825ee48d059
        X-Belfry-State: down
        MIME-Version: 1.0
        Content-Type: multipart/alternative;
         boundary="belfry-1630adf9e70ff3e07f8236999e37fd18"
    "#]]
    .assert_eq(&head(&frozen(&stage)));
    stage.accepted();
    stage.look(Outcome::pass("200 OK"));
    expect![[r#"
        From: Belfry <belfry@example.org>
        To: ops@example.org
        Date: Mon, 23 Nov 2026 21:54:47 +0000
        Subject: [web-1] shop
        Message-ID: <3af2c20434806d2f3a9f1c28561941d8@example.org>
        In-Reply-To: <1630adf9e70ff3e07f8236999e37fd18@example.org>
        References: <1630adf9e70ff3e07f8236999e37fd18@example.org>
        Auto-Submitted: auto-generated
        X-Auto-Response-Suppress: All
        List-Id: Belfry <belfry.web-1.example.org>
        X-Belfry-Kind: recovered
        X-Belfry-Check: shop
        X-Belfry-Incident: 7825ee48d059
        X-Belfry-State: up
        MIME-Version: 1.0
        Content-Type: multipart/alternative;
         boundary="belfry-3af2c20434806d2f3a9f1c28561941d8"
    "#]]
    .assert_eq(&head(&frozen(&stage)));
}

#[test]
fn the_same_news_is_the_same_mail_byte_for_byte() {
    let mut stage = Stage::new("shop", "web-1");
    stage.down("connection refused");
    assert_eq!(frozen(&stage), frozen(&stage));
}

#[test]
fn text_comes_first_and_html_is_the_alternative() {
    let mut stage = Stage::new("shop", "web-1");
    stage.down("connection refused");
    let mail = frozen(&stage);
    let nid = &stage.last().0.nid;
    let parts: Vec<&str> = mail.split(&format!("--belfry-{nid}")).collect();
    assert_eq!(parts.len(), 4, "{mail}");
    assert!(parts[1].contains("Content-Type: text/plain; charset=utf-8"));
    assert!(parts[2].contains("Content-Type: text/html; charset=utf-8"));
    assert_eq!(parts[3], "--\r\n");
}

#[test]
fn a_test_mail_is_about_no_check_and_starts_its_own_thread() {
    let mut stage = Stage::new("shop", "web-1");
    stage.input(&Input::TestMail { key: Uuid::nil() });
    let head = head(&frozen(&stage));
    for absent in [
        "X-Belfry-Check",
        "X-Belfry-Incident",
        "In-Reply-To",
        "References",
    ] {
        assert!(!head.contains(absent), "{head}");
    }
}

#[test]
fn every_line_is_ascii_and_short_whatever_the_names_are() {
    for (name, node) in [
        ("größe 📦 ".repeat(40), "knoten-ä".to_owned()),
        ("x".repeat(3_000), "n".repeat(3_000)),
        (
            "a\r\nBcc: evil@example.org\r\n\r\nbody\0\u{1b}".to_owned(),
            "\r\nX: y".to_owned(),
        ),
        ("=?utf-8?q?=0d=0aBcc:_x?=".to_owned(), "---".to_owned()),
    ] {
        let mut stage = Stage::new(&name, &node);
        stage.down(&"ü".repeat(3_000));
        let (notification, message) = stage.last();
        let who = Identity {
            node: node.as_str().into(),
            ..identity()
        };
        let mail = freeze(message, notification, &who);
        assert!(mail.is_ascii() && !mail.contains(&0));
        let mail = String::from_utf8(mail).expect("ASCII");
        assert!(
            mail.split("\r\n")
                .all(|line| line.len() < 998 && !line.contains(['\r', '\n']))
        );
        let head = head(&mail);
        assert!(
            !head
                .lines()
                .any(|line| line.starts_with("Bcc:") || line.starts_with("X:"))
        );
        let names = head.lines().filter(|line| !line.starts_with(' '));
        assert_eq!(names.count(), 14, "{head}");
    }
}

#[test]
fn a_recipient_that_is_no_address_puts_nothing_into_the_head() {
    let mut stage = Stage::new("shop", "web-1");
    stage.down("x");
    let (mut notification, message) = stage.last().clone();
    notification.recipient.address = "x\r\nBcc: evil@example.org".into();
    let mail = String::from_utf8(freeze(&message, &notification, &identity())).expect("ASCII");
    assert!(mail.contains("To: undisclosed-recipients:;\r\n"), "{mail}");
    assert!(!mail.contains("evil"));
}

#[test]
fn names_become_labels() {
    for (name, expected) in [
        ("web-1", "web-1"),
        ("Web 1.example", "web-1-example"),
        ("ä", "node"),
        ("", "node"),
        ("--x--", "x"),
    ] {
        assert_eq!(label(name), expected);
    }
    let address = lettre::Address::new("x", "exämple.org").expect("an address");
    let identity = Identity {
        from: Mailbox::new(None, address),
        node: "web-1".into(),
    };
    assert_eq!(domain(&identity), "web-1.invalid");
}
