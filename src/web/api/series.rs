//! What a check measured over time, as JSON.

use serde_json::{Value, json};

use crate::core::metric::Series;
use crate::core::rollup::{Resolution, Rollup};

use super::span_ms;

/// `/api/v1/checks/NAME/series`: one object a window, hour or day, oldest first.
pub fn series(resolution: Resolution, sums: &[Rollup]) -> Value {
    let one = |sum: &Rollup| {
        json!({
            "from": sum.from.rfc3339(),
            "looks": { "pass": sum.looks[0], "warn": sum.looks[1], "fail": sum.looks[2], "unknown": sum.looks[3] },
            "latency_p50_ms": sum.sketch.quantile_us(0.5).map(|us| us / 1_000.0),
            "latency_p95_ms": sum.sketch.quantile_us(0.95).map(|us| us / 1_000.0),
            "metrics": sum.metrics.iter().map(metric).collect::<Vec<Value>>(),
        })
    };
    json!({
        "resolution_ms": span_ms(resolution.span()),
        "series": sums.iter().map(one).collect::<Vec<Value>>(),
    })
}

fn metric(series: &Series) -> Value {
    json!({
        "name": series.name,
        "unit": series.unit.word(),
        "count": series.count,
        "least": series.least,
        "mean": series.mean,
        "most": series.most,
    })
}
