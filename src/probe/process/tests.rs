//! Processes as they could be.

use super::*;
use crate::probe::Probe;
use crate::probe::tests::read;

const NOW: Time = Time::from_millis(1_800_000_000_000);

fn settings(keys: &str) -> Settings {
    let (probe, problems) = read(&format!("process = {{ {keys} }}"));
    assert!(problems.is_empty(), "{problems:?}");
    let Some(Probe::Process(settings)) = probe else {
        panic!("a process probe was read");
    };
    settings
}

/// One that was started 100 s after the machine, and has used 1 s of a processor.
fn row(pid: i32) -> Row {
    Row {
        pid,
        parent: 1,
        comm: "nginx".to_owned(),
        arguments: b"/usr/sbin/nginx\0-g\0daemon off;\0".to_vec(),
        start: 10_000,
        ticks: 100,
        memory: 10 << 20,
        threads: 2,
        files: Some(7),
        ..Row::default()
    }
}

fn seen(rows: Vec<Row>) -> Seen {
    Seen {
        up: Duration::from_secs(160),
        second: 100,
        rows,
        ..Seen::default()
    }
}

fn judged(settings: &Settings, seen: Seen, before: Option<Before>, at: Time) -> (String, Before) {
    let mut trace = Trace::start(Duration::from_secs(1));
    let (outcome, now) = settings.judge(seen, before, at, &mut trace);
    let said = format!("{}: {}", outcome.verdict.word(), outcome.message());
    (said, now)
}

fn said(keys: &str, seen: Seen) -> String {
    judged(&settings(keys), seen, None, NOW).0
}

#[test]
fn one_that_runs_passes_and_its_number_has_limits() {
    let zombie = Row {
        zombie: true,
        ..row(8)
    };
    for (keys, seen, told) in [
        ("", seen(vec![row(7)]), "pass: 1 process, memory 10 MiB"),
        ("", seen(vec![]), "fail: no process of nginx, not 1 or more"),
        ("least = 0, ", seen(vec![]), "pass: no process, memory 0 B"),
        (
            "most = 1, ",
            seen(vec![row(7), row(8)]),
            "fail: 2 processes of nginx, not 1 to 1",
        ),
        (
            "least = 3, ",
            seen(vec![row(7)]),
            "fail: 1 process of nginx, not 3 or more",
        ),
        (
            "",
            seen(vec![row(7), zombie]),
            "fail: nginx (8) is a zombie: it has ended and its parent 1 does not take note",
        ),
    ] {
        assert_eq!(
            said(&format!("{keys}name = \"nginx\""), seen),
            told,
            "{keys}"
        );
    }
}

#[test]
fn what_they_take_together_has_levels() {
    let hidden = Row {
        files: None,
        ..row(9)
    };
    let child = Seen {
        children: vec![row(9)],
        ..seen(vec![row(7)])
    };
    for (keys, seen, told) in [
        (
            "memory_warn = \"15MiB\", ",
            seen(vec![row(7), row(8)]),
            "warn: memory 20 MiB (warn at 15 MiB)",
        ),
        (
            "memory_warn = \"15MiB\", ",
            child.clone(),
            "pass: 1 process, memory 10 MiB",
        ),
        (
            "memory_fail = \"15MiB\", with_children = true, ",
            child.clone(),
            "fail: memory 20 MiB (fail at 15 MiB)",
        ),
        (
            "threads_fail = 4, ",
            seen(vec![row(7), row(8)]),
            "fail: threads 4 (fail at 4)",
        ),
        ("children_warn = 1, ", child, "warn: children 1 (warn at 1)"),
        (
            "files_warn = 10, files_fail = 20, ",
            seen(vec![row(7), row(8)]),
            "warn: open files 14 (warn at 10)",
        ),
        (
            "",
            seen(vec![hidden.clone()]),
            "pass: 1 process, memory 10 MiB",
        ),
        (
            "files_warn = 10, ",
            seen(vec![hidden]),
            "unknown: open files of others are seen by root only; run Belfry as their user, or drop their levels",
        ),
    ] {
        assert_eq!(
            said(&format!("{keys}name = \"nginx\""), seen),
            told,
            "{keys}"
        );
    }
}

#[test]
fn what_is_hidden_is_unknown_and_what_the_pidfile_says_is_told() {
    let hidden = Seen {
        hidden: true,
        ..seen(vec![])
    };
    assert!(said("name = \"x\"", hidden).starts_with("unknown: processes of others are hidden"));
    let stale = Seen {
        nothing: Some("17 does not run any more".to_owned()),
        ..seen(vec![])
    };
    assert_eq!(
        said("pidfile = \"/run/x.pid\"", stale),
        "fail: 17 does not run any more"
    );
}

