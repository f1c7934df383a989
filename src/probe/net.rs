//! Looks at a network interface of this machine: whether it has a link, how fast, how busy it is, and what is lost.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::aside::Aside;
use super::env::Env;
use super::error::Looked;
use super::finding::Finding;
use super::kept::Kept;
use super::level::{Judgement, Levels, SIZE, Scale, bytes};
use super::trace::{Stage, Trace};
use crate::core::metric::Unit::{Bytes, Count, Percent};
use crate::core::outcome::{Outcome, Verdict};
use crate::core::time::human;
use crate::settings::Section;

mod losses;
mod seen;

use losses::Losses;
use seen::{Counters, Link, Seen};

/// Where the kernel tells of interfaces (Documentation/ABI/testing/sysfs-class-net).
const PLACE: &str = "/sys/class/net";
/// Longest name of an interface (`IFNAMSIZ` without the zero at its end).
const NAME: usize = 15;
/// Fastest link that can be asked for, in Mbit/s: a thousand times what can be bought.
const FASTEST: f64 = 1e9;
/// Shortest time that something per second is told of.
const LEAST: Duration = Duration::from_millis(100);

/// How long a lost link is told, where nothing else is said: long enough to be confirmed and read.
const SIGNS: Duration = Duration::from_hours(1);

const NONE: Levels = Levels {
    warn: None,
    fail: None,
};
const SATURATION: Scale = percent("saturation_warn", "saturation_fail", NONE);
const ERRORS: Scale = percent(
    "errors_warn",
    "errors_fail",
    Levels {
        warn: Some(1.0),
        fail: None,
    },
);
const DROPS: Scale = percent("drops_warn", "drops_fail", NONE);

const LOSSES: Scale = Scale {
    warn: "losses_warn",
    fail: "losses_fail",
    range: 1.0..=1e6,
    usual: Levels {
        warn: Some(1.0),
        fail: None,
    },
};

const fn percent(warn: &'static str, fail: &'static str, usual: Levels) -> Scale {
    Scale {
        warn,
        fail,
        range: 0.0..=100.0,
        usual,
    }
}

/// `net = { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    interface: String,
    rules: Rules,
    place: PathBuf,
    before: Kept<Before>,
    aside: Aside,
}

/// What the look before has seen.
#[derive(Clone, Debug)]
struct Before {
    at: Instant,
    counters: Counters,
    losses: Option<Losses>,
}

/// What has happened since then.
#[derive(Clone, Debug, Default)]
struct Since {
    /// So many seconds have gone by, in which it has counted so much; none at the first look, or where the counters
    /// began anew.
    moved: Option<(f64, Counters)>,
    /// How often the link was lost within the time of signs.
    losses: Option<u64>,
}

/// What should be.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rules {
    /// Mbit/s at least.
    speed_min: Option<f64>,
    duplex: Option<&'static str>,
    /// Lost links within `signs`.
    losses: Levels,
    signs: Duration,
    saturation: Levels,
    errors: Levels,
    drops: Levels,
    /// Bytes a second.
    received: Levels,
    sent: Levels,
}

