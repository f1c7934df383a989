//! The figures of the daemon itself.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::{ConstCounter, ConstGauge};
use crate::vitals::{Gauge, Spread, Vitals};

/// One figure without labels.
#[derive(Clone, Debug)]
pub(super) struct Number {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) unit: Option<Unit>,
    pub(super) value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    /// Goes up and down.
    Level(f64),
    /// Only ever goes up.
    Count(f64),
}

impl Number {
    pub(super) fn encode(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let kind = match self.value {
            Value::Level(_) => MetricType::Gauge,
            Value::Count(_) => MetricType::Counter,
        };
        let help = format!("{}.", self.help);
        let one = encoder.encode_descriptor(self.name, &help, self.unit.as_ref(), kind)?;
        match self.value {
            Value::Level(value) => ConstGauge::new(value).encode(one),
            Value::Count(value) => ConstCounter::new(value).encode(one),
        }
    }
}

/// All of them.
#[expect(clippy::too_many_lines, reason = "a table, one row a figure")]
pub(super) fn numbers(v: &Vitals) -> Vec<Number> {
    vec![
        count("probes", "Looks ever begun", &v.probes),
        level("probes_running", "Looks under way", &v.probes_running),
        count(
            "outcomes_dropped",
            "Outcomes dropped because the engine did not keep up",
            &v.outcomes_dropped,
        ),
        span(
            "scheduler_lateness",
            "How late the last look began, but for waiting at its own target",
            &v.lateness,
        ),
        span(
            "scheduler_lateness_max",
            "The worst lateness within the last minute",
            &v.lateness_max,
        ),
        share(
            "scheduler_lateness_p50",
            "Half of the last looks began later",
            &v.lateness_spread,
            0.5,
        ),
        share(
            "scheduler_lateness_p99",
            "One in a hundred of the last looks began later",
            &v.lateness_spread,
            0.99,
        ),
        share(
            "scheduler_target_wait_p99",
            "One in a hundred of the last looks waited longer for others at its own target",
            &v.target_wait_spread,
            0.99,
        ),
        span("journal_commit", "How long the last commit took", &v.commit),
        count("journal_commits", "Commits", &v.commits),
        level(
            "journal_commit_failures",
            "Commits that failed since the last one that did not",
            &v.commit_failures,
        ),
        Number {
            unit: Some(Unit::Bytes),
            ..level("journal_size", "Size of the journal", &v.journal_bytes)
        },
        level(
            "outbox_waiting",
            "Notifications that are due and not delivered",
            &v.outbox_waiting,
        ),
        span("outbox_age", "Age of the oldest of them", &v.outbox_age),
        level(
            "outbox_refused",
            "People who were not told lately because every relay refused",
            &v.outbox_refused,
        ),
        level(
            "archive_state",
            "0 not configured, 1 reachable, 2 not reachable",
            &v.archive_state,
        ),
        level(
            "archive_waiting",
            "Batches that wait for the archive",
            &v.archive_waiting,
        ),
        span("archive_lag", "Age of the oldest of them", &v.archive_lag),
        count("pings", "Pings taken", &v.pings),
        count("pings_refused", "Pings refused", &v.pings_refused),
        count("pings_limited", "Pings beyond a limit", &v.pings_limited),
        level(
            "http_connections",
            "Connections that are open",
            &v.connections,
        ),
        count("http_requests", "Requests answered", &v.requests),
        level("http_watchers", "Pages that follow live", &v.watchers),
        count("reloads", "Configurations taken into force", &v.reloads),
        count(
            "reloads_refused",
            "Configurations refused",
            &v.reloads_refused,
        ),
    ]
}

fn count(name: &'static str, help: &'static str, gauge: &Gauge) -> Number {
    Number {
        name,
        help,
        unit: None,
        value: Value::Count(exact(gauge)),
    }
}

fn level(name: &'static str, help: &'static str, gauge: &Gauge) -> Number {
    Number {
        name,
        help,
        unit: None,
        value: Value::Level(exact(gauge)),
    }
}

fn span(name: &'static str, help: &'static str, gauge: &Gauge) -> Number {
    let value = Value::Level(gauge.duration().as_secs_f64());
    Number {
        name,
        help,
        unit: Some(Unit::Seconds),
        value,
    }
}

/// A quantile; zero before the first.
fn share(name: &'static str, help: &'static str, spread: &Spread, q: f64) -> Number {
    let span = spread.quantile(q).unwrap_or_default();
    Number {
        name,
        help,
        unit: Some(Unit::Seconds),
        value: Value::Level(span.as_secs_f64()),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nothing here is counted to 2^53"
)]
fn exact(gauge: &Gauge) -> f64 {
    gauge.value() as f64
}
