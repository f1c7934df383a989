//! Files as they could be.

use super::seen::Found;
use super::*;
use crate::probe::Probe;
use crate::probe::tests::read;

const NOW: Time = Time::from_millis(1_800_000_000_000);
const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn settings(keys: &str) -> Settings {
    let (probe, problems) = read(&format!("file = {{ {keys}path = \"/srv/f\" }}"));
    assert!(problems.is_empty(), "{problems:?}");
    let Some(Probe::File(settings)) = probe else {
        panic!("a file probe was read");
    };
    settings
}

fn found() -> Found {
    Found {
        written: NOW - Duration::from_mins(10),
        size: 2 << 20,
        inode: (1, 2),
        mode: 0o640,
        owner: "root".to_owned(),
        group: "adm".to_owned(),
        kind: "file",
        ..Found::default()
    }
}

fn seen(file: Found) -> Seen {
    Seen {
        link: None,
        file: Some(file),
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
fn what_is_there_or_not_is_as_it_should_be_or_not() {
    let link = Some(PathBuf::from("/srv/g"));
    let dangling = Seen {
        link: link.clone(),
        file: None,
    };
    let linked = Seen {
        link,
        ..seen(found())
    };
    for (keys, seen, told) in [
        (
            "",
            seen(found()),
            "pass: file of 2 MiB, written 2027-01-15T07:50:00Z",
        ),
        ("", Seen::default(), "fail: there is no /srv/f"),
        (
            "",
            linked,
            "pass: file of 2 MiB, written 2027-01-15T07:50:00Z, symlink to /srv/g",
        ),
        (
            "",
            dangling.clone(),
            "fail: /srv/f is a symlink to /srv/g, which is not there",
        ),
        (
            "absent = true, ",
            Seen::default(),
            "pass: there is no /srv/f",
        ),
        ("absent = true, ", dangling, "pass: there is no /srv/f"),
        (
            "absent = true, ",
            seen(found()),
            "fail: /srv/f should not be there",
        ),
        (
            "",
            seen(Found {
                entries: Some(3),
                kind: "folder",
                ..found()
            }),
            "pass: folder of 3, written 2027-01-15T07:50:00Z",
        ),
    ] {
        assert_eq!(said(keys, seen), told, "{keys}");
    }
}

#[test]
fn numbers_have_levels_and_owners_are_compared() {
    let folder = Found {
        entries: Some(30),
        kind: "folder",
        ..found()
    };
    for (keys, file, told) in [
        (
            "age_warn = \"5m\", age_fail = \"1h\", ",
            found(),
            "warn: age 10 min (warn at 5 min)",
        ),
        (
            "age_fail = \"5m\", ",
            found(),
            "fail: age 10 min (fail at 5 min)",
        ),
        (
            "age_min = \"1h\", ",
            found(),
            "fail: written 10 min ago, which is within 1 h",
        ),
        (
            "size_warn = \"1MiB\", ",
            found(),
            "warn: size 2 MiB (warn at 1 MiB)",
        ),
        (
            "size_fail = \"2MiB\", ",
            found(),
            "fail: size 2 MiB (fail at 2 MiB)",
        ),
        (
            "size_min = \"3MiB\", ",
            found(),
            "fail: size 2 MiB, below 3 MiB",
        ),
        (
            "entries_warn = 20, entries_fail = 30, ",
            folder.clone(),
            "fail: entries 30 (fail at 30)",
        ),
        (
            "size_fail = \"1B\", entries_warn = 31, ",
            folder,
            "pass: folder of 30, written 2027-01-15T07:50:00Z",
        ),
        ("owner = \"app\", ", found(), "fail: owner root, not app"),
        ("group = \"root\", ", found(), "fail: group adm, not root"),
        ("mode = \"0600\", ", found(), "fail: mode 0640, not 0600"),
        (
            "mode = \"640\", owner = \"root\", group = \"adm\", ",
            found(),
            "pass: file of 2 MiB, written 2027-01-15T07:50:00Z",
        ),
    ] {
        assert_eq!(said(keys, seen(file)), told, "{keys}");
    }
}

#[test]
fn checksum_and_content_are_compared_and_what_cannot_be_read_is_unknown() {
    let sum = |sum: Result<&str, &str>| Found {
        checksum: Some(sum.map(str::to_owned).map_err(str::to_owned)),
        ..found()
    };
    let content = |content: Result<bool, &str>| Found {
        content: Some(content.map_err(str::to_owned)),
        ..found()
    };
    let with_sum = format!("checksum = \"SHA256:{}\", ", SUM.to_uppercase());
    let other = SUM.replace('e', "0");
    for (keys, file, told) in [
        (
            &*with_sum,
            sum(Ok(SUM)),
            "pass: file of 2 MiB, written 2027-01-15T07:50:00Z",
        ),
        (
            &*with_sum,
            sum(Ok(&other)),
            "fail: checksum 03b0c44298fc…, not e3b0c44298fc…",
        ),
        (
            &*with_sum,
            sum(Err("it is no regular file")),
            "unknown: no checksum: it is no regular file",
        ),
        (
            "content = \"^ok$$\", ",
            content(Ok(true)),
            "pass: file of 2 MiB, written 2027-01-15T07:50:00Z",
        ),
        (
            "content = \"^ok$$\", ",
            content(Ok(false)),
            "fail: the content does not match /^ok$/",
        ),
        (
            "content = \"a\", ",
            content(Err("gone")),
            "unknown: the content cannot be read: gone",
        ),
    ] {
        assert_eq!(said(keys, seen(file)), told, "{keys}");
    }
}

#[test]
fn a_change_is_warned_of_for_an_hour_where_it_is_asked_for() {
    let strict = settings("changed = true, ");
    let link = Some(PathBuf::from("/srv/g"));
    for (new, what) in [
        (seen(Found { size: 1, ..found() }), "its size"),
        (
            seen(Found {
                inode: (1, 3),
                ..found()
            }),
            "it is another file",
        ),
        (
            seen(Found {
                mode: 0o600,
                ..found()
            }),
            "its mode or owner",
        ),
        (
            seen(Found {
                written: NOW,
                ..found()
            }),
            "when it was written",
        ),
        (
            Seen {
                link,
                ..seen(found())
            },
            "where the symlink leads",
        ),
    ] {
        let (told, before) = judged(&strict, seen(found()), None, NOW);
        assert!(told.starts_with("pass"), "{told}");
        let (told, before) = judged(&strict, new.clone(), Some(before), NOW);
        assert_eq!(told, format!("warn: changed within 1 h: {what}"));
        let (told, before) = judged(
            &strict,
            new.clone(),
            Some(before),
            NOW + Duration::from_mins(59),
        );
        assert!(told.starts_with("warn"), "{told}");
        let (told, _) = judged(&strict, new, Some(before), NOW + Duration::from_hours(1));
        assert!(told.starts_with("pass"), "{told}");
    }
    let summed = |sum: &str| {
        seen(Found {
            checksum: Some(Ok(sum.to_owned())),
            ..found()
        })
    };
    let (_, before) = judged(&strict, summed("a"), None, NOW);
    let (told, _) = judged(&strict, summed("b"), Some(before), NOW);
    assert_eq!(told, "warn: changed within 1 h: its content");
    let (_, before) = judged(&settings(""), summed("a"), None, NOW);
    let (told, _) = judged(&settings(""), summed("b"), Some(before), NOW);
    assert!(told.starts_with("pass"), "{told}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (keys, problem) in [
        ("", "\"path\" is missing"),
        ("path = \"f\"", "\"path\" is not a whole path"),
        (
            "path = \"/f\", absent = true, size_min = \"1B\"",
            "\"size_min\" says something of a file that should not be there",
        ),
        ("path = \"/f\", mode = \"rw\"", "\"mode\" is no mode"),
        ("path = \"/f\", mode = \"77777\"", "\"mode\" is no mode"),
        (
            "path = \"/f\", checksum = \"abc\"",
            "\"checksum\" is no SHA-256",
        ),
        (
            "path = \"/f\", age_warn = \"2h\", age_fail = \"1h\"",
            "\"age_warn\" is above \"age_fail\"",
        ),
        (
            "path = \"/f\", content = \"(\"",
            "\"content\" is not a regular expression",
        ),
    ] {
        let (_, problems) = read(&format!("file = {{ {keys} }}"));
        assert_eq!(problems.len(), 1, "{keys}: {problems:?}");
        assert!(problems[0].contains(problem), "{keys}: {problems:?}");
    }
}
