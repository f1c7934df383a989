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
    stage.context.zone = Tz::UTC;
    stage.context.status_url = None;
    stage.input(&Input::TestMail { key: Uuid::nil() });
    check(&stage, "[web-1] test", "test");
}
