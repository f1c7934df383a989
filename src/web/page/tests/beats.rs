//! What the page says of a heartbeat.

use super::*;

#[test]
fn what_a_job_said_and_where_it_reports_in_is_for_operators() {
    let (view, vitals) = (story::postgres_is_down(), vitals());
    let past = pings("no space left on <device>");
    let past = Past {
        pings: &past,
        ..Past::default()
    };
    let watched = view.engine.named("nightly-backup").expect("there");
    let operator = Shell {
        operator: true,
        ..shell(&view, &vitals)
    };
    let html = check(&operator, watched, &past).into_string();
    for part in [
        "no space left on &lt;device&gt;",
        "192.0.2.7",
        "exit 3",
        "ExecStopPost=",
        "Invoke-RestMethod",
        "urllib.request",
        "belfry wrap",
        &BEAT.to_string(),
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(
        html.contains("<td class=\"figure\" data-th=\"took\">12 m"),
        "{html}"
    );
    let reader = Shell {
        operator: false,
        ..shell(&view, &vitals)
    };
    let html = check(&reader, watched, &past).into_string();
    assert!(html.contains("exit 3"));
    for part in ["no space", "192.0.2.7", "/ping/", &BEAT.to_string()] {
        assert!(!html.contains(part), "{part}: {html}");
    }
}

#[test]
fn what_is_expected_is_said_in_both_zones() {
    let (view, vitals) = (story::postgres_is_down(), vitals());
    let zone = TimeZone::fixed(jiff::tz::offset(2));
    let watched = view.engine.named("nightly-backup").expect("there");
    let here = Shell {
        zone: &zone,
        ..shell(&view, &vitals)
    };
    let html = check(&here, watched, &Past::default()).into_string();
    assert!(html.contains(" UTC</small>"), "{html}");
    let html = check(&shell(&view, &vitals), watched, &Past::default()).into_string();
    assert!(!html.contains(" UTC</small>"), "once is enough: {html}");
}

#[test]
fn when_nothing_could_be_heard_is_said_to_whoever_waits_and_on_the_page_of_all() {
    let (view, vitals) = (story::postgres_is_down(), vitals());
    let watched = view.engine.named("nightly-backup").expect("there");
    let shell = shell(&view, &vitals);
    let page = |deaf: &[Deaf]| {
        let past = Past {
            deaf,
            ..Past::default()
        };
        check(&shell, watched, &past).into_string()
    };
    let heard = watched.record.beat.as_ref().expect("a heartbeat").last_ping;
    let heard = heard.expect("it was heard");
    let after = |minutes| heard + Duration::from_mins(minutes);
    let spell = |from, to| Deaf {
        from,
        to,
        reason: "the machine slept for a minute".into(),
        behind: None,
    };
    let html = page(&[spell(after(1), after(2))]);
    for part in ["Could not hear from ", "the machine slept for a minute"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let elsewhere = Deaf {
        behind: Some("belfry.uplink".into()),
        ..spell(after(1), after(2))
    };
    assert!(!page(&[elsewhere]).contains("Could not hear"));
    // What was over before the last ping moves nothing any more.
    let before = spell(
        heard - Duration::from_mins(2),
        heard - Duration::from_mins(1),
    );
    assert!(!page(std::slice::from_ref(&before)).contains("Could not hear"));
    let html = heartbeats(&shell, &[before]).into_string();
    for part in ["Could not hear", "the machine slept for a minute", ">1 m"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(
        !heartbeats(&shell, &[])
            .into_string()
            .contains("Could not hear")
    );
}

#[test]
fn a_start_and_its_end_are_one_run_and_a_start_alone_has_none() {
    let (view, vitals) = (story::postgres_is_down(), vitals());
    let watched = view.engine.named("nightly-backup").expect("there");
    let shell = shell(&view, &vitals);
    let page = |pings: &[Said]| {
        let past = Past {
            pings,
            ..Past::default()
        };
        check(&shell, watched, &past).into_string()
    };
    let mut pings = pings("");
    let html = page(&pings);
    let runs = |pings: usize| format!("2 in the newest {pings} pings<");
    assert!(html.contains(&runs(pings.len())), "{html}");
    assert!(
        html.contains("took\">12 m") && html.contains("took\">2 m"),
        "{html}"
    );
    pings.remove(0);
    let html = page(&pings);
    assert!(
        html.contains(&runs(pings.len())) && html.contains(">no end<"),
        "{html}"
    );
    // Ends find the starts of their own runs.
    let (one, other) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
    for (said, rid) in pings.iter_mut().zip([one, other, other]) {
        said.heard.rid = Some(rid);
    }
    let html = page(&pings);
    assert!(
        html.contains("took\">12 m") && html.contains("run 00000000<"),
        "{html}"
    );
}

/// A job that may fail twice of five times and be silent once, as these pings left it, so long ago in minutes.
fn patient(pings: &[(u64, Signal)]) -> View {
    let ago = |minutes| NOW - Duration::from_mins(minutes);
    let mut job = story::job("sync", BEAT);
    job.fail_after = Threshold { bad: 2, of: 5 };
    if let Some(rule) = &mut job.heartbeat {
        rule.missed_after = 2;
    }
    let mut story = Story::begin(vec![(job, 0)], ago(4_000));
    for (minutes, signal) in pings {
        story.ping(ago(*minutes), "sync", *signal);
    }
    story.tell(NOW, &Input::Tick);
    story.view(NOW)
}

#[test]
fn what_is_tolerated_is_said_with_how_much_there_was_of_it() {
    let vitals = vitals();
    let failed = patient(&[(30, Signal::Success), (20, Signal::Fail)]);
    let silent = patient(&[(2_000, Signal::Success)]);
    for (view, parts) in [
        (
            &failed,
            [
                "degraded",
                "job reported a failure · 1 of the last 5 runs failed",
            ],
        ),
        (
            &silent,
            [
                "(1 missing, down at 2) · 1 expected ping is missing",
                "<dt>missing</dt><dd>1</dd>",
            ],
        ),
    ] {
        let watched = view.engine.named("sync").expect("there");
        let shell = shell(view, &vitals);
        let page = check(&shell, watched, &Past::default()).into_string();
        let html = page + &overview(&shell).into_string();
        for part in parts {
            assert!(html.contains(part), "{part}: {html}");
        }
        let rule = "when 2 of the last 5 runs failed, or 2 expected pings in a row are missing";
        assert!(html.contains(rule), "{html}");
    }
}
