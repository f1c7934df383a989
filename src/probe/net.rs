//! Looks at a network interface of this machine: whether it has a link, how fast, how busy it is, and what is lost.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::aside::Aside;
use super::env::Env;
use super::error::Looked;
use super::finding::Finding;
use super::kept::Kept;
use super::level::{Judgement, Levels, Scale};
use super::trace::{Stage, Trace};
use crate::core::metric::Unit::{Bytes, Percent};
use crate::core::outcome::{Outcome, Verdict};
use crate::settings::Section;

mod seen;

use seen::{Counters, Link, Seen};

/// Where the kernel tells of interfaces (Documentation/ABI/testing/sysfs-class-net).
const PLACE: &str = "/sys/class/net";
/// Longest name of an interface (`IFNAMSIZ` without the zero at its end).
const NAME: usize = 15;
/// Fastest link that can be asked for, in Mbit/s: a thousand times what can be bought.
const FASTEST: f64 = 1e9;
/// Shortest time that something per second is told of.
const LEAST: Duration = Duration::from_millis(100);

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
    before: Kept<(Instant, Counters)>,
    aside: Aside,
}

/// What should be.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rules {
    /// Mbit/s at least.
    speed_min: Option<f64>,
    duplex: Option<&'static str>,
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
        let rules = Rules {
            speed_min,
            duplex,
            saturation: Levels::read(&mut section, &SATURATION),
            errors: Levels::read(&mut section, &ERRORS),
            drops: Levels::read(&mut section, &DROPS),
            received: Levels::read_sizes(&mut section, "received_warn", "received_fail"),
            sent: Levels::read_sizes(&mut section, "sent_warn", "sent_fail"),
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

    pub(super) async fn look(&self, _: &Env, trace: &mut Trace) -> Looked<Outcome> {
        trace.enter(Stage::Files);
        let (place, name) = (self.place.clone(), self.interface.clone());
        let seen = self.aside.run(trace, move || Seen::now(&place, &name));
        let seen = seen.await??;
        let now = Instant::now();
        let since = self.before.take().and_then(|(then, before)| {
            let seconds = now.duration_since(then);
            let moved = seen.counters.since(&before)?;
            (seconds >= LEAST).then_some((seconds.as_secs_f64(), moved))
        });
        self.before.put((now, seen.counters.clone()));
        Ok(judge(&self.rules, &seen, since.as_ref(), trace))
    }
}

/// What it is worth. `since`: so many seconds have gone by since the look before, in which it has counted so much;
/// none at the first, or where the counters began anew.
fn judge(
    rules: &Rules,
    seen: &Seen,
    since: Option<&(f64, Counters)>,
    trace: &mut Trace,
) -> Outcome {
    let mut judgement = Judgement::default();
    link(seen, &mut judgement, trace);
    let is_up = seen.link == Link::Up;
    // What has no link has no speed, which is no news beside that.
    if is_up {
        kind(rules, seen, &mut judgement, trace);
    }
    if let Some((seconds, moved)) = since {
        traffic(rules, (*seconds, moved), &mut judgement, trace);
    }
    if is_up {
        saturation(rules, seen, since, &mut judgement, trace);
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
