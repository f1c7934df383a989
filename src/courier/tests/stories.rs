//! What people get when relays work, fail, hang and lie.

use super::*;

#[tokio::test]
async fn an_alarm_and_its_all_clear_arrive_once_each_in_one_thread() {
    let sink = Sink::honest().await;
    let stage = Stage::set(&["ops@example.org"], relays(&[&sink], PATIENT)).await;
    stage.down("postgres").await;
    let alarm = sink.wait(1).await.remove(0);
    stage.told().await;
    assert!(
        stage
            .timeline()
            .contains("ops@example.org told, accepted by 127.0.0.1:")
    );
    stage.up("postgres").await;
    let mails = sink.wait(2).await;
    assert_eq!(mails[1].header("In-Reply-To"), alarm.id());
    assert_eq!(mails[1].header("References"), alarm.id());
    assert_eq!(mails[1].header("Subject"), alarm.header("Subject"));
    assert_eq!(mails[1].header("X-Belfry-State"), "up");
    stage.until("swept", <[_]>::is_empty).await;
    assert_eq!(sink.mails().len(), 2);
}

#[tokio::test]
async fn every_recipient_gets_a_mail_of_their_own_and_a_refused_one_hurts_nobody_else() {
    let sink = Sink::start(|scene| {
        if scene.verb == Verb::Rcpt && scene.line.contains("gone@") {
            Act::say("550 5.1.1 no such user")
        } else {
            Act::Ordinary
        }
    })
    .await;
    let people = ["gone@example.org", "a@example.org", "b@example.org"];
    let stage = Stage::set(&people, relays(&[&sink], PATIENT)).await;
    stage.down("postgres").await;
    stage
        .until("final", |rows| rows.iter().all(|n| n.phase.is_final()))
        .await;
    let mails = sink.mails();
    assert_eq!((mails.len(), ids(&mails).len()), (2, 2));
    assert!(stage.timeline().contains("gone@example.org cannot be told"));
}

#[tokio::test]
async fn only_when_every_relay_refuses_is_somebody_not_told_and_that_is_a_figure() {
    for said in [
        "550 relay not permitted",
        "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
        "550 5.1.1 no such user",
    ] {
        let strict = Sink::faulty(Verb::Rcpt, Act::say(said)).await;
        let kind = Sink::honest().await;
        let stage = Stage::set(&["ops@example.org"], relays(&[&strict, &kind], PATIENT)).await;
        stage.down("postgres").await;
        stage.told().await;
        assert_eq!(kind.mails().len(), 1, "{said}");
        let (timeline, refused) = (stage.timeline(), format!("before that, {}", strict.address));
        assert!(timeline.contains(&refused), "{timeline}");
    }
    let no = || Sink::faulty(Verb::Rcpt, Act::say("550 5.1.1 no such user"));
    let (one, other) = (no().await, no().await);
    let stage = Stage::set(&["ops@example.org"], relays(&[&one, &other], PATIENT)).await;
    stage.down("postgres").await;
    let refused = |n: &Arc<Notification>| matches!(n.phase, Phase::Refused { .. });
    stage
        .until("refused", |rows| rows.iter().all(refused))
        .await;
    assert_eq!((one.connections(), other.connections()), (1, 1));
    stage
        .figure("one is not told", |v| v.outbox_refused.value() == 1)
        .await;
    // Somebody corrects it, and tries.
    one.follow(|_| Act::Ordinary);
    let key = Uuid::nil();
    stage.inbox.ask(Input::TestMail { key }, PATIENCE).await;
    one.wait(1).await;
    stage
        .figure("all are told", |v| v.outbox_refused.value() == 0)
        .await;
}

#[tokio::test]
async fn while_one_relay_may_still_take_it_nothing_is_given_up() {
    let strict = Sink::faulty(Verb::Rcpt, Act::say("550 5.1.1 no such user")).await;
    let away = Sink::faulty(Verb::Greeting, Act::say("421 4.3.2 not now")).await;
    let stage = Stage::set(&["ops@example.org"], relays(&[&strict, &away], PATIENT)).await;
    stage.down("postgres").await;
    stage
        .until("deferred", |rows| {
            matches!(rows, [n] if matches!(&n.phase, Phase::Deferred { reply, .. } if reply.contains("no such user")))
        })
        .await;
    away.follow(|_| Act::Ordinary);
    stage.told().await;
    assert_eq!(away.mails().len(), 1);
}

