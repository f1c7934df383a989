//! Reading back what the engine needs to go on where it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, params};
use serde::de::DeserializeOwned;

use super::heads::{buckets, ids, seq};
use super::rollup::{COLUMNS, from_row, length, seconds};
use crate::core::check::CheckId;
use crate::core::engine::{Definition, RECENT, Record, Restored};
use crate::core::incident::Incident;
use crate::core::outbox::Notification;
use crate::core::outcome::{Outcome, Verdict};
use crate::core::rollup::Resolution;
use crate::core::sketch::Sketch;
use crate::core::time::Time;
use crate::core::uptime::{DAYS, HOURS, History, Slot, Tally};

/// Everything that [`crate::core::engine::Engine::restore`] takes.
pub(super) fn restore(conn: &Connection, now: Time) -> rusqlite::Result<Restored> {
    let (mut definitions, seqs) = definitions(conn)?;
    histories(conn, now, &mut definitions)?;
    Ok(Restored {
        outcomes: outcomes(conn, &seqs)?,
        incidents: incidents(conn)?,
        notifications: notifications(conn)?,
        definitions,
    })
}

/// The checks, and for each the newest outcome that is in its record.
fn definitions(conn: &Connection) -> rusqlite::Result<(Vec<Definition>, Vec<i64>)> {
    let mut statement = conn.prepare(
        "SELECT id, name, kind, seq, json, removed FROM check_def LEFT JOIN state ON check_id = id ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    let (mut definitions, mut seqs) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let id: u32 = row.get(0)?;
        // Numbers are places in the engine: one that is missing is held by a name that no plan has.
        for missing in u32::try_from(definitions.len()).unwrap_or(u32::MAX)..id {
            definitions.push(definition(
                missing,
                format!("lost-{missing}").into(),
                "".into(),
            ));
            seqs.push(0);
        }
        let mut found = definition(id, row.get(1)?, row.get(2)?);
        found.active = row.get::<_, Option<i64>>(5)?.is_none();
        let json: Option<String> = row.get(4)?;
        found.record = json.and_then(|json| readable(&json, "the record of", &found.name));
        // Without a record the outcomes in it are gone, too; the old ones are no news.
        seqs.push(row.get::<_, Option<i64>>(3)?.unwrap_or(0));
        definitions.push(found);
    }
    Ok((definitions, seqs))
}

/// One of which only the name is known.
pub(super) fn definition(id: u32, name: Arc<str>, kind: Arc<str>) -> Definition {
    Definition {
        check: CheckId(id),
        name,
        kind,
        active: false,
        record: None::<Record>,
        history: History::default(),
    }
}

/// Days, then hours, from their sums; and the windows that are in neither yet.
fn histories(conn: &Connection, now: Time, definitions: &mut [Definition]) -> rusqlite::Result<()> {
    let query = format!(
        "SELECT {COLUMNS} FROM rollup WHERE res = ?1 AND (at, check_id) > (?2, ?3) ORDER BY at, check_id"
    );
    let mut statement = conn.prepare(&query)?;
    let mut each =
        |res: Resolution, after: (i64, i64), take: &mut dyn FnMut(&mut History, Tally)| {
            let mut rows = statement.query(params![length(res), after.0, after.1])?;
            while let Some(row) = rows.next()? {
                let (check, sum) = from_row(row)?;
                let slot = usize::try_from(check.0).unwrap_or(usize::MAX);
                if let Some(definition) = definitions.get_mut(slot) {
                    let tally = Tally {
                        from: sum.from,
                        until: sum.from + res.span(),
                        spans: sum.spans,
                        looks: sum.looks,
                        sketch: sum.sketch,
                        metrics: sum.metrics,
                    };
                    take(&mut definition.history, tally);
                }
            }
            Ok::<_, rusqlite::Error>(())
        };
    let back = |res: Resolution, slots: usize| {
        let slots = u32::try_from(slots + 1).unwrap_or(u32::MAX);
        (seconds((now - res.span() * slots).floor(res.span())), -1)
    };
    each(
        Resolution::Day,
        back(Resolution::Day, DAYS),
        &mut |history, day| {
            history.days.push_back(slot(&day));
            let excess = history.days.len().saturating_sub(DAYS);
            history.days.drain(..excess);
        },
    )?;
    each(
        Resolution::Hour,
        back(Resolution::Hour, HOURS),
        &mut |history, hour| {
            history.hours.push_back(slot(&hour));
            let excess = history.hours.len().saturating_sub(HOURS);
            history.hours.drain(..excess);
            let last: Sketch = std::mem::take(&mut history.sketches[0]);
            history.sketches = [hour.sketch, last];
        },
    )?;
    let rolled = super::heads::rolled(conn)?;
    each(Resolution::Window, rolled, &mut |history, window| {
        history.push(&window);
    })?;
    for definition in definitions {
        definition.history.shrink();
    }
    Ok(())
}