impl Settings {
    /// Reads the table of a `net` key. Keys:
    ///
    /// - `interface`: its name; must be there
    /// - `speed_min`: Mbit/s that the link must have at least
    /// - `duplex`: `"full"` or `"half"`, which the link must be
    /// - `losses_warn` (default 1), `losses_fail`: how often the link was lost within `signs`, default 1 h
    /// - `saturation_warn`, `saturation_fail`: percent of its speed, of the busier direction
    /// - `errors_warn` (default 1), `errors_fail`, `drops_warn`, `drops_fail`: percent of the packets
    /// - `received_warn`, `received_fail`, `sent_warn`, `sent_fail`: bytes a second
    pub fn read(mut section: Section<'_>) -> Option<Self> {
        let interface = section.required("interface");
        let interface = interface.filter(|name| {
            let fits = (1..=NAME).contains(&name.len()) && name != "." && name != "..";
            let is_name =
                fits && !name.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control());
            if !is_name {
                let hint = "write one name as `ip link` tells it: interface = \"eth0\"";
                section.refuse("interface", "\"interface\" is the name of none", hint);
            }
            is_name
        });
        let speed_min = section.number("speed_min", 1.0..=FASTEST);
        let duplex = section.choice("duplex", &["full", "half"]);
        let range = Duration::from_mins(1)..=Duration::from_hours(24 * 30);
        let signs = section.duration("signs", range).unwrap_or(SIGNS);
        let rules = Rules {
            speed_min,
            duplex,
            losses: Levels::read(&mut section, &LOSSES),
            signs,
            saturation: Levels::read(&mut section, &SATURATION),
            errors: Levels::read(&mut section, &ERRORS),
            drops: Levels::read(&mut section, &DROPS),
            received: Levels::read_sizes(
                &mut section,
                ("received_warn", "received_fail"),
                SIZE,
                Levels::default(),
            ),
            sent: Levels::read_sizes(
                &mut section,
                ("sent_warn", "sent_fail"),
                SIZE,
                Levels::default(),
            ),
        };
        section.finish();
        Some(Self {
            interface: interface?,
            rules,
            place: PLACE.into(),
            before: Kept::default(),
            aside: Aside::default(),
        })
    }

    /// The interface, for people.
    pub fn target(&self) -> String {
        self.interface.clone()
    }

    pub(super) async fn look(&self, env: &Env, trace: &mut Trace) -> Looked<Outcome> {
        trace.ask_about(Stage::Files);
        let (place, name) = (self.place.clone(), self.interface.clone());
        let seen = self.aside.run(trace, move || Seen::now(&place, &name));
        let seen = seen.await??;
        let at = Instant::now();
        let before = self.before.take();
        let moved = before.as_ref().and_then(|before| {
            let ago = at.duration_since(before.at);
            let moved = seen.counters.since(&before.counters)?;
            (ago >= LEAST).then_some((ago.as_secs_f64(), moved))
        });
        let losses = before.and_then(|before| before.losses);
        let (now, signs) = (env.clock.now(), self.rules.signs);
        let losses = seen
            .losses
            .map(|count| Losses::note(losses, count, now, signs));
        let since = Since {
            moved,
            losses: losses.as_ref().map(Losses::lately),
        };
        self.before.put(Before {
            at,
            counters: seen.counters.clone(),
            losses,
        });
        Ok(judge(&self.rules, &seen, &since, trace))
    }
}

/// What it is worth.
fn judge(rules: &Rules, seen: &Seen, since: &Since, trace: &mut Trace) -> Outcome {
    let mut judgement = Judgement::default();
    link(seen, &mut judgement, trace);
    let is_up = seen.link == Link::Up;
    // What has no link has no speed, which is no news beside that.
    if is_up {
        kind(rules, seen, &mut judgement, trace);
    }
    if let Some(lost) = since.losses {
        losses(rules, lost, &mut judgement, trace);
    }
    let moved = since.moved.as_ref();
    if let Some((seconds, moved)) = moved {
        traffic(rules, (*seconds, moved), &mut judgement, trace);
    }
    if is_up {
        saturation(rules, seen, moved, &mut judgement, trace);
    }
    let mut good = vec!["up".to_owned()];
    good.extend(seen.speed.map(told_speed));
    good.extend(seen.duplex.iter().map(|duplex| format!("{duplex} duplex")));
    judgement.outcome(&good.join(", "))
}

fn link(seen: &Seen, judgement: &mut Judgement, trace: &mut Trace) {
    let told = match &seen.link {
        Link::Up => "up".to_owned(),
        Link::Off => "switched off (ip link set … up)".to_owned(),
        Link::NoCarrier => "without a carrier: look at the cable, or at the other end".to_owned(),
        Link::State(word) => word.clone(),
    };
    let finding = || Finding::new("link", "up", told.as_str(), seen.link == Link::Up);
    judgement.holds(trace, finding, || format!("it is {told}"));
}

