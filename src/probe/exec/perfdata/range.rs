//! A range of the plugin API: `[@]start:end`, of which a value outside alerts, or with `@` one inside.

/// Both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::probe::exec) struct Range {
    start: f64,
    end: f64,
    /// Whether a value inside alerts.
    inside: bool,
}

impl Range {
    /// Reads `10` (0 to 10), `10:`, `~:10`, `10:20` or `@10:20`. None where it is empty or makes no sense.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (inside, text) = match text.strip_prefix('@') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let number = |text: &str| text.replace(',', ".").parse::<f64>().ok();
        let (start, end) = match text.split_once(':') {
            None => (0.0, number(text)?),
            Some((start, end)) => {
                let start = match start {
                    "~" => f64::NEG_INFINITY,
                    "" => 0.0,
                    start => number(start)?,
                };
                let end = if end.is_empty() {
                    f64::INFINITY
                } else {
                    number(end)?
                };
                (start, end)
            }
        };
        (start <= end).then_some(Self { start, end, inside })
    }

    /// Whether the value is where it should not be.
    pub(super) fn alerts(self, value: f64) -> bool {
        (self.start..=self.end).contains(&value) == self.inside
    }

    /// Where a value is well, for people.
    pub(super) fn expected(self, uom: &str) -> String {
        let not = if self.inside { "not " } else { "" };
        match (self.start.is_finite(), self.end.is_finite()) {
            (true, true) => format!("{not}{}{uom} to {}{uom}", self.start, self.end),
            (true, false) => format!("{not}{}{uom} or more", self.start),
            (false, true) => format!("{not}{}{uom} or less", self.end),
            (false, false) => format!("{not}any number"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of examples in the guidelines, "Threshold and ranges".
    #[test]
    fn ranges_alert_as_the_guidelines_say() {
        for (text, alerts, calm) in [
            ("10", &[-1.0, 10.1][..], &[0.0, 10.0][..]),
            ("10:", &[9.9, -5.0], &[10.0, 1e9]),
            ("~:10", &[10.1], &[-1e9, 10.0]),
            ("10:20", &[9.9, 20.1], &[10.0, 20.0]),
            ("@10:20", &[10.0, 15.0, 20.0], &[9.9, 20.1]),
            ("@10", &[0.0, 10.0], &[-0.1, 10.1]),
            (":5", &[-1.0, 6.0], &[0.0, 5.0]),
            ("0,5:1,5", &[0.4], &[1.0]),
            ("~:", &[], &[-1e9, 1e9]),
        ] {
            let range = Range::parse(text).unwrap_or_else(|| panic!("{text} is a range"));
            for value in alerts {
                assert!(range.alerts(*value), "{text} with {value}");
            }
            for value in calm {
                assert!(!range.alerts(*value), "{text} with {value}");
            }
        }
        for text in ["", "20:10", "a", "1:b", "@", "1:2:3", "nan", ":nan"] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_are_told_in_words() {
        for (text, words) in [
            ("10", "0ms to 10ms"),
            ("10:", "10ms or more"),
            ("~:10", "10ms or less"),
            ("@1:2", "not 1ms to 2ms"),
            ("~:", "any number"),
        ] {
            assert_eq!(
                Range::parse(text).map(|r| r.expected("ms")).as_deref(),
                Some(words)
            );
        }
    }
}
