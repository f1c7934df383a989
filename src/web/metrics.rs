//! The figures for Prometheus, in the OpenMetrics text format.
//!
//! A check is named by its name, group and kind. A ping address never appears: who reads figures may
//! not therefore speak for a job.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::core::engine::Watched;
use crate::core::outbox::Phase as Delivery;
use crate::core::state::Phase;
use crate::core::time::Time;
use crate::core::view::View;
use crate::vitals::Vitals;

mod process;
mod vital;

use vital::Number;

/// All figures. Ends with `# EOF`, as OpenMetrics asks for.
pub fn text(view: &View, vitals: &Vitals) -> String {
    let mut registry = Registry::with_prefix("belfry");
    registry.register_collector(Box::new(Figures {
        view: view.clone(),
        numbers: vital::numbers(vitals),
    }));
    // What every exporter tells of its process has the same names everywhere, without our prefix.
    let process = registry_of(process::numbers());
    let mut out = String::new();
    let written = prometheus_client::encoding::text::encode_registry(&mut out, &process)
        .and_then(|()| encode(&mut out, &registry));
    match written {
        Ok(()) => out,
        // Writing to memory does not fail; if it did, no figures are better than half of them.
        Err(fmt::Error) => "# EOF\n".to_owned(),
    }
}

fn registry_of(numbers: Vec<Number>) -> Registry {
    let mut registry = Registry::with_prefix("process");
    registry.register_collector(Box::new(Numbers(numbers)));
    registry
}

#[derive(Debug)]
struct Numbers(Vec<Number>);

impl Collector for Numbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        self.0
            .iter()
            .try_for_each(|number| number.encode(&mut encoder))
    }
}

/// A snapshot on its way into text.
#[derive(Debug)]
struct Figures {
    view: View,
    numbers: Vec<Number>,
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let encoder = &mut encoder;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        series(
            encoder,
            ("build_info", "What runs", None),
            [(version, 1.0)].into_iter(),
        )?;
        self.numbers
            .iter()
            .try_for_each(|number| number.encode(encoder))?;
        self.checks(encoder)?;
        self.outbox(encoder)
    }
}

/// Name, help and unit of a family.
type Family<'a> = (&'a str, &'a str, Option<Unit>);

impl Figures {
    fn checks(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let checks: Vec<&Arc<Watched>> = self.view.engine.active().collect();
        let all = || checks.iter().map(AsRef::as_ref);
        let help = "1 up or degraded, 0 down, NaN not known or not judged";
        series(
            encoder,
            ("check_up", help, None),
            all().map(|w| (labels(w), up(&self.view, w))),
        )?;
        let state = |w| (with_state(w), 1.0);
        series(
            encoder,
            ("check_state", "The state that a check is in", None),
            all().map(state),
        )?;
        let since = |w: &'_ Watched| seconds(w.record.since);
        let family = (
            "check_since_timestamp",
            "When it got into its state",
            Some(Unit::Seconds),
        );
        series(encoder, family, all().map(|w| (labels(w), since(w))))?;
        let latency = |w| Some((labels(w), latency(w)?));
        let family = (
            "check_latency",
            "How long the last look took",
            Some(Unit::Seconds),
        );
        series(encoder, family, all().filter_map(latency))?;
        let family = ("check_metric", "What the last look measured", None);
        series(encoder, family, all().flat_map(measured))?;
        let last = |w: &'_ Watched| w.record.last.as_ref().map(|last| seconds(last.at));
        let family = (
            "check_last_look_timestamp",
            "When it was looked at last",
            Some(Unit::Seconds),
        );
        series(
            encoder,
            family,
            all().filter_map(|w| Some((labels(w), last(w)?))),
        )?;
        let ping = |w: &'_ Watched| w.record.beat.as_ref()?.last_ping.map(seconds);
        let family = (
            "heartbeat_last_ping_timestamp",
            "When a job reported in last",
            Some(Unit::Seconds),
        );
        series(
            encoder,
            family,
            all().filter_map(|w| Some((labels(w), ping(w)?))),
        )?;
        self.incidents(encoder)
    }

    fn incidents(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let open = self.view.engine.incidents.values();
        let of_check = |name: &Arc<str>| [("name", name.to_string())];
        let family = (
            "incident_opened_timestamp",
            "When an open incident opened",
            Some(Unit::Seconds),
        );
        series(
            encoder,
            family,
            open.map(|i| (of_check(&i.name), seconds(i.opened))),
        )?;
        let open = number(self.view.engine.incidents.len());
        let count = Number {
            name: "incidents_open",
            help: "Incidents that are open",
            unit: None,
            value: vital::Value::Level(open),
        };
        count.encode(encoder)
    }

    fn outbox(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut counts = [
            ("queued", 0),
            ("sending", 0),
            ("accepted", 0),
            ("deferred", 0),
            ("refused", 0),
            ("superseded", 0),
        ];
        for notification in self.view.engine.outbox.values() {
            let place = match notification.phase {
                Delivery::Queued => 0,
                Delivery::Sending { .. } => 1,
                Delivery::Accepted { .. } => 2,
                Delivery::Deferred { .. } => 3,
                Delivery::Refused { .. } => 4,
                Delivery::Superseded { .. } => 5,
            };
            counts[place].1 += 1;
        }
        let help = "Notifications at hand, by how far they have come";
        let phases = counts
            .into_iter()
            .map(|(phase, count)| ([("phase", phase)], number(count)));
        series(encoder, ("outbox_notifications", help, None), phases)
    }
}

/// A family of gauges; nothing at all where there is no series.
fn series<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, unit): Family<'_>,
    series: impl Iterator<Item = (L, f64)>,
) -> Result<(), fmt::Error> {
    let mut series = series.peekable();
    if series.peek().is_none() {
        return Ok(());
    }
    let help = format!("{help}.");
    let mut family = encoder.encode_descriptor(name, &help, unit.as_ref(), MetricType::Gauge)?;
    for (labels, value) in series {
        ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn labels(watched: &Watched) -> [(&'static str, String); 3] {
    let check = &watched.check;
    [
        ("name", check.name.to_string()),
        ("group", check.group.to_string()),
        ("kind", check.kind.to_string()),
    ]
}

fn with_state(watched: &Watched) -> [(&'static str, String); 4] {
    let [name, group, kind] = labels(watched);
    [
        name,
        group,
        kind,
        ("state", watched.phase().word().to_owned()),
    ]
}

/// The numbers of the last look.
fn measured(watched: &Watched) -> impl Iterator<Item = ([(&'static str, String); 5], f64)> {
    let last = watched.record.last.as_ref();
    let metrics = last.and_then(|last| last.outcome.metrics.as_deref());
    metrics.unwrap_or_default().iter().map(|metric| {
        let [name, group, kind] = labels(watched);
        let unit = ("unit", metric.unit.word().to_owned());
        let metric_name = ("metric", metric.name.to_string());
        ([name, group, kind, metric_name, unit], metric.value)
    })
}

fn up(view: &View, watched: &Watched) -> f64 {
    match (watched.phase(), view.engine.is_seen(watched)) {
        (Phase::Up | Phase::Degraded, true) => 1.0,
        (Phase::Down, true) => 0.0,
        (_, false) | (Phase::New | Phase::Paused, true) => f64::NAN,
    }
}

fn latency(watched: &Watched) -> Option<f64> {
    Some(
        watched
            .record
            .last
            .as_ref()?
            .outcome
            .latency()?
            .as_secs_f64(),
    )
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 are below 2^53"
)]
fn seconds(at: Time) -> f64 {
    at.millis() as f64 / 1_000.0
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nothing here is counted to 2^53"
)]
fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
