//! The golden texts, in the folder beside this. `UPDATE_EXPECT=1 cargo test` writes them anew; read the
//! difference, and open the pages in a browser.

use expect_test::expect_file;

use super::*;
use crate::core::outcome::Verdict;

fn check(stage: &Stage, subject: &str, name: &str) {
    let (_, message) = stage.last();
    assert_eq!(message.subject, subject);
    expect_file![format!("golden/{name}.txt")].assert_eq(&message.text);
    expect_file![format!("golden/{name}.html")].assert_eq(&message.html);
}

#[test]
fn an_incident_opens() {
    let mut stage = Stage::new("shop", "web-1");
    stage.down("connection refused");
    check(&stage, "[web-1] shop", "opened");
}

#[test]
fn an_incident_opens_after_its_remedies_did_not_help() {
    let mut stage = Stage::new("shop", "web-1");
    stage.treat("restart shop.service");
    stage.look(Outcome::fail("connection refused"));
    stage.remedied("restart shop.service: done after 1.2 s");
    stage.look(Outcome::fail("connection refused"));
    check(&stage, "[web-1] shop", "opened-tried");
}

#[test]
fn an_incident_opens_where_nobody_said_how_the_page_is_reached() {
    let mut stage = Stage::new("shop", "web-1");
    stage.context.status_url = None;
    stage.down("connection refused");
    check(&stage, "[web-1] shop", "opened-local");
}

#[test]
fn what_a_message_has_no_room_for_is_in_the_mail() {
    let more = [
        "deadlocks 7 (per minute; warn at 5)".to_owned(),
        "bloat <b>".to_owned(),
    ];
    let mut stage = Stage::new("shop", "web-1");
    for _ in 0..3 {
        let outcome = Outcome::new(Verdict::Fail, "connections 97 %; and 2 more");
        stage.look(outcome.with_left_out(&more));
    }
    let message = &stage.last().1;
    let found = "What was found\n  connections 97 %; and 2 more\n  deadlocks 7 (per minute; warn at 5)\n  bloat <b>\n";
    assert!(message.text.contains(found), "{}", message.text);
    assert!(message.html.contains("bloat &lt;b&gt;"), "{}", message.html);
}

#[test]
fn what_to_do_next_is_true_of_the_kind_and_who_is_on_it_is_not_asked_again() {
    for (name, kind, step) in [
        (
            "my shop",
            "tcp",
            "`belfry check 'my shop' --explain` on web-1 looks again now and tells every finding.",
        ),
        (
            "job",
            "heartbeat",
            "Look at the log of the job, and at what it said last; its next good ping ends this.",
        ),
        (
            "belfry.config",
            "config",
            "`belfry validate` on web-1 says what is wrong and what to write.",
        ),
        (
            "belfry.journal",
            "own",
            "`belfry status` on web-1 says how the rest of Belfry is, and its log says why.",
        ),
    ] {
        let mut stage = Stage::of(name, kind, "web-1");
        stage.look(Outcome::new(Verdict::Warn, "slow"));
        stage.look(Outcome::new(Verdict::Warn, "slow"));
        let incident = stage.last().0.incident.clone().expect("an incident");
        let acknowledge = format!("`belfry ack {incident}` on web-1");
        let says = |stage: &Stage, text: &str| stage.last().1.text.contains(text);
        assert!(says(&stage, step), "{}", stage.last().1.text);
        assert!(says(&stage, &acknowledge), "{}", stage.last().1.text);
        stage.accepted();
        stage.input(&Input::Acknowledge {
            incident,
            by: "erika".into(),
            note: "".into(),
        });
        stage.down("worse");
        assert!(says(&stage, step), "{}", stage.last().1.text);
        assert!(!says(&stage, &acknowledge), "{}", stage.last().1.text);
    }
}

#[test]
fn a_degraded_check_goes_down() {
    let mut stage = Stage::new("shop", "web-1");
    stage.look(Outcome::new(Verdict::Warn, "slow"));
    stage.look(Outcome::new(Verdict::Warn, "slow"));
    stage.accepted();
    stage.down("503 Service Unavailable");
    check(&stage, "[web-1] shop", "worsened");
}

#[test]
fn an_incident_is_over() {
    let mut stage = Stage::new("shop", "web-1");
    stage.down("connection refused");
    stage.accepted();
    let incident = stage.last().0.incident.clone().expect("an incident");
    stage.now = stage.now + Duration::from_mins(4);
    stage.input(&Input::Acknowledge {
        incident,
        by: "erika".into(),
        note: "restarting it".into(),
    });
    let took = Duration::from_millis(12);
    stage.look(Outcome::timed(Verdict::Pass, took, "200 OK", ""));
    check(&stage, "[web-1] shop", "recovered");
}

#[test]
fn an_incident_was_over_before_it_could_be_told() {
    let mut stage = Stage::new("shop", "web-1");
    stage.down("connection refused");
    stage.report(Delivery::Deferred {
        reply: "mx.example.org:25: connect: no answer in time".into(),
    });
    stage.look(Outcome::pass("200 OK"));
    check(&stage, "[web-1] shop", "missed");
}

#[test]
fn the_day_is_summed_up() {
    let mut stage = Stage::new("shop", "web-1");
    stage.down("connection refused");
    stage.accepted();
    stage.look(Outcome::pass("200 OK"));
    stage.accepted();
    stage.down("503 Service Unavailable");
    stage.accepted();
    for _ in 0..6 {
        stage.now = stage.now + Duration::from_mins(5);
        stage.input(&Input::Tick);
    }
    stage.input(&Input::Digest);
    check(&stage, "[web-1] daily summary, 2026-11-23", "digest");
}

#[test]
fn somebody_wants_to_see_a_mail() {
    let mut stage = Stage::new("shop", "web-1");
    stage.context.zone = TimeZone::UTC;
    stage.context.status_url = None;
    stage.input(&Input::TestMail { key: Uuid::nil() });
    check(&stage, "[web-1] test", "test");
}