#[test]
fn the_processor_is_measured_between_two_looks() {
    let settings = settings("name = \"nginx\", cpu_warn = 50, cpu_fail = 150");
    let (told, before) = judged(&settings, seen(vec![row(7)]), None, NOW);
    assert!(told.starts_with("pass"), "{told}");
    let later = |ticks, more: Vec<Row>| {
        let mut rows = vec![Row { ticks, ..row(7) }];
        rows.extend(more);
        Seen {
            up: Duration::from_secs(170),
            ..seen(rows)
        }
    };
    // A new one has used all its time since; one that was there but did not count has not.
    let new = Row {
        start: 16_500,
        ticks: 300,
        ..row(8)
    };
    let old = Row {
        start: 12_000,
        ticks: 9_000,
        ..row(9)
    };
    for (seen, told) in [
        (later(500, vec![]), "pass: 1 process, memory 10 MiB"),
        (later(700, vec![]), "warn: cpu 60 % (warn at 50 %)"),
        (later(500, vec![new, old]), "warn: cpu 70 % (warn at 50 %)"),
        (later(1_700, vec![]), "fail: cpu 160 % (fail at 150 %)"),
    ] {
        assert_eq!(judged(&settings, seen, Some(before.clone()), NOW).0, told);
    }
}

#[test]
fn a_restart_is_warned_of_for_an_hour_also_after_an_absence() {
    let usual = settings("name = \"nginx\"");
    let (_, before) = judged(&usual, seen(vec![row(7), row(8)]), None, NOW);
    // A worker that comes and goes is no restart.
    let worker = Row {
        start: 12_000,
        ..row(9)
    };
    let (told, before) = judged(&usual, seen(vec![row(7), worker]), Some(before), NOW);
    assert!(told.starts_with("pass"), "{told}");
    let (told, before) = judged(&usual, seen(vec![]), Some(before), NOW);
    assert!(told.starts_with("fail"), "{told}");
    // The same number, but started later.
    let again = Row {
        start: 15_000,
        ..row(7)
    };
    let (told, before) = judged(&usual, seen(vec![again.clone()]), Some(before), NOW);
    assert_eq!(told, "warn: started again within 1 h (now 7)");
    let (soon, late) = (NOW + Duration::from_mins(59), NOW + Duration::from_hours(1));
    let (told, before) = judged(&usual, seen(vec![again.clone()]), Some(before), soon);
    assert!(told.starts_with("warn"), "{told}");
    let (told, _) = judged(&usual, seen(vec![again]), Some(before), late);
    assert!(told.starts_with("pass"), "{told}");
}

#[test]
fn those_that_are_meant_are_chosen_with_their_descendants() {
    let of = |pid, parent, comm: &str, line: &str| Row {
        pid,
        parent,
        comm: comm.to_owned(),
        arguments: line.replace(' ', "\0").into_bytes(),
        ..Row::default()
    };
    let all = vec![
        of(1, 0, "init", "/sbin/init"),
        of(10, 1, "nginx", "nginx: master "),
        of(11, 10, "nginx", "nginx: worker "),
        of(12, 11, "perl", "/usr/bin/perl x.pl "),
        of(13, 12, "sh", "sh -c y "),
        of(20, 1, "python3", "/usr/bin/python3 /srv/app.py --port 80 "),
        of(30, 1, "belfry", "belfry check --match app.py "),
    ];
    let pids = |rows: Vec<Row>| rows.iter().map(|row| row.pid).collect::<Vec<_>>();
    for (keys, named, meant, children) in [
        ("name = \"nginx\"", None, &[10, 11][..], &[12, 13][..]),
        ("name = \"perl\"", None, &[12], &[13]),
        ("name = \"ngin\"", None, &[], &[]),
        ("match = \"python3 .*app[.]py --port\"", None, &[20], &[]),
        ("match = \"app[.]py\"", None, &[20], &[]),
        ("pidfile = \"/run/x.pid\"", Some(10), &[10], &[11, 12, 13]),
        ("pidfile = \"/run/x.pid\"", None, &[], &[]),
    ] {
        let which = settings(keys).which;
        let (rows, others) = choose::family(all.clone(), |row| which.means(row, named, 30));
        assert_eq!(
            (pids(rows), pids(others)),
            (meant.to_vec(), children.to_vec()),
            "{keys}"
        );
    }
}

#[test]
fn it_must_be_said_in_one_way_which_is_meant() {
    for (keys, problem) in [
        ("", "it is not said which process"),
        (
            "name = \"a\", pidfile = \"/b\"",
            "\"name\" is a second way to say which process",
        ),
        ("name = \"/usr/bin/a\"", "\"name\" is no name"),
        ("pidfile = \"a.pid\"", "\"pidfile\" is not a whole path"),
        ("name = \"a\", most = 0", "\"most\" is below 1"),
        (
            "name = \"a\", memory_warn = 5",
            "\"memory_warn\" needs a unit",
        ),
        (
            "name = \"a\", memory_warn = \"2GiB\", memory_fail = \"1GiB\"",
            "\"memory_warn\" is above \"memory_fail\"",
        ),
    ] {
        let (_, problems) = read(&format!("process = {{ {keys} }}"));
        assert_eq!(problems.len(), 1, "{keys}: {problems:?}");
        assert!(problems[0].contains(problem), "{keys}: {problems:?}");
    }
}
