//! Interfaces as they could be, in a folder that looks like the kernel's, and the one that is always there.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::seen::Way;
use super::*;
use crate::clock::Clock;
use crate::core::outcome::Outcome;
use crate::probe::Probe;
use crate::probe::tests::read;

/// A folder with an interface `eth0`: 1 Gbit/s, full duplex, up, nothing counted.
fn good() -> TempDir {
    let place = tempfile::tempdir().expect("a folder");
    write(&place, "flags", "0x1003\n");
    write(&place, "carrier", "1\n");
    write(&place, "operstate", "up\n");
    write(&place, "speed", "1000\n");
    write(&place, "duplex", "full\n");
    place
}

fn write(place: &TempDir, file: &str, text: &str) {
    let file = place.path().join("eth0").join(file);
    fs::create_dir_all(file.parent().expect("it has a folder")).expect("there is room");
    fs::write(file, text).expect("there is room");
}

fn settings(keys: &str, place: &Path) -> Settings {
    let (probe, problems) = read(&format!("net = {{ interface = \"eth0\"{keys} }}"));
    assert!(problems.is_empty(), "{problems:?}");
    let Some(Probe::Net(settings)) = probe else {
        panic!("a net probe was read");
    };
    Settings {
        place: place.to_owned(),
        ..settings
    }
}

fn said(outcome: &Outcome) -> String {
    format!("{}: {}", outcome.verdict.word(), outcome.message())
}

async fn look(settings: &Settings) -> Outcome {
    let env = Env::new(Clock::start(), std::sync::Arc::default());
    let probe = Probe::Net(settings.clone());
    probe.run(&env, Duration::from_secs(20)).await
}

async fn once(keys: &str, place: &TempDir) -> String {
    said(&look(&settings(keys, place.path())).await)
}

/// What is said when so much was counted within ten seconds.
fn moved(keys: &str, place: &TempDir, received: Way, sent: Way) -> String {
    let settings = settings(keys, place.path());
    let seen = Seen::now(place.path(), "eth0").expect("it is there");
    let since = Since {
        moved: Some((10.0, Counters { received, sent })),
        losses: None,
    };
    let mut trace = Trace::start(Duration::from_secs(1));
    said(&judge(&settings.rules, &seen, &since, &mut trace))
}

fn bytes(bytes: f64) -> Way {
    Way {
        bytes,
        packets: 1_000.0,
        ..Way::default()
    }
}

#[tokio::test]
async fn a_link_that_is_up_says_what_it_is_and_the_same_at_each_look() {
    let place = good();
    assert_eq!(once("", &place).await, "pass: up, 1 Gbit/s, full duplex");
    write(&place, "speed", "100\n");
    assert_eq!(once("", &place).await, "pass: up, 100 Mbit/s, full duplex");
    write(&place, "speed", "2500\n");
    assert_eq!(
        moved("", &place, bytes(1e6), bytes(1e5)),
        "pass: up, 2.5 Gbit/s, full duplex"
    );
}

#[tokio::test]
async fn what_has_no_link_fails_and_says_why() {
    let place = good();
    write(&place, "carrier", "0\n");
    write(&place, "operstate", "down\n");
    write(&place, "speed", "-1\n");
    assert_eq!(
        once(", speed_min = 1000, saturation_warn = 80", &place).await,
        "fail: it is without a carrier: look at the cable, or at the other end"
    );
    write(&place, "carrier", "1\n");
    write(&place, "operstate", "dormant\n");
    assert_eq!(once("", &place).await, "fail: it is dormant");
    write(&place, "flags", "0x1002\n");
    fs::remove_file(place.path().join("eth0/carrier")).expect("it is there");
    assert_eq!(
        once("", &place).await,
        "fail: it is switched off (ip link set … up)"
    );
}

#[tokio::test]
async fn an_interface_that_is_not_there_fails_and_names_those_that_are() {
    let place = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(place.path().join("lo")).expect("there is room");
    fs::create_dir_all(place.path().join("ens3")).expect("there is room");
    assert_eq!(
        once("", &place).await,
        "fail: there is no interface eth0; there are: ens3, lo"
    );
    // What the kernel has as a file and does not let be read.
    fs::create_dir_all(place.path().join("eth0/flags")).expect("there is room");
    let told = once("", &place).await;
    assert!(
        told.starts_with("unknown: ") && told.contains("/eth0 cannot be read: "),
        "{told}"
    );
    let nowhere = settings("", Path::new("/no/such/place"));
    assert_eq!(
        said(&look(&nowhere).await),
        "unknown: /no/such/place cannot be read: is /sys mounted?"
    );
}

#[tokio::test]
async fn speed_and_duplex_can_be_asked_for() {
    let place = good();
    let keys = ", speed_min = 1000, duplex = \"full\"";
    assert!(once(keys, &place).await.starts_with("pass"));
    write(&place, "speed", "100\n");
    write(&place, "duplex", "half\n");
    assert_eq!(
        once(keys, &place).await,
        "fail: speed 100 Mbit/s, not at least 1 Gbit/s; half duplex, not full"
    );
}

#[tokio::test]
async fn a_link_without_a_speed_says_so_only_where_it_matters() {
    let place = good();
    write(&place, "speed", "-1\n");
    write(&place, "duplex", "unknown\n");
    assert_eq!(once("", &place).await, "pass: up");
    fs::remove_file(place.path().join("eth0/speed")).expect("it is there");
    assert_eq!(
        once(", saturation_warn = 80", &place).await,
        "unknown: the link tells no speed, so its saturation is not known"
    );
    assert_eq!(
        once(", speed_min = 100, duplex = \"full\"", &place).await,
        "unknown: the link tells no speed; the link tells no duplex"
    );
}