#[tokio::test]
async fn a_dead_relay_costs_one_connection_and_the_next_one_takes_it() {
    for verb in Verb::BEFORE {
        for act in [
            Act::Reset,
            Act::say("554 5.7.0 go away"),
            Act::say("451 4.3.0 later"),
            Act::Raw(b"???\r\n".to_vec()),
            Act::Silence,
        ] {
            let bad = Sink::faulty(verb, act.clone()).await;
            let good = Sink::honest().await;
            let stage = Stage::set(&["ops@example.org"], relays(&[&bad, &good], QUICK)).await;
            stage.down("postgres").await;
            stage.told().await;
            assert_eq!(good.mails().len(), 1, "{act:?} at {verb:?}");
            assert_eq!(bad.connections(), 1, "{act:?} at {verb:?}");
            assert!(bad.mails().is_empty(), "{act:?} at {verb:?}");
            assert_eq!(stage.rows()[0].ambiguous, 0);
        }
    }
}

#[tokio::test]
async fn a_relay_that_broke_is_tried_last_the_next_time() {
    let bad = Sink::faulty(Verb::Greeting, Act::Reset).await;
    let good = Sink::honest().await;
    let stage = Stage::set(&["ops@example.org"], relays(&[&bad, &good], PATIENT)).await;
    stage.down("postgres").await;
    stage.told().await;
    stage.down("shop").await;
    stage.told().await;
    assert_eq!((bad.connections(), good.mails().len()), (1, 2));
}

#[tokio::test]
async fn a_greylisted_mail_comes_later_as_the_same_mail() {
    let sink = Sink::start(|scene| {
        if scene.verb == Verb::Rcpt && scene.connection == 0 {
            Act::say("450 4.7.1 greylisted")
        } else {
            Act::Ordinary
        }
    })
    .await;
    let stage = Stage::set(&["ops@example.org"], relays(&[&sink], PATIENT)).await;
    stage.down("postgres").await;
    stage
        .until("deferred", |rows| {
            matches!(rows, [n] if matches!(&n.phase, Phase::Deferred { reply, .. } if reply.contains("450 4.7.1")))
        })
        .await;
    assert!(stage.vitals.outbox_waiting.value() <= 1);
    stage.told().await;
    assert_eq!(sink.mails().len(), 1);
    assert_eq!(stage.rows()[0].attempts, 1);
}

#[tokio::test]
async fn a_connection_lost_after_the_dot_brings_the_same_bytes_again_and_is_counted() {
    let sink = Sink::start(|scene| {
        if scene.verb == Verb::Dot && scene.connection == 0 {
            Act::Reset
        } else {
            Act::Ordinary
        }
    })
    .await;
    let stage = Stage::set(&["ops@example.org"], relays(&[&sink], PATIENT)).await;
    stage.down("postgres").await;
    let mails = sink.wait(2).await;
    stage.told().await;
    assert_eq!(mails[0].bytes, mails[1].bytes);
    assert_eq!((sink.mails().len(), ids(&mails).len()), (2, 1));
    let row = &stage.rows()[0];
    assert_eq!((row.attempts, row.ambiguous), (1, 1));
}

#[tokio::test]
async fn a_mail_refused_for_its_content_goes_to_the_next_relay() {
    let strict = Sink::faulty(Verb::Dot, Act::say("554 5.7.1 looks like spam")).await;
    let kind = Sink::honest().await;
    let stage = Stage::set(&["ops@example.org"], relays(&[&strict, &kind], PATIENT)).await;
    stage.down("postgres").await;
    stage.told().await;
    assert_eq!(kind.mails().len(), 1);
    assert_eq!(stage.rows()[0].ambiguous, 0);
}

