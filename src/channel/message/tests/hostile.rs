//! What comes from outside stays what it is: text.

use super::*;

const EVIL: &str =
    "<script>alert(1)</script>\r\nBcc: evil@example.org\r\n\r\n-- \n\u{202e}\u{1b}[31m\0&\"'";

#[test]
fn what_a_target_says_can_neither_start_a_line_nor_an_element() {
    let mut stage = Stage::new("shop", "web-1");
    stage.down(EVIL);
    stage.report(Delivery::Deferred { reply: EVIL.into() });
    stage.look(Outcome::pass(EVIL));
    for (notification, message) in &stage.written {
        let kind = notification.kind;
        assert!(!message.html.contains("<script"), "{kind:?}");
        assert!(message.html.contains("&lt;script&gt;"), "{kind:?}");
        for line in message.text.lines() {
            assert!(
                !line.starts_with("Bcc:") && !line.starts_with("<script"),
                "{line}"
            );
            assert!(
                !line.chars().any(|c| c.is_control() || c == '\u{202e}'),
                "{line:?}"
            );
        }
        assert_eq!(message.text.matches("\n-- \n").count(), 1, "{kind:?}");
    }
}

#[test]
fn names_and_runbooks_are_no_way_out_either() {
    let name = "shop\r\nBcc: evil@example.org <b>";
    let mut stage = Stage::new(name, "web-1\r\nX: y");
    stage.down("x");
    let (_, message) = stage.last();
    assert!(
        !message.subject.contains(['\r', '\n']),
        "{}",
        message.subject
    );
    assert!(!message.html.contains("<b>"));
    assert_eq!(
        message.subject,
        "[web-1  X: y] shop  Bcc: evil@example.org <b>"
    );
}

#[test]
fn everything_is_bounded() {
    let mut stage = Stage::new(&"n".repeat(5_000), "web-1");
    stage.down(&"x".repeat(5_000));
    for _ in 0..300 {
        stage.report(Delivery::Accepted {
            relay: "r".repeat(5_000).into(),
            reply: "y".repeat(5_000).into(),
        });
        stage.look(Outcome::pass("200 OK"));
        stage.down("again");
    }
    for (_, message) in &stage.written {
        assert!(message.subject.chars().count() <= 160);
        assert!(message.text.len() < 16_000, "{}", message.text.len());
        assert!(message.html.len() < 32_000, "{}", message.html.len());
    }
}

#[test]
fn an_incident_that_nobody_remembers_still_makes_a_message() {
    let mut stage = Stage::new("shop", "web-1");
    stage.down("x");
    let mut notification = stage.last().0.clone();
    notification.incident = Some(IncidentId("000000000000".into()));
    notification.nid = Nid("00".into());
    for kind in [Kind::Opened, Kind::Worsened, Kind::Recovered, Kind::Missed] {
        notification.kind = kind;
        let message = compose(&stage.engine, &notification, stage.now, &stage.context);
        assert!(message.text.starts_with("shop is "), "{}", message.text);
        assert!(
            message
                .text
                .contains("https://status.example.org/incidents/000000000000")
        );
    }
}
