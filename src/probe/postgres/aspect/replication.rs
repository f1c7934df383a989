//! How far standbys are behind.

use std::time::Duration;

use super::{Aspect, Usual};
use crate::core::metric::Unit;
use crate::core::outcome::Verdict;
use crate::probe::finding::Finding;
use crate::probe::level::Levels;
use crate::probe::postgres::found::Judging;
use crate::probe::postgres::server::{Needs, Server};

/// On a primary: each standby that takes WAL from it, what it has replayed, and what that is behind.
const SENT: &str = "\
    SELECT coalesce(nullif(application_name, ''), host(client_addr), 'pid ' || pid) AS name, \
    coalesce(extract(epoch FROM replay_lag), 0) AS seconds, replay_lsn AS place, \
    greatest(0, pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() \
    ELSE pg_current_wal_lsn() END, replay_lsn)) AS bytes \
    FROM pg_stat_replication WHERE replay_lsn IS NOT NULL LIMIT 100";

/// On a standby: itself. What it has received and replayed says nothing where nothing comes in; then the time of
/// the last transaction does.
const REPLAYED: &str = "\
    SELECT 'this standby' AS name, pg_last_wal_replay_lsn() AS place, receiving, \
    current_setting('primary_conninfo', true) <> '' AS streams, \
    CASE WHEN receiving AND pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0 \
    ELSE extract(epoch FROM clock_timestamp() - coalesce(pg_last_xact_replay_timestamp(), pg_postmaster_start_time())) \
    END AS seconds, \
    greatest(0, coalesce(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)) AS bytes \
    FROM (SELECT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming') AS receiving) AS receiver";

fn question(server: &Server) -> &'static str {
    if server.is_standby { REPLAYED } else { SENT }
}

/// In seconds.
pub(super) const LAG: Aspect = Aspect {
    key: "replication_lag",
    unit: Unit::Seconds,
    usual: Usual::On(Levels::of(600.0, 3_600.0)),
    needs: Needs::Stats,
    ask: |server| Some(question(server)),
    judge: lag,
    ..Aspect::PLAIN
};

/// In bytes of WAL that are not replayed.
pub(super) const BYTES: Aspect = Aspect {
    key: "replication_bytes",
    unit: Unit::Bytes,
    needs: Needs::Stats,
    ask: |server| Some(question(server)),
    judge: |judging| most(judging, |_, row| row.bytes),
    ..Aspect::PLAIN
};

/// A standby.
struct Standby<'a> {
    name: &'a str,
    place: &'a str,
    seconds: f64,
    bytes: f64,
}

/// The primary measures the lag of what it is told of only, so that a standby that has stopped is never late for it.
/// What stays where it is while there is more is late by as long as we have seen it there.
fn lag(judging: &mut Judging<'_>) -> Option<()> {
    let first = judging.rows.first();
    if let Some(row) = first.filter(|row| row.text("receiving") == Some("f")) {
        let streams = row.is("streams");
        // One that lives from an archive hears nothing while the primary is idle.
        if !streams && !judging.is_written {
            judging.levels = Levels::default();
        }
        let verdict = if streams {
            Verdict::Warn
        } else {
            Verdict::Pass
        };
        let finding = Finding::new("streaming", "from the primary", "nothing comes in", true);
        let said = "the standby receives nothing from its primary".to_owned();
        judging.found.holds(finding.worth(verdict), &said);
    }
    most(judging, |judging, row| {
        let stood = judging.past.held(judging.now, row.name, row.place);
        if row.bytes > 0.0 {
            row.seconds.max(Duration::as_secs_f64(&stood))
        } else {
            row.seconds
        }
    })
}

/// The standby of which `value` is highest.
fn most(
    judging: &mut Judging<'_>,
    value: impl Fn(&mut Judging<'_>, &Standby<'_>) -> f64,
) -> Option<()> {
    let (mut names, mut worst) = (Vec::new(), (0.0, String::new()));
    let rows = judging.rows;
    for row in rows.iter() {
        let standby = Standby {
            name: row.text("name")?,
            place: row.text("place").unwrap_or_default(),
            seconds: row.number("seconds")?.max(0.0),
            bytes: row.number("bytes")?,
        };
        if judging.ignores(standby.name) {
            continue;
        }
        names.push(standby.name);
        let value = value(judging, &standby);
        if value >= worst.0 {
            worst = (value, standby.name.to_owned());
        }
    }
    judging.past.keep(&names);
    judging.level(worst.0, &worst.1);
    Some(())
}
