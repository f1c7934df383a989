//! File systems as they could be, and the one that is there.

use super::*;
use crate::probe::Probe;
use crate::probe::tests::read;

const GIB: u64 = 1 << 30;

fn half() -> Seen {
    Seen {
        used: 50 * GIB,
        free: 50 * GIB,
        inodes_used: 10,
        inodes: 100,
        read_only: false,
        mounted: true,
    }
}

fn judged(keys: &str, seen: &Seen, growth: Option<f64>) -> String {
    let nothing = Ok(Moved::default());
    judged_with(keys, (seen, &nothing), growth)
}

fn judged_with(keys: &str, seen: (&Seen, &Result<Moved, String>), growth: Option<f64>) -> String {
    let (probe, problems) = read(&format!("disk = {{ path = \"/srv\"{keys} }}"));
    assert!(problems.is_empty(), "{problems:?}");
    let Some(Probe::Disk(settings)) = probe else {
        panic!("a disk probe was read");
    };
    let mut trace = Trace::start(Duration::from_secs(1));
    let outcome = judge(&settings.rules, seen, growth, &mut trace);
    format!("{}: {}", outcome.verdict.word(), outcome.message())
}

#[test]
fn room_is_told_and_levels_are_percent_of_what_can_be_filled() {
    assert_eq!(judged("", &half(), None), "pass: 50 GiB free of 100 GiB");
    let used = |used| Seen {
        used: used * GIB,
        free: (100 - used) * GIB,
        ..half()
    };
    assert_eq!(
        judged("", &used(85), None),
        "warn: space used 85 % (warn at 85 %)"
    );
    assert_eq!(
        judged("", &used(96), None),
        "fail: space used 96 % (fail at 95 %)"
    );
    assert_eq!(
        judged(", space_fail = 40", &half(), None),
        "fail: space used 50 % (fail at 40 %)"
    );
    let full = Seen {
        inodes_used: 99,
        ..half()
    };
    assert_eq!(
        judged("", &full, None),
        "fail: inodes used 99 % (fail at 95 %)"
    );
    let none = Seen {
        inodes_used: 0,
        inodes: 0,
        ..half()
    };
    assert_eq!(judged("", &none, None), "pass: 50 GiB free of 100 GiB");
}

#[test]
fn a_file_system_that_became_read_only_fails_unless_it_is_to_be_so() {
    let seen = Seen {
        read_only: true,
        ..half()
    };
    assert_eq!(judged("", &seen, None), "fail: it is read-only");
    assert!(judged(", read_only = true", &seen, None).starts_with("pass"));
    assert_eq!(
        judged(", read_only = true", &half(), None),
        "fail: it is writable"
    );
}

#[test]
fn what_is_to_be_mounted_and_is_not_fails() {
    let seen = Seen {
        mounted: false,
        ..half()
    };
    assert!(judged("", &seen, None).starts_with("pass"));
    assert_eq!(
        judged(", mounted = true", &seen, None),
        "fail: it is not mounted"
    );
    assert!(judged(", mounted = true", &half(), None).starts_with("pass"));
}

#[test]
fn how_soon_it_is_full_is_warned_of() {
    let hour = |free_hours: f64| Some(bytes(50 * GIB) / (free_hours * 3_600.0));
    assert_eq!(
        judged("", &half(), hour(9.0)),
        "warn: full in 9 h if it goes on so (warn within 1 d)"
    );
    assert!(judged("", &half(), hour(48.0)).starts_with("pass"));
    assert!(judged(", full_within = \"0s\"", &half(), hour(9.0)).starts_with("pass"));
    assert!(judged(", full_within = \"3d\"", &half(), hour(48.0)).starts_with("warn"));
}

#[test]
fn how_long_the_device_takes_has_levels() {
    let moved = Ok(Moved {
        read: Some(0.08),
        write: Some(0.3),
        busy: Some(97.0),
    });
    let with = |keys| judged_with(keys, (&half(), &moved), None);
    assert!(with("").starts_with("pass"));
    assert_eq!(
        with(
            ", read_latency_warn = \"50ms\", write_latency_warn = \"50ms\", write_latency_fail = \"200ms\""
        ),
        "fail: write latency 300 ms (fail at 200 ms); read latency 80 ms (warn at 50 ms)"
    );
    assert_eq!(
        with(", busy_warn = 90"),
        "warn: device busy 97 % (warn at 90 %)"
    );
    // At the first look, or where there was no access, there is nothing to compare.
    let keys = ", read_latency_warn = \"1ms\", busy_warn = 0";
    assert!(judged(keys, &half(), None).starts_with("pass"));
}

#[test]
fn what_is_on_no_device_is_said_only_where_latency_matters() {
    let none = Err("the file system is on no device".to_owned());
    let with = |keys| judged_with(keys, (&half(), &none), None);
    assert!(with("").starts_with("pass"));
    assert_eq!(
        with(", busy_warn = 90"),
        "unknown: nothing is known of latency: the file system is on no device"
    );
}

#[test]
fn a_path_is_whole() {
    let (probe, problems) = read("disk = { path = \"srv\" }");
    assert_eq!(probe, None);
    assert_eq!(
        problems,
        ["t.toml:1:17: \"path\" is not a whole path; begin it with /"]
    );
}

#[tokio::test]
async fn the_disk_that_is_there_is_seen_and_one_that_is_not_fails() {
    let env = Env::new(crate::clock::Clock::start(), std::sync::Arc::default());
    let look = async |path: &str| {
        let text = format!("disk = {{ path = \"{path}\", space_warn = 100, space_fail = 100 }}");
        let probe = read(&text).0.expect("it is valid");
        probe.run(&env, Duration::from_secs(5)).await
    };
    let seen = look("/").await;
    assert_eq!(seen.verdict, Verdict::Pass, "{}", seen.message());
    assert!(seen.message().contains(" free of "), "{}", seen.message());
    let missing = look("/no/such/place").await;
    assert_eq!(missing.message(), "/no/such/place does not exist");
    assert_eq!(missing.verdict, Verdict::Fail);
    let proc = read("disk = { path = \"/proc\", mounted = true }")
        .0
        .expect("valid");
    let proc = proc.run(&env, Duration::from_secs(5)).await;
    assert_ne!(proc.verdict, Verdict::Unknown, "{}", proc.message());
}
