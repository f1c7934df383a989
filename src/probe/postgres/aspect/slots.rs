//! Replication slots: they keep WAL for whoever is away, until the disk is full.

use super::{Aspect, Usual};
use crate::core::metric::Unit;
use crate::core::outcome::Verdict;
use crate::probe::finding::Finding;
use crate::probe::level::Levels;
use crate::probe::postgres::found::Judging;
use crate::probe::postgres::server::Server;

/// From PostgreSQL 17 on a slot says since when nobody uses it, and a standby has copies that nobody is to use.
fn question(server: &Server) -> &'static str {
    if server.major >= 17 {
        slots!(
            "extract(epoch FROM clock_timestamp() - inactive_since)",
            "NOT synced"
        )
    } else {
        slots!("NULL", "true")
    }
}

macro_rules! slots {
    ($idle:literal, $where:literal) => {
        concat!(
            "SELECT slot_name AS name, active, wal_status AS status, ",
            $idle,
            " AS idle, greatest(0, coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() \
             THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn), 0)) AS value \
             FROM pg_replication_slots WHERE NOT temporary AND ",
            $where,
            " ORDER BY value DESC LIMIT 100"
        )
    };
}
use slots;

/// Bytes of WAL that a slot keeps. One whose WAL is gone is lost whatever the levels are.
pub(super) const RETAINED: Aspect = Aspect {
    key: "replication_slots",
    unit: Unit::Bytes,
    usual: Usual::On(Levels {
        warn: None,
        fail: None,
    }),
    ask: |server| Some(question(server)),
    judge: |judging| {
        for row in judging.rows.iter() {
            let (name, status) = (row.text("name")?, row.text("status").unwrap_or("reserved"));
            let verdict = match status {
                "lost" => Verdict::Fail,
                "unreserved" => Verdict::Warn,
                _ => Verdict::Pass,
            };
            if !judging.ignores(name) && verdict != Verdict::Pass {
                let what = format!("replication slot {name}");
                let said = format!("the WAL of {what} is {status}");
                let finding = Finding::new(what, "reserved", status, true);
                judging.found.holds(finding.worth(verdict), &said);
            }
        }
        super::worst(judging)
    },
    ..Aspect::PLAIN
};

/// How long nobody has used a slot.
pub(super) const INACTIVE: Aspect = Aspect {
    key: "inactive_slots",
    unit: Unit::Seconds,
    usual: Usual::On(Levels {
        warn: None,
        fail: Some(1_800.0),
    }),
    ask: |server| Some(question(server)),
    judge: inactive,
    ..Aspect::PLAIN
};

fn inactive(judging: &mut Judging<'_>) -> Option<()> {
    let (mut names, mut worst) = (Vec::new(), (0.0, ""));
    let rows = judging.rows;
    for row in rows.iter() {
        let name = row.text("name")?;
        names.push(name);
        let state = if row.is("active") {
            "active"
        } else {
            "inactive"
        };
        let seen = judging.past.held(judging.now, name, state).as_secs_f64();
        let idle = row.number("idle").unwrap_or(seen);
        if state == "inactive" && !judging.ignores(name) && idle >= worst.0 {
            worst = (idle, name);
        }
    }
    judging.past.keep(&names);
    judging.level(worst.0, worst.1);
    Some(())
}
