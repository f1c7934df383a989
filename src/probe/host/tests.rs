//! The machine as it could be.

use super::*;
use crate::probe::Probe;
use crate::probe::tests::read;

const NOW: Time = Time::from_millis(1_800_000_000_000);

fn calm() -> Seen {
    Seen {
        cores: 2.0,
        ticks: (900, 1_000),
        load: 0.5,
        memory: Some(40.0),
        swap: None,
        cpu_pressure: Some(3.0),
        memory_pressure: Some(0.0),
        io_pressure: Some(1.0),
        files: Some(1.0),
        oom_kills: 3,
        tainted: 1,
    }
}

fn settings(text: &str) -> Settings {
    let (probe, problems) = read(text);
    assert!(problems.is_empty(), "{problems:?}");
    let Some(Probe::Host(settings)) = probe else {
        panic!("a host probe was read");
    };
    settings
}

fn judged(settings: &Settings, seen: Seen, before: Option<Before>, at: Time) -> (String, Before) {
    let mut trace = Trace::start(Duration::from_secs(1));
    let (outcome, now) = settings.judge(seen, before, at, &mut trace);
    let said = format!("{}: {}", outcome.verdict.word(), outcome.message());
    (said, now)
}

#[test]
fn a_calm_machine_passes_and_a_foreign_module_is_no_trouble() {
    let (said, _) = judged(&settings("host = {}"), calm(), None, NOW);
    assert_eq!(said, "pass: load 0.5 on 2 cores, memory 40 %");
}

#[test]
fn each_number_has_its_levels() {
    let usual = settings("host = {}");
    for (seen, said) in [
        (
            Seen {
                load: 4.2,
                ..calm()
            },
            "warn: load per core 2.1 (warn at 2)",
        ),
        (
            Seen {
                load: 11.0,
                ..calm()
            },
            "fail: load per core 5.5 (fail at 5)",
        ),
        (
            Seen {
                memory: Some(91.0),
                ..calm()
            },
            "warn: memory 91 % (warn at 90 %)",
        ),
        (
            Seen {
                swap: Some(95.0),
                ..calm()
            },
            "fail: swap 95 % (fail at 90 %)",
        ),
        (
            Seen {
                io_pressure: Some(55.5),
                ..calm()
            },
            "warn: io pressure 55.5 % (warn at 40 %)",
        ),
        (
            Seen {
                files: Some(99.0),
                memory: Some(91.0),
                ..calm()
            },
            "fail: open files 99 % (fail at 95 %); memory 91 % (warn at 90 %)",
        ),
    ] {
        assert_eq!(judged(&usual, seen, None, NOW).0, said);
    }
    let busy = Seen {
        ticks: (910, 1_100),
        ..calm()
    };
    let strict = settings("host = { cpu_warn = 50, cpu_fail = 80.5 }");
    let (_, before) = judged(&strict, calm(), None, NOW);
    assert_eq!(
        judged(&strict, busy, Some(before), NOW).0,
        "fail: cpu 90 % (fail at 80.5 %)"
    );
}

#[test]
fn a_killed_process_is_warned_of_for_an_hour_and_then_forgotten() {
    let usual = settings("host = {}");
    // What was killed before we looked first is not ours to tell.
    let (said, before) = judged(&usual, calm(), None, NOW);
    assert!(said.starts_with("pass"), "{said}");
    let killed = Seen {
        oom_kills: 5,
        ..calm()
    };
    let (said, before) = judged(&usual, killed.clone(), Some(before), NOW);
    assert_eq!(
        said,
        "warn: 2 killed for want of memory within 1 h (see dmesg)"
    );
    let (said, before) = judged(
        &usual,
        killed.clone(),
        Some(before),
        NOW + Duration::from_mins(59),
    );
    assert!(said.starts_with("warn"), "{said}");
    let (said, _) = judged(&usual, killed, Some(before), NOW + Duration::from_hours(1));
    assert!(said.starts_with("pass"), "{said}");
}

#[test]
fn what_broke_by_the_bits_of_the_kernel_is_warned_of() {
    for (bit, what) in [
        (4, "the processor reported an error"),
        (5, "a bad page of memory was found"),
        (7, "the kernel has crashed in part (oops)"),
        (14, "a processor was stuck (soft lockup)"),
    ] {
        let seen = Seen {
            tainted: 1 << bit | 1,
            ..calm()
        };
        let (said, _) = judged(&settings("host = {}"), seen, None, NOW);
        assert_eq!(
            said,
            format!("warn: {what} since it was started; see dmesg")
        );
    }
    // All others: modules, workarounds, live patches.
    let harmless = !(1 << 4 | 1 << 5 | 1 << 7 | 1 << 14);
    let seen = Seen {
        tainted: harmless,
        ..calm()
    };
    let (said, _) = judged(&settings("host = {}"), seen, None, NOW);
    assert!(said.starts_with("pass"), "{said}");
}

#[test]
fn what_this_kernel_does_not_tell_is_not_judged() {
    let blind = Seen {
        memory: None,
        cpu_pressure: None,
        memory_pressure: None,
        io_pressure: None,
        files: None,
        ..calm()
    };
    let strict = settings("host = { memory_warn = 0, io_pressure_warn = 0, files_fail = 0 }");
    assert_eq!(
        judged(&strict, blind, None, NOW).0,
        "pass: load 0.5 on 2 cores, memory unknown"
    );
}

#[test]
fn levels_in_the_wrong_order_are_refused() {
    let (_, problems) = read("host = { memory_warn = 95, memory_fail = 90 }");
    assert_eq!(
        problems,
        ["t.toml:1:24: \"memory_warn\" is above \"memory_fail\"; warn first, fail later"]
    );
    let (_, problems) = read("host = { swap_warn = \"much\", load_fail = -1 }");
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn this_machine_can_be_seen() {
    let seen = Seen::now().expect("/proc is there");
    assert!(seen.cores >= 1.0 && seen.ticks.1 > 0, "{seen:?}");
    assert!(
        seen.memory.is_some_and(|used| used > 0.0 && used < 100.0),
        "{seen:?}"
    );
}
