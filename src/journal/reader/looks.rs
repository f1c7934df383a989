//! Outcomes of one check, from where they arrive and from where they are packed.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use crate::core::check::CheckId;
use crate::core::outcome::Outcome;
use crate::core::time::Time;
use crate::journal::heads::{bucket, ids};
use crate::journal::pack::{Look, unpack};
use crate::journal::restore::outcome;

/// The newest `limit` within the span, newest first.
pub(super) fn outcomes(
    conn: &Connection,
    check: CheckId,
    span: (Time, Time),
    limit: usize,
) -> rusqlite::Result<Vec<(Time, Outcome)>> {
    let span = (span.0.millis(), span.1.millis());
    let mut looks = arrived(conn, check, span, limit)?;
    if looks.len() < limit {
        looks.extend(packed(conn, check, span, limit - looks.len())?);
    }
    looks.sort_by_key(|look| std::cmp::Reverse(look.at));
    looks.truncate(limit);
    let mut texts = HashMap::new();
    let mut statement = conn.prepare("SELECT text FROM text WHERE id = ?1")?;
    looks
        .into_iter()
        .map(|look| {
            let id = look.text / 4;
            let text: Arc<str> = if let Some(text) = texts.get(&id) {
                Arc::clone(text)
            } else {
                let found: Option<Arc<str>> = statement
                    .query_row([id.cast_signed()], |row| row.get(0))
                    .optional()?;
                let text = found.unwrap_or_default();
                texts.insert(id, Arc::clone(&text));
                text
            };
            let latency = look.latency_us.map(u64::cast_signed);
            let outcome = outcome(look.text.cast_signed(), latency, Some(text));
            Ok((Time::from_millis(look.at), outcome))
        })
        .collect()
}

fn arrived(
    conn: &Connection,
    check: CheckId,
    (from, to): (i64, i64),
    limit: usize,
) -> rusqlite::Result<Vec<Look>> {
    let (first, end) = ids(bucket(check));
    conn.prepare(
        "SELECT at, text, latency_us FROM recent WHERE id >= ?1 AND id < ?2 AND check_id = ?3 \
         AND at >= ?4 AND at <= ?5 ORDER BY id DESC LIMIT ?6",
    )?
    .query_map(
        params![first, end, check.0, from, to, super::most(limit)],
        |row| {
            let (text, latency): (i64, Option<i64>) = (row.get(1)?, row.get(2)?);
            Ok(Look {
                at: row.get(0)?,
                text: text.cast_unsigned(),
                latency_us: latency.map(i64::cast_unsigned),
            })
        },
    )?
    .collect()
}

/// From the newest block on until there are enough, or a block begins before the span.
fn packed(
    conn: &Connection,
    check: CheckId,
    (from, to): (i64, i64),
    limit: usize,
) -> rusqlite::Result<Vec<Look>> {
    let mut statement = conn.prepare(
        "SELECT at, until, body FROM outcome WHERE check_id = ?1 AND at <= ?2 ORDER BY at DESC",
    )?;
    let mut rows = statement.query(params![check.0, to])?;
    let mut looks = Vec::new();
    while let Some(row) = rows.next()? {
        let (at, until): (i64, i64) = (row.get(0)?, row.get(1)?);
        if until >= from {
            // A block that is damaged is left out; the backup's check tells of it.
            let block = unpack(row.get_ref(2)?.as_blob()?).unwrap_or_default();
            looks.extend(
                block
                    .into_iter()
                    .filter(|look| (from..=to).contains(&look.at)),
            );
        }
        if at < from || looks.len() >= limit {
            break;
        }
    }
    Ok(looks)
}