#[test]
fn saturation_is_that_of_the_busier_direction_and_of_both_in_half_duplex() {
    let place = good();
    let keys = ", saturation_warn = 80, saturation_fail = 95";
    // 1 Gbit/s are 1.25 GB in ten seconds.
    let share = |percent: f64| bytes(1.25e9 * percent / 100.0);
    assert!(moved(keys, &place, share(79.0), share(70.0)).starts_with("pass"));
    assert_eq!(
        moved(keys, &place, share(10.0), share(81.0)),
        "warn: saturation 81 % (warn at 80 %)"
    );
    assert_eq!(
        moved(keys, &place, share(96.0), share(0.0)),
        "fail: saturation 96 % (fail at 95 %)"
    );
    write(&place, "duplex", "half\n");
    assert_eq!(
        moved(keys, &place, share(40.0), share(50.0)),
        "warn: saturation 90 % (warn at 80 %)"
    );
}

#[tokio::test]
async fn a_link_that_was_lost_between_two_looks_is_told() {
    let place = good();
    write(&place, "carrier_down_count", "3\n");
    let settings = settings(", losses_fail = 5", place.path());
    assert!(said(&look(&settings).await).starts_with("pass"));
    write(&place, "carrier_down_count", "4\n");
    let once = "warn: it has lost its link once within 1 h (warn at 1)";
    assert_eq!(said(&look(&settings).await), once);
    assert_eq!(said(&look(&settings).await), once);
    write(&place, "carrier_down_count", "8\n");
    assert_eq!(
        said(&look(&settings).await),
        "fail: it has lost its link 5 times within 1 h (fail at 5)"
    );
}

#[test]
fn errors_and_drops_are_percent_of_the_packets() {
    let place = good();
    let lossy = |errors, drops| Way {
        errors,
        drops,
        packets: 1_000.0 - errors - drops,
        bytes: 0.0,
    };
    let well = lossy(0.0, 0.0);
    assert_eq!(
        moved("", &place, lossy(20.0, 500.0), well.clone()),
        "warn: receive errors 2 % (warn at 1 %)"
    );
    let keys = ", errors_fail = 10, drops_warn = 5";
    assert_eq!(
        moved(keys, &place, lossy(0.0, 60.0), lossy(100.0, 0.0)),
        "fail: send errors 10 % (fail at 10 %); receive drops 6 % (warn at 5 %)"
    );
    // Nothing was sent, so nothing was lost.
    assert!(moved(keys, &place, Way::default(), Way::default()).starts_with("pass"));
}

#[test]
fn traffic_has_levels_in_bytes_a_second() {
    let place = good();
    let keys = ", received_warn = \"1MiB\", sent_fail = \"10MiB\"";
    let mib = |mib: f64| bytes(mib * 1_048_576.0 * 10.0);
    assert!(moved(keys, &place, mib(0.9), mib(9.0)).starts_with("pass"));
    assert_eq!(
        moved(keys, &place, mib(2.0), mib(12.0)),
        "fail: sent per second 12 MiB (fail at 10 MiB); received per second 2 MiB (warn at 1 MiB)"
    );
}

#[tokio::test]
async fn what_is_counted_between_two_looks_is_told_as_numbers() {
    let place = good();
    write(&place, "statistics/rx_bytes", "1000\n");
    let settings = settings("", place.path());
    let first = look(&settings).await;
    assert_eq!(first.metrics, None, "there is nothing to compare with");
    let value = |outcome: &Outcome, name: &str| {
        let metrics = outcome.metrics.as_deref().unwrap_or_default();
        metrics.iter().find(|m| &*m.name == name).map(|m| m.value)
    };
    tokio::time::sleep(LEAST).await;
    write(&place, "statistics/rx_bytes", "900001000\n");
    let second = look(&settings).await;
    assert!(
        value(&second, "received per second").is_some_and(|rate| rate > 0.0 && rate <= 9e9),
        "{second:?}"
    );
    assert_eq!(value(&second, "sent per second"), Some(0.0));
    assert_eq!(value(&second, "send errors"), Some(0.0));
    // A driver that was loaded anew begins to count anew.
    write(&place, "statistics/rx_bytes", "5\n");
    tokio::time::sleep(LEAST).await;
    assert_eq!(look(&settings).await.metrics, None);
}

#[test]
fn mistakes_are_refused() {
    for (keys, problem) in [
        (
            "interface = \"eth0/../lo\"",
            "\"interface\" is the name of none",
        ),
        ("interface = \"..\"", "\"interface\" is the name of none"),
        (
            "interface = \"a-name-too-long-for-one\"",
            "is the name of none",
        ),
        (
            "interface = \"eth0\", duplex = \"ful\"",
            "did you mean \"full\"?",
        ),
        (
            "interface = \"eth0\", speed_min = 0",
            "from 1 to 1000000000",
        ),
        (
            "interface = \"eth0\", saturation_warn = 90, saturation_fail = 80",
            "warn first, fail later",
        ),
        ("interface = \"eth0\", sent_warn = 5", "\"sent_warn\""),
    ] {
        let (_, problems) = read(&format!("net = {{ {keys} }}"));
        assert_eq!(problems.len(), 1, "{keys}: {problems:?}");
        assert!(problems[0].contains(problem), "{keys}: {problems:?}");
    }
}

#[tokio::test]
async fn the_loopback_of_this_machine_can_be_seen() {
    let (probe, _) = read("net = { interface = \"lo\" }");
    let env = Env::new(Clock::start(), std::sync::Arc::default());
    let outcome = probe
        .expect("it is valid")
        .run(&env, Duration::from_secs(20))
        .await;
    assert_eq!(said(&outcome), "pass: up");
}
