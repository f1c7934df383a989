//! The bar of ninety days and the spark of the last latencies, each in as few bytes as it takes.
//!
//! A run of days is one line that the sheet draws as dashes, so a state is one path however many days
//! it covers.

use std::fmt::Write as _;
use std::time::Duration;

use maud::Render;

use crate::core::engine::{SPARK, Watched};
use crate::core::time::Time;
use crate::core::uptime::{DAYS, Slot, Spans};
use crate::core::view;

/// What a day was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Day {
    /// Nothing is recorded of it.
    None,
    Up,
    Degraded,
    Down,
    Unknown,
}

impl Day {
    const ALL: [Self; 5] = [
        Self::None,
        Self::Up,
        Self::Degraded,
        Self::Down,
        Self::Unknown,
    ];

    /// The worst that was seen; unknown where most of it was not seen.
    pub(super) fn of(spans: &Spans) -> Self {
        let good = u64::from(spans.up_ms) + u64::from(spans.degraded_ms);
        match spans {
            Spans { down_ms: 1.., .. } => Self::Down,
            Spans { unknown_ms, .. } if u64::from(*unknown_ms) > good => Self::Unknown,
            Spans {
                degraded_ms: 1.., ..
            } => Self::Degraded,
            Spans { up_ms: 1.., .. } => Self::Up,
            Spans { .. } => Self::None,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

/// Ninety days, the last one today, a dash each.
pub(super) struct Bar([Day; DAYS]);

impl Bar {
    pub(super) fn of(watched: &Watched, now: Time) -> Self {
        Self::from_slots(&view::days(watched, now), now)
    }

    /// Days without a slot are days of which nothing is known.
    fn from_slots(slots: &[Slot], now: Time) -> Self {
        let day = Duration::from_hours(24);
        let today = now.floor(day);
        let mut days = [Day::None; DAYS];
        for slot in slots {
            let back = usize::try_from(today.since(slot.from).as_secs() / day.as_secs());
            let place = back.ok().and_then(|back| (DAYS - 1).checked_sub(back));
            if let Some(place) = place.and_then(|place| days.get_mut(place)) {
                *place = Day::of(&slot.spans);
            }
        }
        Self(days)
    }

    /// For those who do not see it.
    fn words(&self, out: &mut String) {
        let count = |wanted: &[Day]| self.0.iter().filter(|day| wanted.contains(day)).count();
        let known = DAYS - count(&[Day::None]);
        let trouble = count(&[Day::Down, Day::Degraded]);
        put(out, known);
        out.push_str(if known == 1 { " day, " } else { " days, " });
        put(out, trouble);
        out.push_str(" with trouble");
    }

    fn path(&self, state: Day, out: &mut String) {
        // A day that nothing is known of is a low dash at the foot.
        let height = if state == Day::None { " 19h" } else { " 12h" };
        let mut place = 0;
        for run in self.0.chunk_by(|a, b| a == b) {
            if run.first() == Some(&state) {
                out.push('M');
                put(out, place * 4);
                out.push_str(height);
                put(out, run.len() * 4);
            }
            place += run.len();
        }
    }
}

impl Render for Bar {
    fn render_to(&self, out: &mut String) {
        out.push_str(r#"<svg class="days" viewBox="0 0 359 24" preserveAspectRatio="none" role="img" aria-label=""#);
        self.words(out);
        out.push_str("\">");
        for state in Day::ALL.into_iter().filter(|state| self.0.contains(state)) {
            out.push_str("<path class=\"");
            out.push_str(state.word());
            out.push_str("\" d=\"");
            self.path(state, out);
            out.push_str("\"/>");
        }
        out.push_str("</svg>");
    }
}

/// The last latencies as buckets of the sketch: the scale is logarithmic, a step is a tenth.
pub(super) struct Spark<'a>(pub(super) &'a [u8]);

/// Height of the spark's box.
const HEIGHT: i32 = 20;

/// Buckets that the height covers at the least (a factor of two and a half), so that a steady latency is drawn
/// as a calm line and not as mountains.
const LEAST_RANGE: i32 = 10;

impl Spark<'_> {
    fn heights(&self) -> impl Iterator<Item = i32> {
        let (least, most) = self.0.iter().fold((u8::MAX, 0), |(least, most), &b| {
            (least.min(b), most.max(b))
        });
        let range = (i32::from(most) - i32::from(least)).max(LEAST_RANGE);
        let foot = (i32::from(least) + i32::from(most) - range) / 2;
        let height = move |bucket: i32| HEIGHT - 2 - (bucket - foot) * (HEIGHT - 4) / range;
        self.0.iter().map(move |&bucket| height(bucket.into()))
    }
}

impl Render for Spark<'_> {
    fn render_to(&self, out: &mut String) {
        if self.0.len() < 2 {
            return;
        }
        out.push_str(r#"<svg class="spark" viewBox="0 0 47 20" preserveAspectRatio="none" aria-hidden="true"><path d=""#);
        let mut last = None;
        for height in self.heights() {
            match last {
                None => {
                    out.push('M');
                    put(out, SPARK.saturating_sub(self.0.len()));
                    out.push(' ');
                    put(out, height);
                    out.push('l');
                }
                // The minus separates as well as a space does.
                Some(before) => {
                    out.push('1');
                    if height >= before {
                        out.push(' ');
                    }
                    put(out, height - before);
                    out.push(' ');
                }
            }
            last = Some(height);
        }
        out.push_str("\"/></svg>");
    }
}

fn put(out: &mut String, number: impl std::fmt::Display) {
    write!(out, "{number}").expect("writes to memory");
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    const DAY_MS: i64 = 86_400_000;

    fn slot(day: i64, up_ms: u32, down_ms: u32) -> Slot {
        let spans = Spans {
            up_ms,
            down_ms,
            ..Spans::default()
        };
        Slot {
            from: Time::from_millis(day * DAY_MS),
            spans,
        }
    }

    #[test]
    fn a_state_is_one_path_and_a_gap_is_unrecorded() {
        let slots = [
            slot(98, 9, 0),
            slot(1, 9, 0),
            slot(99, 9, 1),
            slot(100, 9, 0),
        ];
        let bar = Bar::from_slots(&slots, Time::from_millis(100 * DAY_MS + 5));
        expect![[r#"<svg class="days" viewBox="0 0 359 24" preserveAspectRatio="none" role="img" aria-label="3 days, 1 with trouble"><path class="none" d="M0 19h348"/><path class="up" d="M348 12h4M356 12h4"/><path class="down" d="M352 12h4"/></svg>"#]]
        .assert_eq(&bar.render().into_string());
    }

    #[test]
    fn a_day_shows_the_worst_that_was_seen_of_it() {
        let spans = |up_ms, degraded_ms, down_ms, unknown_ms| Spans {
            up_ms,
            degraded_ms,
            down_ms,
            unknown_ms,
        };
        for (spans, day) in [
            (spans(0, 0, 0, 0), Day::None),
            (spans(9, 0, 0, 1), Day::Up),
            (spans(9, 1, 0, 1), Day::Degraded),
            (spans(9, 1, 1, 99), Day::Down),
            (spans(4, 0, 0, 5), Day::Unknown),
        ] {
            assert_eq!(Day::of(&spans), day, "{spans:?}");
        }
    }

    #[test]
    fn a_steady_latency_is_a_calm_line_at_the_right() {
        expect![[r#"<svg class="spark" viewBox="0 0 47 20" preserveAspectRatio="none" aria-hidden="true"><path d="M44 10l1-1 1 1 1 0 "/></svg>"#]]
            .assert_eq(&Spark(&[60, 61, 60, 60]).render().into_string());
    }
}
