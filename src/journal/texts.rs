//! The dictionary of messages: each text once, its number at hand for those in use.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

/// Texts per generation. A daemon of a thousand checks says some thousand different things; two
/// generations of long texts are a few megabytes at the very most.
const GENERATION: usize = 4_096;

/// Numbers of texts in two generations: what is used moves to the young one, and when that is full the
/// old one is forgotten. It forgets what was not used for long, without a list to keep in order.
#[derive(Debug, Default)]
pub(super) struct Texts {
    young: HashMap<Arc<str>, Known>,
    old: HashMap<Arc<str>, Known>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    id: u64,
    /// The day that the table has as its last use.
    day: i64,
}

impl Texts {
    /// The number of `text`, which is stored if it is new and marked as used on `day`.
    pub(super) fn number(
        &mut self,
        conn: &Connection,
        text: &Arc<str>,
        day: i64,
    ) -> rusqlite::Result<u64> {
        if let Some(known) = self.young.get(text)
            && known.day == day
        {
            return Ok(known.id);
        }
        let known = self.young.get(text).or_else(|| self.old.get(text)).copied();
        let id = match known {
            Some(known) if known.day == day => known.id,
            _ => stored(conn, text, day)?,
        };
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(Arc::clone(text), Known { id, day });
        Ok(id)
    }

    /// Forgets everything: after a rollback numbers may be of texts that are not there.
    pub(super) fn forget(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

fn stored(conn: &Connection, text: &str, day: i64) -> rusqlite::Result<u64> {
    let known: Option<(i64, i64)> = conn
        .prepare_cached("SELECT id, day FROM text WHERE text = ?1")?
        .query_row([text], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((id, used)) = known else {
        conn.prepare_cached("INSERT INTO text (day, text) VALUES (?1, ?2)")?
            .execute(params![day, text])?;
        return Ok(conn.last_insert_rowid().cast_unsigned());
    };
    if used < day {
        conn.prepare_cached("UPDATE text SET day = ?2 WHERE id = ?1")?
            .execute([id, day])?;
    }
    Ok(id.cast_unsigned())
}
