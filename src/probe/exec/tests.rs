//! What a command's end and output mean, and how commands are written.

use std::time::Duration;

use super::*;
use crate::probe::tests::read;

fn ran(ended: Ended, out: &str, err: &str) -> Ran {
    Ran {
        ended,
        out: out.as_bytes().to_vec(),
        err: err.as_bytes().to_vec(),
        cut: false,
        took: Duration::from_millis(12),
    }
}

fn said(ran: &Ran) -> String {
    let outcome = judge(ran, &mut Trace::start(Duration::from_secs(1)));
    format!("{}: {}", outcome.verdict.word(), outcome.message())
}

#[test]
fn the_exit_code_is_the_verdict_and_the_first_line_the_message() {
    let late = Ended::Late(Duration::from_secs(4));
    for (ended, out, err, told) in [
        (
            Ended::Code(0),
            "OK - all well | a=1\nmore",
            "",
            "pass: OK - all well",
        ),
        (
            Ended::Code(1),
            "WARNING - so so",
            "",
            "warn: WARNING - so so",
        ),
        (Ended::Code(2), "CRITICAL", "noise", "fail: CRITICAL"),
        (
            Ended::Code(3),
            "UNKNOWN - usage",
            "",
            "unknown: UNKNOWN - usage",
        ),
        (Ended::Code(4), "what", "", "unknown: exit code 4: what"),
        (
            Ended::Code(127),
            "",
            "sh: x: not found\n",
            "unknown: exit code 127: sh: x: not found",
        ),
        (Ended::Code(0), "", "", "pass: exit code 0"),
        (Ended::Code(0), "|a=1", "", "pass: exit code 0"),
        (
            Ended::Code(2),
            "\nlater",
            "\n\nreason\n",
            "fail: exit code 2: reason",
        ),
        (
            Ended::Signal(11),
            "half",
            "",
            "unknown: killed by SIGSEGV: half",
        ),
        (Ended::Signal(64), "", "", "unknown: killed by signal 64"),
        (late, "", "", "fail: did not end within 4 s"),
        (late, "waiting", "", "fail: did not end within 4 s: waiting"),
        (
            Ended::Code(0),
            "\u{1b}[31mred\u{202e}",
            "",
            "pass:  [31mred",
        ),
    ] {
        assert_eq!(said(&ran(ended, out, err)), told);
    }
}

#[test]
fn the_numbers_are_metrics_in_our_units_and_bounded() {
    let mut trace = Trace::explaining(Duration::from_secs(1));
    let mut full = ran(Ended::Code(1), "W|rta=500ms;100;900 x=U n=3", "");
    full.cut = true;
    let outcome = judge(&full, &mut trace);
    let metrics = outcome.metrics.expect("two");
    let shown: Vec<String> = metrics
        .iter()
        .map(|metric| format!("{} {}", metric.name, metric.unit.show(metric.value)))
        .collect();
    assert_eq!(shown, ["rta 500 ms", "n 3"]);
    let told: Vec<String> = trace
        .findings()
        .iter()
        .map(|f| {
            format!(
                "{} {}: {} / {}",
                f.verdict.word(),
                f.what,
                f.expected,
                f.found
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "warn end: exit code 0 / exit code 1",
            "warn rta: 0ms to 100ms, else warn; 0ms to 900ms, else fail / 500ms",
            "pass x: anything / U",
            "pass n: anything / 3",
            "pass output:  / more than 65536 bytes; the rest was thrown away",
        ]
    );
    let many: Vec<String> = (0..1_000).map(|i| format!("m{i}=1")).collect();
    let many = many.join(" ");
    let outcome = judge(&ran(Ended::Code(0), &format!("OK|{many}"), ""), &mut trace);
    assert_eq!(outcome.metrics.map(|all| all.len()), Some(METRICS));
}

#[test]
fn a_command_is_a_whole_path_and_its_arguments() {
    for (text, problem) in [
        ("{}", "\"command\" is missing"),
        ("{ command = [] }", "\"command\" is empty"),
        (
            "{ command = \"check_load -w 5\" }",
            "is not the whole path of a program",
        ),
        (
            "{ command = [\"./check\"] }",
            "is not the whole path of a program",
        ),
        (
            "{ command = [\"/bin/a\", \"b\\nc\"] }",
            "has a line break in an argument",
        ),
        (
            "{ command = [\"/bin/a\", \"\\u0000\"] }",
            "has a line break in an argument",
        ),
        (
            "{ command = \"/bin/a\", directory = \"tmp\" }",
            "\"directory\" is not a whole path",
        ),
        (
            "{ command = \"/bin/a\", user = \"\" }",
            "\"user\" is no name",
        ),
        (
            "{ command = \"/bin/a\", environment = { \"A-B\" = \"1\" } }",
            "\"A-B\" cannot be a variable",
        ),
        (
            "{ command = \"/bin/a\", environment = { A = 1 } }",
            "\"A\" is not a text",
        ),
    ] {
        let (_, problems) = read(&format!("exec = {text}"));
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        assert!(problems[0].contains(problem), "{text}: {problems:?}");
    }
    let (probe, problems) = read("exec.command = [\"/bin/a\", \"secret\"]");
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(probe.map(|probe| probe.target()).as_deref(), Some("/bin/a"));
}
