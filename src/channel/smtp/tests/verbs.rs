//! Tables: every verb with every fault.

use super::*;

/// Faults after which the client knows nothing but that the relay is of no use now.
const BREAKS: [&str; 11] = [
    "silence",
    "tarpit",
    "reset",
    "one byte per second",
    "close",
    "half-close",
    "garbage",
    "binary",
    "endless line",
    "endless reply",
    "two answers",
];

#[tokio::test]
async fn a_server_that_works_gets_the_mail_once_byte_for_byte_after_the_marker() {
    let sink = Sink::honest().await;
    let nothing_yet = async { sink.mails().is_empty() };
    let delivered = send_to(
        &settings(&sink.url()),
        &PATIENT,
        "ops@example.org",
        nothing_yet,
    )
    .await;
    let reply = "250 2.0.0 queued".to_owned();
    assert_eq!(delivered, Delivered::Accepted { reply });
    let mails = sink.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].bytes, CONTENT);
    assert_eq!(mails[0].from, "MAIL FROM:<belfry@example.org>");
    assert_eq!(mails[0].rcpt, "RCPT TO:<ops@example.org>");
}

#[tokio::test]
async fn a_fault_before_the_content_is_certain_and_nothing_is_sent() {
    for verb in Verb::BEFORE {
        let said = [
            ("4xx", Class::Said),
            ("421", Class::Said),
            ("5xx", Class::RelayRefused),
        ];
        let broken = BREAKS.map(|fault| (fault, Class::Broken));
        for (fault, expected) in said.into_iter().chain(broken) {
            let (act, deadlines) = act_of(fault);
            let sink = Sink::faulty(verb, act).await;
            let mut asked = false;
            let marker = async {
                asked = true;
                true
            };
            let settings = settings(&sink.url());
            let delivered = send_to(&settings, &deadlines, "ops@example.org", marker).await;
            assert_eq!(
                class(&delivered),
                expected,
                "{fault} at {verb:?}: {delivered:?}"
            );
            assert!(!asked, "{fault} at {verb:?}: the marker was set");
            assert!(sink.mails().is_empty(), "{fault} at {verb:?}: content left");
            let reply = reply(&delivered);
            assert!(!reply.is_empty() && reply.chars().count() <= 240, "{reply}");
            assert!(!reply.chars().any(char::is_control), "{reply:?}");
        }
    }
}

#[tokio::test]
async fn a_fault_after_the_dot_is_ambiguous_unless_the_server_said_what_it_did() {
    let said = [
        ("4xx", Class::Said),
        ("421", Class::Said),
        ("5xx", Class::Refused),
    ];
    let broken = BREAKS.map(|fault| (fault, Class::Ambiguous));
    for (fault, expected) in said.into_iter().chain(broken) {
        let (act, deadlines) = act_of(fault);
        let sink = Sink::faulty(Verb::Dot, act).await;
        let delivered = send(&settings(&sink.url()), &deadlines).await;
        assert_eq!(class(&delivered), expected, "{fault}: {delivered:?}");
        assert_eq!(sink.mails().len(), 1, "{fault}");
    }
}

#[tokio::test]
async fn a_yes_to_the_dot_is_one_however_long_it_is() {
    for more in [2 << 10, 60 << 10, 1 << 20] {
        let mut yes = b"250 2.0.0 queued ".to_vec();
        yes.extend(std::iter::repeat_n(b'x', more));
        yes.extend_from_slice(b"\r\n");
        let sink = Sink::faulty(Verb::Dot, Act::Raw(yes)).await;
        let delivered = send(&settings(&sink.url()), &PATIENT).await;
        assert_eq!(class(&delivered), Class::Accepted, "{more}: {delivered:?}");
        assert!(reply(&delivered).chars().count() <= 240, "{delivered:?}");
    }
}

#[tokio::test]
async fn a_late_reply_to_the_dot_is_waited_for_longer_than_any_other() {
    let sink = Sink::faulty(Verb::Dot, Act::Late(Duration::from_millis(900))).await;
    let deadlines = Deadlines {
        reply: Duration::from_secs(20),
        ..QUICK
    };
    let delivered = send(&settings(&sink.url()), &deadlines).await;
    assert_eq!(class(&delivered), Class::Accepted, "{delivered:?}");
}

#[tokio::test]
async fn what_is_not_wanted_any_more_does_not_leave() {
    let sink = Sink::honest().await;
    let settings = settings(&sink.url());
    let delivered = send_to(&settings, &PATIENT, "ops@example.org", async { false }).await;
    assert_eq!(delivered, Delivered::Withheld);
    assert_eq!(class(&send(&settings, &PATIENT).await), Class::Accepted);
    let mails = sink.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].connection, 1);
}

#[tokio::test]
async fn a_refusal_at_rcpt_is_about_the_recipient_unless_it_says_that_it_is_about_us() {
    for (said, expected) in [
        ("550 5.1.1 no such user", Class::Refused),
        ("501 5.1.3 bad address", Class::Refused),
        ("552 mailbox full", Class::Refused),
        ("550 relay not permitted", Class::Refused),
        ("553 5.1.8 sender's domain not found", Class::RelayRefused),
        (
            "553 sorry, that domain isn't in my list (#5.7.1)",
            Class::RelayRefused,
        ),
        ("554 5.7.1 relay access denied", Class::RelayRefused),
        ("530 5.7.0 authentication required", Class::RelayRefused),
        (
            "530 must issue a STARTTLS command first",
            Class::RelayRefused,
        ),
        ("452 4.5.3 too many recipients", Class::Said),
    ] {
        let sink = Sink::faulty(Verb::Rcpt, Act::say(said)).await;
        let delivered = send(&settings(&sink.url()), &PATIENT).await;
        assert_eq!(class(&delivered), expected, "{said}");
        assert_eq!(reply(&delivered), format!("RCPT: {said}"));
    }
}

#[tokio::test]
async fn nobody_listening_is_said_as_such() {
    // A port that was free a moment ago.
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let delivered = send(&settings(&format!("smtp://127.0.0.1:{port}")), &PATIENT).await;
    assert_eq!(class(&delivered), Class::Broken);
    assert_eq!(
        reply(&delivered),
        "connect: refused the connection: is it running?"
    );
}
