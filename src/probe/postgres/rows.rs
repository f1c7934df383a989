//! The rows of an answer, read by the names of their columns.

use std::time::Duration;

use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

/// All rows of an answer.
#[derive(Debug, Default)]
pub(super) struct Rows(Vec<SimpleQueryRow>);

/// One row. What it has not, or has as something else, is none.
#[derive(Clone, Copy)]
pub(super) struct Row<'a>(&'a SimpleQueryRow);

impl Rows {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign enum that is not exhaustive; only rows matter"
    )]
    pub(super) fn of(answer: Vec<SimpleQueryMessage>) -> Self {
        let rows = answer.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        Self(rows.collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.0.iter().map(Row)
    }

    pub(super) fn first(&self) -> Option<Row<'_>> {
        self.0.first().map(Row)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl<'a> Row<'a> {
    pub(super) fn text(self, column: &str) -> Option<&'a str> {
        // An unknown name is a panic there.
        let at = self.0.columns().iter().position(|c| c.name() == column)?;
        self.0.try_get(at).ok().flatten()
    }

    /// The first column, whatever its name.
    pub(super) fn first(self) -> Option<&'a str> {
        self.0.try_get(0).ok().flatten()
    }

    pub(super) fn number(self, column: &str) -> Option<f64> {
        let number: f64 = self.text(column)?.parse().ok()?;
        number.is_finite().then_some(number)
    }

    /// So many seconds; none is less than nothing, and none longer than can be told.
    pub(super) fn span(self, column: &str) -> Option<Duration> {
        self.number(column).map(span)
    }

    pub(super) fn is(self, column: &str) -> bool {
        self.text(column) == Some("t")
    }
}

/// Whoever pretends to be a server may say anything; a duration holds no more than 2^64 seconds.
fn span(seconds: f64) -> Duration {
    const LONGEST: Duration = Duration::from_hours(24 * 36_500);
    let span = Duration::try_from_secs_f64(seconds.max(0.0));
    span.unwrap_or(LONGEST).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_cannot_be_is_the_longest_or_none() {
        let hours = |hours: u64| Duration::from_hours(hours);
        for (seconds, found) in [
            (90.0 * 60.0, Duration::from_mins(90)),
            (-1.0, Duration::ZERO),
            (f64::NAN, Duration::ZERO),
            (1e300, hours(876_000)),
            (f64::INFINITY, hours(876_000)),
        ] {
            assert_eq!(span(seconds), found, "{seconds}");
        }
    }
}
