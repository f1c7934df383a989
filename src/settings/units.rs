//! Durations and sizes with a unit, as people write them: `10s`, `500ms`, `1h30m`, `10MiB`.

use std::time::Duration;

/// A duration: numbers with units `ms`, `s`, `m`, `h`, `d`, `w`, largest first as one likes. The error
/// says what to type.
pub fn duration(text: &str) -> Result<Duration, String> {
    let hint = || "a number with a unit: 500ms, 10s, 5m, 1h30m, 1d".to_owned();
    let mut total_ms: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(hint());
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.len()
            - after
                .trim_start_matches(|c: char| c.is_ascii_alphabetic())
                .len();
        let (unit, after) = after.split_at(letters);
        let factor = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return Err(hint()),
        };
        let value = number
            .parse::<u64>()
            .ok()
            .and_then(|n| n.checked_mul(factor))
            .ok_or_else(hint)?;
        total_ms = total_ms.checked_add(value).ok_or_else(hint)?;
        rest = after.trim_start();
    }
    Ok(Duration::from_millis(total_ms))
}

/// What else can stand behind the number of a size.
pub(super) const SIZES: &str = "or another unit: KiB, MiB, GiB, TiB, kB, MB, GB, TB";

/// A size in bytes: `B`, `kB` to `TB` (powers of ten), `KiB` to `TiB` (powers of two).
pub fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let hint = || match unit {
        "" if digits > 0 => format!("\"{number}B\", {SIZES}"),
        _ => "a whole number with a unit: 512KiB, 10MiB, 1GiB, 10MB".to_owned(),
    };
    let factor: u64 = match unit.trim() {
        "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(hint()),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .ok_or_else(hint)
}

/// A size as it is written in a configuration, in the largest unit that it is a whole number of: `10MiB`.
pub fn write_size(bytes: u64) -> String {
    let units = [
        ("TiB", 1 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
    ];
    let whole = units
        .into_iter()
        .find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor));
    let (unit, factor) = whole.unwrap_or(("B", 1));
    format!("{}{unit}", bytes / factor)
}

/// A duration as it is written in a configuration: `10s`, `1h30m`.
pub fn write_duration(span: Duration) -> String {
    let mut rest = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    for (unit, factor) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ] {
        if rest >= factor {
            out.push_str(&(rest / factor).to_string());
            out.push_str(unit);
            rest %= factor;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        for (text, ms) in [
            ("10s", 10_000),
            ("500ms", 500),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("2 m 5 s", 125_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in [
            "",
            "10",
            "s",
            "10x",
            "-1s",
            "1.5s",
            "99999999999999999999s",
            "ten s",
            "10 s 5",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in ["10s", "1h30m", "500ms", "1d", "0s", "2m5s"] {
            assert_eq!(write_duration(duration(text).expect("valid")), text);
        }
    }

    #[test]
    fn sizes_tell_powers_of_two_from_powers_of_ten() {
        assert_eq!(size("10MiB"), Ok(10 << 20));
        assert_eq!(size("10MB"), Ok(10_000_000));
        assert_eq!(size("2TiB"), Ok(2 << 40));
        assert!(size("99999999999GiB").is_err());
        let bare = size("10").expect_err("it has no unit");
        assert!(bare.starts_with("\"10B\", or another unit: KiB"), "{bare}");
        assert!(size("1.5GiB").is_err_and(|hint| hint.starts_with("a whole number")));
    }

    #[test]
    fn sizes_are_written_as_they_are_read() {
        for text in ["0B", "1B", "1000B", "64KiB", "10MiB", "3TiB", "1025B"] {
            assert_eq!(write_size(size(text).expect("valid")), text);
        }
    }
}
