use super::*;

#[test]
fn a_message_has_whole_findings_and_says_how_many_it_leaves_out() {
    let told = |lengths: &[usize]| {
        let mut judgement = Judgement::default();
        for length in lengths {
            judgement.add(Verdict::Warn, || "x".repeat(*length));
        }
        judgement.outcome("good").message()
    };
    let x = |length: usize| "x".repeat(length);
    let mut judgement = Judgement::default();
    for length in [100, 139, 20] {
        judgement.add(Verdict::Warn, || x(length));
    }
    let outcome = judgement.timed(Duration::from_millis(12), "asked");
    let message = format!("asked in 12 ms, {}, and 2 more", x(100));
    assert_eq!(outcome.message(), message);
    let left_out = outcome.left_out.unwrap();
    assert_eq!(*left_out, [x(139).into(), x(20).into()]);
    assert_eq!(told(&[100, 100]), format!("{}; {}", x(100), x(100)));
    assert_eq!(told(&[100, 138]), format!("{}; {}", x(100), x(138)));
    assert_eq!(told(&[100, 139]), format!("{}; and 1 more", x(100)));
    assert_eq!(
        told(&[100, 100, 30, 20]),
        format!("{}; {}; and 2 more", x(100), x(100))
    );
    let mut judgement = Judgement::default();
    let long = "a finding ".repeat(40);
    judgement.add(Verdict::Warn, || long.clone());
    judgement.add(Verdict::Warn, || x(20));
    let outcome = judgement.outcome("good");
    let cut = "a finding ".repeat(22);
    assert_eq!(outcome.message(), format!("{cut}a …; and 1 more"));
    let left_out = outcome.left_out.unwrap();
    assert_eq!(*left_out, [long.trim().into(), x(20).into()]);
    assert_eq!(told(&[500, 20]), format!("{}…; and 1 more", x(227)));
    assert_eq!(told(&[500]), format!("{}…", x(239)));
    for count in 1..60 {
        assert!(
            told(&vec![count; 30]).chars().count() <= MESSAGE_CHARS,
            "{count}"
        );
    }
}

#[test]
fn the_worst_decides_and_is_said_first() {
    let mut trace = Trace::explaining(Duration::from_secs(1));
    let mut judgement = Judgement::default();
    judgement.level(&mut trace, "load", (1.5, Unit::Count), Levels::of(1.0, 2.0));
    judgement.level(
        &mut trace,
        "memory",
        (97.0, Unit::Percent),
        Levels::of(90.0, 95.0),
    );
    judgement.level(
        &mut trace,
        "swap",
        (0.0, Unit::Percent),
        Levels::of(50.0, 80.0),
    );
    let outcome = judgement.outcome("all is well");
    assert_eq!(outcome.verdict, Verdict::Fail);
    assert_eq!(
        outcome.message(),
        "memory 97 % (fail at 95 %); load 1.5 (warn at 1)"
    );
    assert_eq!(outcome.metrics.as_deref().map(<[Metric]>::len), Some(3));
    let found: Vec<Verdict> = trace.findings().iter().map(|f| f.verdict).collect();
    assert_eq!(found, [Verdict::Warn, Verdict::Fail, Verdict::Pass]);
    assert_eq!(trace.findings()[1].expected, "below 90 %, fails at 95 %");
}

#[test]
fn nothing_to_say_is_good() {
    let outcome = Judgement::default().outcome("12 processes");
    assert_eq!(
        (outcome.verdict, &*outcome.message()),
        (Verdict::Pass, "12 processes")
    );
}

#[test]
fn a_warning_above_the_usual_failure_is_refused_and_a_failure_below_the_usual_warning_stands_alone()
{
    use crate::probe::tests::read;
    let (_, problems) = read("disk = { path = \"/\", space_warn = 96 }");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].ends_with(
            "\"space_warn\" is above \"space_fail\", which is 95 where nothing is said; write \"space_fail\", too"
        ),
        "{problems:?}"
    );
    for good in [
        "space_warn = 96, space_fail = 99",
        "space_warn = 95",
        "space_fail = 50",
    ] {
        let (_, problems) = read(&format!("disk = {{ path = \"/\", {good} }}"));
        assert_eq!(problems, [""; 0], "{good}");
    }
}

#[test]
fn what_could_not_be_seen_hides_no_warning() {
    let of = |all: &[Verdict]| {
        let mut judgement = Judgement::default();
        for verdict in all {
            judgement.add(*verdict, || verdict.word().to_owned());
        }
        let outcome = judgement.outcome("good");
        (outcome.verdict, outcome.message())
    };
    let (warn, unknown, fail) = (Verdict::Warn, Verdict::Unknown, Verdict::Fail);
    assert_eq!(of(&[warn, unknown]), (warn, "warn; unknown".to_owned()));
    assert_eq!(of(&[unknown, fail]), (fail, "fail; unknown".to_owned()));
    assert_eq!(of(&[Verdict::Pass, unknown]).0, unknown);
}