#[tokio::test]
async fn a_silent_relay_gets_company_and_the_alert_is_not_late() {
    let silent = Sink::faulty(Verb::Dot, Act::Silence).await;
    let good = Sink::honest().await;
    let patience = Patience {
        hedge: Duration::from_millis(300),
        ..HURRY
    };
    let relays = relays(&[&silent, &good], PATIENT);
    let stage = Stage::with(
        Engine::default(),
        &["ops@example.org"],
        relays,
        patience,
        vec![],
    );
    let stage = stage.await;
    stage.down("postgres").await;
    stage.told().await;
    assert_eq!(good.mails()[0].bytes, silent.mails()[0].bytes);
    assert!(
        matches!(&stage.rows()[0].phase, Phase::Accepted { relay, .. } if **relay == *good.address.to_string())
    );
    // And the next one need not wait for it again.
    stage.down("shop").await;
    good.wait(2).await;
    stage.told().await;
    assert_eq!(silent.connections(), 1);
}

#[tokio::test]
async fn replies_that_are_withheld_keep_nobody_else_from_being_told() {
    let silent = Sink::faulty(Verb::Dot, Act::Silence).await;
    let patience = Patience {
        hedge: Duration::from_millis(300),
        ..HURRY
    };
    let people: Vec<String> = (0..10).map(|n| format!("p{n}@example.org")).collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let relays = relays(&[&silent], PATIENT);
    let stage = Stage::with(Engine::default(), &people, relays, patience, vec![]).await;
    stage.down("postgres").await;
    assert_eq!(ids(&silent.wait(10).await).len(), 10);
}

#[tokio::test]
async fn what_was_about_to_leave_when_the_daemon_died_leaves_again_byte_for_byte() {
    let silent = Sink::faulty(Verb::Dot, Act::Silence).await;
    let mut stage = Stage::set(&["ops@example.org"], relays(&[&silent], PATIENT)).await;
    stage.down("postgres").await;
    let first = silent.wait(1).await.remove(0);
    let engine = stage.view.borrow().engine.clone();
    stage.tasks.shutdown().await;
    assert!(matches!(
        engine.outbox.values().next().map(|n| &n.phase),
        Some(Phase::Sending { .. })
    ));
    let good = Sink::honest().await;
    let to = ["ops@example.org"];
    let again = Stage::with(engine, &to, relays(&[&good], PATIENT), HURRY, vec![]).await;
    again.told().await;
    assert_eq!(good.mails()[0].bytes, first.bytes);
    assert_eq!(again.rows()[0].ambiguous, 1);
}

#[tokio::test]
async fn an_alarm_that_is_over_before_it_could_be_told_becomes_one_mail() {
    let sink = Sink::faulty(Verb::Greeting, Act::say("421 4.3.2 not now")).await;
    let stage = Stage::set(&["ops@example.org"], relays(&[&sink], PATIENT)).await;
    stage.down("postgres").await;
    stage
        .until("deferred", |rows| {
            rows.iter()
                .any(|n| matches!(n.phase, Phase::Deferred { .. }))
        })
        .await;
    sink.follow(|_| Act::Ordinary);
    stage.up("postgres").await;
    let mails = sink.wait(1).await;
    stage.until("swept", <[_]>::is_empty).await;
    assert_eq!(
        (sink.mails().len(), mails[0].header("X-Belfry-Kind")),
        (1, "missed".to_owned())
    );
}

#[tokio::test]
async fn an_alert_also_leaves_when_it_cannot_be_written_down() {
    let sink = Sink::honest().await;
    // The first answer is for the plan, the second for the look; then marker and acceptance.
    let excuses = vec![
        Answer::NotDurable,
        Answer::NotDurable,
        Answer::Done,
        Answer::Done,
    ];
    let to = ["ops@example.org"];
    let relays = relays(&[&sink], PATIENT);
    let stage = Stage::with(Engine::default(), &to, relays, HURRY, excuses).await;
    stage.down("postgres").await;
    stage.told().await;
    assert_eq!(sink.mails().len(), 1);
}