/// How often the link was lost: also between two looks, where it is up at each.
fn losses(rules: &Rules, lost: u64, judgement: &mut Judgement, trace: &mut Trace) {
    let (value, within) = (bytes(lost), human(rules.signs));
    let verdict = rules.losses.judge(value);
    trace.note(|| {
        let what = format!("lost links within {within}");
        Finding::new(what, rules.losses.expected(Count), lost.to_string(), true).worth(verdict)
    });
    judgement.metric("lost links", value, Count);
    judgement.add(verdict, || {
        let times = if lost == 1 {
            "once"
        } else {
            &format!("{lost} times")
        };
        let level = rules.losses.reached(verdict, Count);
        let level = level.unwrap_or_default();
        format!("it has lost its link {times} within {within} ({level})")
    });
}

/// Speed and duplex.
fn kind(rules: &Rules, seen: &Seen, judgement: &mut Judgement, trace: &mut Trace) {
    let unknown = |holds: Option<bool>| match holds {
        Some(true) => Verdict::Pass,
        Some(false) => Verdict::Fail,
        None => Verdict::Unknown,
    };
    let shown = seen.speed.map_or_else(|| "not told".to_owned(), told_speed);
    if let Some(least) = rules.speed_min {
        let verdict = unknown(seen.speed.map(|speed| speed >= least));
        let least = format!("at least {}", told_speed(least));
        let finding = || Finding::new("speed", least.as_str(), shown.as_str(), true).worth(verdict);
        judgement.holds(trace, finding, || match verdict {
            Verdict::Unknown => "the link tells no speed".to_owned(),
            Verdict::Pass | Verdict::Warn | Verdict::Fail => format!("speed {shown}, not {least}"),
        });
    }
    if let Some(wanted) = rules.duplex {
        let found = seen.duplex.as_deref();
        let verdict = unknown(found.map(|found| found == wanted));
        let shown = found.unwrap_or("not told");
        let finding = || Finding::new("duplex", wanted, shown, true).worth(verdict);
        judgement.holds(trace, finding, || match found {
            None => "the link tells no duplex".to_owned(),
            Some(found) => format!("{found} duplex, not {wanted}"),
        });
    }
}

fn traffic(
    rules: &Rules,
    (seconds, moved): (f64, &Counters),
    judgement: &mut Judgement,
    trace: &mut Trace,
) {
    let (received, sent) = (&moved.received, &moved.sent);
    for (what, way, levels) in [
        ("received per second", received, rules.received),
        ("sent per second", sent, rules.sent),
    ] {
        judgement.level(trace, what, (way.bytes / seconds, Bytes), levels);
    }
    for (what, way) in [("receive", received), ("send", sent)] {
        // What is lost was a packet, too, and is in no other count.
        let all = way.packets + way.errors + way.drops;
        let share = |count: f64| if all > 0.0 { count / all * 100.0 } else { 0.0 };
        let losses = [
            ("errors", way.errors, rules.errors),
            ("drops", way.drops, rules.drops),
        ];
        for (loss, count, levels) in losses {
            let name = format!("{what} {loss}");
            judgement.level(trace, &name, (share(count), Percent), levels);
        }
    }
}

/// How much of its speed the busier direction takes; of half duplex both together.
fn saturation(
    rules: &Rules,
    seen: &Seen,
    since: Option<&(f64, Counters)>,
    judgement: &mut Judgement,
    trace: &mut Trace,
) {
    let Some(speed) = seen.speed else {
        if rules.saturation != NONE {
            judgement.add(Verdict::Unknown, || {
                "the link tells no speed, so its saturation is not known".to_owned()
            });
        }
        return;
    };
    let Some((seconds, moved)) = since else {
        return;
    };
    let bytes = if seen.duplex.as_deref() == Some("half") {
        moved.received.bytes + moved.sent.bytes
    } else {
        moved.received.bytes.max(moved.sent.bytes)
    };
    let capacity = speed * 1e6 / 8.0 * seconds;
    let value = (bytes / capacity * 100.0, Percent);
    judgement.level(trace, "saturation", value, rules.saturation);
}

/// A speed in Mbit/s, for people.
fn told_speed(speed: f64) -> String {
    if speed >= 1_000.0 {
        format!("{} Gbit/s", speed / 1_000.0)
    } else {
        format!("{speed} Mbit/s")
    }
}

#[cfg(test)]
mod tests;
