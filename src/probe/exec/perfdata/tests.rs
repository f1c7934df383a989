//! Numbers as plugins print them, good and bad.

use super::*;

/// Label, value in the unit, unit.
fn read(text: &str) -> Vec<(String, Option<f64>, Unit)> {
    let each = parse(text).into_iter();
    each.map(|d| (d.label, d.value.map(|value| value * d.factor), d.unit))
        .collect()
}

#[test]
fn numbers_are_read_as_the_guidelines_say() {
    for (text, label, value, unit) in [
        ("time=0.25s;;;0.0;10.0", "time", Some(0.25), Unit::Seconds),
        ("rta=500ms", "rta", Some(0.5), Unit::Seconds),
        ("t=1000000us", "t", Some(1.0), Unit::Seconds),
        ("pl=20%;20;60;0;100", "pl", Some(20.0), Unit::Percent),
        (
            "/=2MB;5948;5958;0;5968",
            "/",
            Some(2_097_152.0),
            Unit::Bytes,
        ),
        ("a=1B", "a", Some(1.0), Unit::Bytes),
        ("a=1KB", "a", Some(1_024.0), Unit::Bytes),
        ("a=1GB", "a", Some(1_073_741_824.0), Unit::Bytes),
        ("a=1TB", "a", Some(1_099_511_627_776.0), Unit::Bytes),
        ("in=123456c", "in", Some(123_456.0), Unit::Count),
        ("users=3;20;50;0", "users", Some(3.0), Unit::Count),
        ("x=U", "x", None, Unit::Count),
        ("x=-1.5", "x", Some(-1.5), Unit::Count),
        ("x=1,5s", "x", Some(1.5), Unit::Seconds),
        ("x=1e-3s", "x", Some(0.001), Unit::Seconds),
        ("temp=40degC", "temp", Some(40.0), Unit::Count),
        ("'a b'=1", "a b", Some(1.0), Unit::Count),
        ("'it''s'=1", "it's", Some(1.0), Unit::Count),
        ("'C:\\ %'=1%", "C:\\ %", Some(1.0), Unit::Percent),
        ("'a=b'=1", "a=b", Some(1.0), Unit::Count),
    ] {
        assert_eq!(read(text), [(label.to_owned(), value, unit)], "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_left_out_and_the_rest_is_kept() {
    for (text, labels) in [
        ("", &[][..]),
        ("garbage", &[]),
        ("a= b=2", &["b"]),
        ("a=x b=2", &["b"]),
        ("=1 b=2", &["b"]),
        ("''=1 b=2", &["b"]),
        ("junk here b=2 c=3", &["b", "c"]),
        ("'never ends=1 b=2", &["ends", "b"]),
        ("a=1.2.3 b=2", &["b"]),
        ("a=1 'b'x=2 c=3", &["a", "c"]),
        ("a=1e999 b=2", &["b"]),
        ("  a=1\t b=2  ", &["a", "b"]),
    ] {
        let found: Vec<String> = read(text).into_iter().map(|(label, ..)| label).collect();
        assert_eq!(found, labels, "{text}");
    }
}

#[test]
fn the_number_of_numbers_is_bounded() {
    let all: Vec<String> = (0..10_000).map(|i| format!("m{i}=1")).collect();
    assert_eq!(parse(&all.join(" ")).len(), MOST);
}

#[test]
fn ranges_are_kept_and_told() {
    let data = parse("rta=120.5ms;100;500;0 pl=0%;@1:10;~:20 x=U;1;2");
    let told: Vec<_> = data
        .iter()
        .map(|d| (d.verdict(), d.expected(), d.found()))
        .collect();
    let expected = [
        (
            Verdict::Warn,
            "0ms to 100ms, else warn; 0ms to 500ms, else fail",
            "120.5ms",
        ),
        (
            Verdict::Pass,
            "not 1% to 10%, else warn; 20% or less, else fail",
            "0%",
        ),
        (Verdict::Pass, "0 to 1, else warn; 0 to 2, else fail", "U"),
    ];
    assert_eq!(
        told,
        expected.map(|(v, e, f)| (v, e.to_owned(), f.to_owned()))
    );
}
