//! Sums of windows: what is kept of an hour or a day when its looks are gone.

use std::time::Duration;

use super::metric::{self, Series};
use super::sketch::Sketch;
use super::time::Time;
use super::uptime::{Spans, Tally, WINDOW};

/// The length of what is summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Five minutes.
    Window,
    Hour,
    /// A day in UTC.
    Day,
}

impl Resolution {
    /// How long it is.
    pub fn span(self) -> Duration {
        match self {
            Self::Window => WINDOW,
            Self::Hour => Duration::from_hours(1),
            Self::Day => Duration::from_hours(24),
        }
    }
}

/// The sum of one window, hour or day of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollup {
    /// Its start.
    pub from: Time,
    pub spans: Spans,
    /// Looks per verdict, in the order of [`super::outcome::Verdict::ALL`].
    pub looks: [u32; 4],
    pub sketch: Sketch,
    pub metrics: Vec<Series>,
}

impl Rollup {
    /// The sum of one window.
    pub fn of(tally: &Tally) -> Self {
        Self {
            from: tally.from,
            spans: tally.spans,
            looks: tally.looks,
            sketch: tally.sketch.clone(),
            metrics: tally.metrics.clone(),
        }
    }

    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        self.spans += other.spans;
        for (sum, more) in self.looks.iter_mut().zip(other.looks) {
            *sum = sum.saturating_add(more);
        }
        self.sketch.merge(&other.sketch);
        for series in &other.metrics {
            metric::merge(&mut self.metrics, series);
        }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.spans == Spans::default() && self.looks == [0; 4]
    }
}