fn slot(sum: &Tally) -> Slot {
    Slot {
        from: sum.from,
        spans: sum.spans,
    }
}

/// Outcomes that are newer than the record of their check, in the order in which they came.
fn outcomes(conn: &Connection, seqs: &[i64]) -> rusqlite::Result<Vec<(CheckId, Time, Outcome)>> {
    let mut statement = conn.prepare(
        "SELECT recent.id, check_id, at, recent.text, latency_us, text.text FROM recent \
         LEFT JOIN text ON text.id = recent.text / 4 WHERE recent.id >= ?1 AND recent.id < ?2",
    )?;
    let mut newer = BTreeMap::new();
    for bucket in 0..buckets(conn)? {
        let (first, end) = ids(bucket);
        let mut rows = statement.query([first, end])?;
        while let Some(row) = rows.next()? {
            let (seq, check): (i64, u32) = (seq(row.get(0)?), row.get(1)?);
            let place = usize::try_from(check).unwrap_or(usize::MAX);
            if seqs.get(place).is_some_and(|&upto| seq > upto) {
                let at = Time::from_millis(row.get(2)?);
                let text: Option<Arc<str>> = row.get(5)?;
                let outcome = outcome(row.get(3)?, row.get(4)?, text);
                newer.insert(seq, (CheckId(check), at, outcome));
            }
        }
    }
    Ok(newer.into_values().collect())
}

/// The outcome that a row of `recent` or a packed look is.
pub(super) fn outcome(code: i64, latency_us: Option<i64>, text: Option<Arc<str>>) -> Outcome {
    let verdict = usize::try_from(code & 3).unwrap_or(0);
    Outcome {
        verdict: Verdict::ALL[verdict],
        latency_us: latency_us.map(i64::cast_unsigned),
        text: text.unwrap_or_default(),
        phases: None,
        metrics: None,
        left_out: None,
    }
}

/// The open ones and the last closed ones, oldest first.
fn incidents(conn: &Connection) -> rusqlite::Result<Vec<Incident>> {
    let mut statement = conn.prepare(
        "SELECT id, json FROM (SELECT id, json, closed, opened FROM incident WHERE closed IS NOT NULL \
         ORDER BY closed DESC, opened DESC, id DESC LIMIT ?1) \
         UNION ALL SELECT id, json FROM incident WHERE closed IS NULL",
    )?;
    let recent = i64::try_from(RECENT).unwrap_or(i64::MAX);
    let rows = statement.query_map([recent], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut incidents = Vec::new();
    for row in rows {
        let (id, json): (String, String) = row?;
        incidents.extend(readable::<Incident>(&json, "incident", &id));
    }
    incidents.sort_by_key(|i| (i.closed.is_none(), i.closed, i.opened));
    Ok(incidents)
}

/// What is not final, and all of open incidents; with the messages.
fn notifications(conn: &Connection) -> rusqlite::Result<Vec<Notification>> {
    let mut statement = conn.prepare(
        "SELECT nid, json, body FROM outbox LEFT JOIN message USING (nid) WHERE final = 0 \
         UNION ALL SELECT nid, outbox.json, body FROM incident JOIN outbox ON outbox.incident = incident.id \
         LEFT JOIN message USING (nid) WHERE closed IS NULL AND final = 1",
    )?;
    let mut rows = statement.query([])?;
    let mut notifications = Vec::new();
    while let Some(row) = rows.next()? {
        let (nid, json): (String, String) = (row.get(0)?, row.get(1)?);
        let body: Option<Vec<u8>> = row.get(2)?;
        if let Some(mut found) = readable::<Notification>(&json, "notification", &nid) {
            found.message = body.unwrap_or_default().into();
            notifications.push(found);
        }
    }
    Ok(notifications)
}

/// JSON that may be of another version. One row that cannot be read is told and left out; that is better
/// than to begin without all the others.
pub(super) fn readable<T: DeserializeOwned>(json: &str, what: &str, which: &str) -> Option<T> {
    match serde_json::from_str(json) {
        Ok(read) => Some(read),
        Err(error) => {
            tracing::warn!("{what} {which} in the journal cannot be read and is left out: {error}");
            None
        }
    }
}
