//! The JSON of the API: pure functions of the view. Times are RFC 3339 in UTC, spans end in `_ms`.

use serde_json::{Value, json};

use crate::core::outcome::Outcome;
use crate::core::time::Time;
use crate::core::view::View;
use crate::web::mask;

mod check;
mod incident;
mod outbox;
mod series;
#[cfg(test)]
mod tests;

pub use check::{check, checks};
pub use incident::{incident, incidents};
pub use outbox::outbox;
pub use series::series;

/// `/api/v1/status`: the whole, every check and the open incidents.
pub fn status(view: &View, now: Time, version: &str, operator: bool) -> Value {
    let open: Vec<Value> = view
        .engine
        .incidents
        .values()
        .map(|open| incident::brief(open, operator))
        .collect();
    json!({
        "node": view.engine.roster.node,
        "version": version,
        "state": view.overall().word(),
        "since": view.since().map(Time::rfc3339),
        "checks": checks(view, now, operator),
        "incidents": open,
    })
}

/// `/api/v1/checks/NAME/outcomes`, in the order in which they are given.
pub fn outcomes(outcomes: &[(Time, Outcome)], operator: bool) -> Value {
    let all = outcomes
        .iter()
        .map(|(at, outcome)| look(*at, outcome, operator));
    json!({ "outcomes": all.collect::<Vec<Value>>() })
}

/// One look.
fn look(at: Time, outcome: &Outcome, operator: bool) -> Value {
    let mut look = json!({
        "at": at.rfc3339_millis(),
        "verdict": outcome.verdict.word(),
        "latency_ms": outcome.latency_us.map(millis),
        "message": mask::text(&outcome.message(), operator),
    });
    if let Some(phases) = &outcome.phases {
        let all = phases
            .iter()
            .map(|phase| json!({ "name": phase.name, "took_ms": millis(phase.took_us) }));
        look["phases"] = all.collect();
    }
    if let Some(metrics) = &outcome.metrics {
        let all = metrics
            .iter()
            .map(|m| json!({ "name": m.name, "unit": m.unit.word(), "value": m.value }));
        look["metrics"] = all.collect();
    }
    look
}

/// Microseconds as milliseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "spans are far below 2^53 microseconds"
)]
fn millis(us: u64) -> f64 {
    us as f64 / 1_000.0
}

/// A span in milliseconds.
fn span_ms(span: std::time::Duration) -> f64 {
    millis(crate::core::outcome::micros(span))
}
