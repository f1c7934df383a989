//! What counts of a log mean, and how a log is written in a configuration.

use super::*;
use crate::probe::Probe;
use crate::probe::tests::read;

fn settings(keys: &str) -> Settings {
    let (probe, problems) = read(&format!(
        "log = {{ {keys}file = \"/l\", match = \"ERROR\" }}"
    ));
    assert!(problems.is_empty(), "{problems:?}");
    let Some(Probe::Log(settings)) = probe else {
        panic!("a log probe was read");
    };
    settings
}

fn told(count: u64) -> Told {
    Told {
        count,
        newest: (count > 0).then(|| "ERROR: disk".to_owned()),
        left: 0,
        there: true,
    }
}

#[test]
fn the_number_of_lines_has_levels_and_the_newest_is_told() {
    let behind = Told {
        left: 3 << 20,
        ..told(0)
    };
    let gone = Told {
        there: false,
        ..told(0)
    };
    let gone_after = Told {
        there: false,
        ..told(9)
    };
    for (keys, told, said) in [
        ("", told(0), "pass: 0 lines within 10 min"),
        (
            "",
            told(1),
            "warn: 1 line within 10 min, the newest: ERROR: disk",
        ),
        (
            "fail = 5, within = \"1h\", ",
            told(5),
            "fail: 5 lines within 1 h, the newest: ERROR: disk",
        ),
        ("warn = 3, ", told(2), "pass: 2 lines within 10 min"),
        (
            "",
            behind,
            "pass: 0 lines within 10 min, 3 MiB left for the next look",
        ),
        ("", gone, "unknown: there is no /l; nothing can be counted"),
        (
            "fail = 9, ",
            gone_after,
            "fail: 9 lines within 10 min, the newest: ERROR: disk; there is no /l; nothing can be counted",
        ),
    ] {
        let mut trace = Trace::start(Duration::from_secs(1));
        let outcome = settings(keys).judge(&told, &mut trace);
        assert_eq!(
            format!("{}: {}", outcome.verdict.word(), outcome.message()),
            said
        );
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (keys, problem) in [
        ("match = \"a\"", "\"file\" is missing"),
        ("file = \"/l\"", "\"match\" is missing"),
        (
            "file = \"l\", match = \"a\"",
            "\"file\" is not a whole path",
        ),
        (
            "file = \"/l\", match = \"a\", ignore = \"[\"",
            "\"ignore\" is not a regular expression",
        ),
        (
            "file = \"/l\", match = \"a\", warn = 0",
            "\"warn\" is not such a number",
        ),
        (
            "file = \"/l\", match = \"a\", warn = 5, fail = 2",
            "\"warn\" is above \"fail\"",
        ),
    ] {
        let (_, problems) = read(&format!("log = {{ {keys} }}"));
        assert_eq!(problems.len(), 1, "{keys}: {problems:?}");
        assert!(problems[0].contains(problem), "{keys}: {problems:?}");
    }
}