#[tokio::test]
async fn an_acceptance_that_the_engine_was_too_busy_to_hear_is_reported_again_not_sent_again() {
    let sink = Sink::honest().await;
    let excuses = vec![Answer::Busy, Answer::Done, Answer::Done, Answer::Done];
    let to = ["ops@example.org"];
    let relays = relays(&[&sink], PATIENT);
    let stage = Stage::with(Engine::default(), &to, relays, HURRY, excuses).await;
    stage.down("postgres").await;
    stage.told().await;
    stage.up("postgres").await;
    let mails = sink.wait(2).await;
    assert_eq!(ids(&mails).len(), 2);
    assert_eq!(sink.mails().len(), 2);
}

#[tokio::test]
async fn a_new_configuration_is_used_by_the_next_attempt() {
    let bad = Sink::faulty(Verb::Greeting, Act::say("421 4.3.2 not now")).await;
    let good = Sink::honest().await;
    let stage = Stage::set(&["ops@example.org"], relays(&[&bad], PATIENT)).await;
    stage.down("postgres").await;
    bad.wait_connections(1).await;
    stage.relays.send_replace(relays(&[&good], PATIENT));
    stage.told().await;
    assert_eq!(good.mails().len(), 1);
}

#[tokio::test]
async fn one_recipient_hears_things_in_order_while_a_slow_one_holds_up_nobody() {
    let sink = Sink::start(|scene| {
        if scene.verb == Verb::Rcpt && scene.line.contains("slow@") {
            Act::Silence
        } else {
            Act::Ordinary
        }
    })
    .await;
    let people = ["slow@example.org", "ops@example.org"];
    let stage = Stage::set(&people, relays(&[&sink], PATIENT)).await;
    stage.down("postgres").await;
    stage.down("shop").await;
    let mails = sink.wait(2).await;
    let subjects: Vec<String> = mails.iter().map(|mail| mail.header("Subject")).collect();
    assert_eq!(subjects, ["[web-1] postgres", "[web-1] shop"]);
    // The second mail of the slow one waits for its first; nothing else is connected for it.
    assert_eq!(sink.connections(), 3);
    let open = |rows: &[Arc<Notification>]| rows.iter().filter(|n| !n.phase.is_final()).count();
    stage.until("half told", |rows| open(rows) == 2).await;
}

#[tokio::test]
async fn a_test_mail_arrives_and_an_address_that_is_none_is_refused_with_a_reason() {
    let sink = Sink::honest().await;
    let stage = Stage::set(&["nobody", "ops@example.org"], relays(&[&sink], PATIENT)).await;
    let key = Uuid::nil();
    assert_eq!(
        stage.inbox.ask(Input::TestMail { key }, PATIENCE).await,
        Answer::Done
    );
    let mails = sink.wait(1).await;
    assert_eq!(mails[0].header("X-Belfry-Kind"), "test");
    stage.until("swept", <[_]>::is_empty).await;
    assert_eq!(sink.mails().len(), 1);
}

#[tokio::test]
async fn told_to_stop_it_lets_what_is_under_way_arrive() {
    let sink = Sink::faulty(Verb::Dot, Act::Late(Duration::from_millis(300))).await;
    let mut stage = Stage::set(&["ops@example.org"], relays(&[&sink], PATIENT)).await;
    stage.down("postgres").await;
    sink.wait(1).await;
    stage.shutdown.cancel();
    // The courier is the task that ends by itself.
    timeout(PATIENCE, stage.tasks.join_next())
        .await
        .expect("it ends")
        .expect("it is there")
        .expect("well");
    stage.told().await;
}

#[tokio::test]
async fn the_figures_of_the_outbox_are_true_and_the_loop_shows_that_it_lives() {
    let sink = Sink::faulty(Verb::Greeting, Act::Silence).await;
    let stage = Stage::set(&["ops@example.org"], relays(&[&sink], PATIENT)).await;
    stage.down("postgres").await;
    sink.wait_connections(1).await;
    let before = stage.vitals.progress.courier.value();
    let moved = async {
        while stage.vitals.outbox_age.duration() < Duration::from_millis(600) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, moved).await.expect("the age grows");
    assert_eq!(stage.vitals.outbox_waiting.value(), 1);
    assert!(stage.vitals.progress.courier.value() > before);
}
