//! Forgetting, some hundred rows at a time.
//!
//! What is forgotten is gone for good, and how old a row is depends on a clock that may be wrong. So a run
//! forgets only when the run before it was about a day ago by the same clock; else it notes the time and
//! leaves the forgetting to the run of the next day. A clock that shows 2030 for an hour thus costs nothing.

use std::ops::RangeInclusive;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::chore::Retention;
use super::meta;
use super::rollup::{length, seconds};
use super::store::Store;
use crate::core::rollup::Resolution;
use crate::core::time::{Time, human};
use crate::core::uptime::{DAYS, HOURS};

/// Rows per step.
const STEP: i64 = 300;
/// Checks per step where a step goes over all checks.
const CHECKS: i64 = 64;
/// Pages that are given back to the file system per step.
const PAGES: i64 = 64;
/// Below so many free pages nothing is given back: they are wanted again soon.
const SPARE_PAGES: i64 = 256;
/// How long ago the run before may be. One is due each night; it may have been missed once.
const DAILY: RangeInclusive<Duration> = Duration::from_hours(12)..=Duration::from_hours(50);
/// Outcomes of the last day stay, whatever the size.
const LAST_DAY: Duration = Duration::from_hours(24);
/// In how many parts outcomes are shortened until the size is right.
const PARTS: u32 = 16;

/// What is being forgotten.
#[derive(Debug)]
pub(super) struct Retain {
    rules: Retention,
    /// How long outcomes and pings are kept: the rules, or less where the journal is too large.
    outcomes: Duration,
    pings: Duration,
    /// Whether the clock was found to be plausible.
    begun: bool,
    stage: usize,
    /// The next check, where a stage goes check by check.
    check: i64,
    gone: usize,
}

/// What a step of a stage did.
enum Step {
    Gone(usize),
    /// The stage is at its end.
    Done(usize),
}

/// One kind of row.
type Stage = fn(&mut Retain, &mut Store, Time) -> rusqlite::Result<Step>;

/// The stages in their order; texts go when nothing refers to them any more.
const STAGES: [Stage; 7] = [
    Retain::looks,
    Retain::pings,
    Retain::rollups,
    Retain::outbox,
    Retain::incidents,
    Retain::events,
    Retain::texts,
];

impl Retain {
    pub(super) fn new(rules: Retention) -> Self {
        Self {
            rules,
            outcomes: rules.outcomes,
            pings: rules.pings,
            begun: false,
            stage: 0,
            check: 0,
            gone: 0,
        }
    }

    pub(super) fn step(
        &mut self,
        store: &mut Store,
        now: Time,
    ) -> rusqlite::Result<Option<String>> {
        if !self.begun {
            if let Some(doubt) = doubt(store, now)? {
                return Ok(Some(doubt));
            }
            self.begun = true;
        }
        if let Some(stage) = STAGES.get(self.stage) {
            match stage(self, store, now)? {
                Step::Gone(rows) => self.gone += rows,
                Step::Done(rows) => {
                    self.gone += rows;
                    self.stage += 1;
                    self.check = 0;
                }
            }
            return Ok(None);
        }
        if self.shorten(&store.conn)? {
            return Ok(None);
        }
        if give_back(&store.conn)? {
            return Ok(None);
        }
        let cut = if self.outcomes < self.rules.outcomes {
            ", of them some earlier than wanted because the journal is too large"
        } else {
            ""
        };
        Ok(Some(format!("{} rows forgotten{cut}", self.gone)))
    }

    fn looks(&mut self, store: &mut Store, now: Time) -> rusqlite::Result<Step> {
        let (from, limit) = (self.check, (now - self.outcomes).millis());
        self.check += CHECKS;
        let last: Option<i64> =
            store
                .conn
                .query_row("SELECT max(check_id) FROM outcome", [], |row| row.get(0))?;
        let gone = store.transact(|desk| {
            let mut delete = desk.conn.prepare_cached(
                "DELETE FROM outcome WHERE check_id = ?1 AND at < ?2 AND until < ?2",
            )?;
            (from..from + CHECKS)
                .try_fold(0, |gone, check| Ok(gone + delete.execute([check, limit])?))
        })?;
        Ok(if last.is_some_and(|last| self.check <= last) {
            Step::Gone(gone)
        } else {
            Step::Done(gone)
        })
    }

    fn pings(&mut self, store: &mut Store, now: Time) -> rusqlite::Result<Step> {
        let limit = (now - self.pings).millis();
        let query =
            "DELETE FROM ping WHERE id IN (SELECT id FROM ping ORDER BY id LIMIT ?2) AND at < ?1";
        delete(store, query, limit)
    }

    fn rollups(&mut self, store: &mut Store, now: Time) -> rusqlite::Result<Step> {
        let at_least = |res: Resolution, slots: usize| {
            let slots = u32::try_from(slots + 1).unwrap_or(u32::MAX);
            self.rules.events.max(res.span() * slots)
        };
        // A window that is not in the sums yet must not go.
        let summed = store.heads.rolled.0;
        let limits = [
            (
                Resolution::Window,
                seconds(now - self.rules.windows).min(summed),
            ),
            (
                Resolution::Hour,
                seconds(now - at_least(Resolution::Hour, HOURS)),
            ),
            (
                Resolution::Day,
                seconds(now - at_least(Resolution::Day, DAYS)),
            ),
        ];
        let mut gone = 0;
        for (res, limit) in limits {
            gone += store.transact(|desk| {
                desk.conn
                    .prepare_cached(
                        "DELETE FROM rollup WHERE (res, at, check_id) IN (SELECT res, at, check_id \
                         FROM rollup WHERE res = ?1 AND at < ?2 ORDER BY at, check_id LIMIT ?3)",
                    )?
                    .execute([length(res), limit, STEP])
            })?;
        }
        Ok(if gone > 0 {
            Step::Gone(gone)
        } else {
            Step::Done(0)
        })
    }

    fn outbox(&mut self, store: &mut Store, now: Time) -> rusqlite::Result<Step> {
        let limit = (now - self.rules.events).millis();
        let gone = store.transact(|desk| {
            let old: Vec<String> = desk
                .conn
                .prepare_cached(
                    "SELECT nid FROM outbox WHERE created < ?1 AND final = 1 AND NOT EXISTS \
                     (SELECT 1 FROM incident WHERE id = outbox.incident AND closed IS NULL) \
                     ORDER BY created LIMIT ?2",
                )?
                .query_map([limit, STEP], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for nid in &old {
                for query in [
                    "DELETE FROM message WHERE nid = ?1",
                    "DELETE FROM outbox WHERE nid = ?1",
                ] {
                    desk.conn.prepare_cached(query)?.execute([nid])?;
                }
            }
            Ok(old.len())
        })?;
        Ok(if gone > 0 {
            Step::Gone(gone)
        } else {
            Step::Done(0)
        })
    }

    fn incidents(&mut self, store: &mut Store, now: Time) -> rusqlite::Result<Step> {
        let limit = (now - self.rules.events).millis();
        let query = "DELETE FROM incident WHERE id IN \
                     (SELECT id FROM incident WHERE closed < ?1 ORDER BY closed LIMIT ?2)";
        delete(store, query, limit)
    }

    /// The newest event stays, because the next one is hashed over it.
    fn events(&mut self, store: &mut Store, now: Time) -> rusqlite::Result<Step> {
        let limit = (now - self.rules.events).millis();
        let gone = store.transact(|desk| {
            let last: Option<(i64, Vec<u8>)> = desk
                .conn
                .prepare_cached(
                    "SELECT seq, hash FROM (SELECT seq, at, hash FROM event WHERE seq < ?1 \
                     ORDER BY seq LIMIT ?3) WHERE at < ?2 ORDER BY seq DESC LIMIT 1",
                )?
                .query_row([desk.heads.event, limit, STEP], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            let Some((seq, hash)) = last else {
                return Ok(0);
            };
            meta::write(desk.conn, meta::ANCHOR, &hash)?;
            desk.conn
                .prepare_cached("DELETE FROM event WHERE seq <= ?1")?
                .execute([seq])
        })?;
        Ok(if gone > 0 {
            Step::Gone(gone)
        } else {
            Step::Done(0)
        })
    }

    fn texts(&mut self, store: &mut Store, now: Time) -> rusqlite::Result<Step> {
        // Two days more: an outcome goes with the block it is in, some hours after its time.
        let kept = self.rules.outcomes + 2 * LAST_DAY;
        let day = seconds(now - kept).div_euclid(86_400);
        let query = "DELETE FROM text WHERE id IN (SELECT id FROM text WHERE day < ?1 LIMIT ?2)";
        let step = delete(store, query, day)?;
        store.texts.forget();
        Ok(step)
    }

    /// Whether the journal is too large and outcomes are kept for a shorter time now.
    fn shorten(&mut self, conn: &Connection) -> rusqlite::Result<bool> {
        let used = (pragma(conn, "page_count")? - pragma(conn, "freelist_count")?)
            * pragma(conn, "page_size")?;
        if used.cast_unsigned() <= self.rules.max_bytes || self.outcomes <= LAST_DAY {
            return Ok(false);
        }
        let part = (self.rules.outcomes / PARTS).max(Duration::from_hours(1));
        self.outcomes = self.outcomes.saturating_sub(part).max(LAST_DAY);
        self.pings = self.pings.min(self.outcomes);
        self.stage = 0;
        Ok(true)
    }
}

/// Why nothing is forgotten this time, if the clock cannot be trusted by the rule at the top.
fn doubt(store: &mut Store, now: Time) -> rusqlite::Result<Option<String>> {
    let before: Option<i64> = meta::read(&store.conn, meta::RETAINED)?;
    let since = before
        .map(Time::from_millis)
        .filter(|before| *before <= now)
        .map(|before| now.since(before));
    let too_soon = since.is_some_and(|since| since < *DAILY.start());
    if !too_soon {
        store.transact(|desk| meta::write(desk.conn, meta::RETAINED, &now.millis()))?;
    }
    if since.is_some_and(|since| DAILY.contains(&since)) {
        return Ok(None);
    }
    let why = match (before, since) {
        (Some(_), None) => "by the clock the run before is still to come".to_owned(),
        (_, Some(since)) => format!("the run before was {} ago", human(since)),
        (None, None) => "this is the first run".to_owned(),
    };
    Ok(Some(format!(
        "nothing forgotten: {why}, and only two runs a day apart show that the clock is right"
    )))
}

fn delete(store: &mut Store, query: &str, limit: i64) -> rusqlite::Result<Step> {
    let gone = store.transact(|desk| {
        desk.conn
            .prepare_cached(query)?
            .execute(params![limit, STEP])
    })?;
    Ok(if gone > 0 {
        Step::Gone(gone)
    } else {
        Step::Done(0)
    })
}

/// Gives some free pages back to the file system; whether there may be more.
fn give_back(conn: &Connection) -> rusqlite::Result<bool> {
    if pragma(conn, "freelist_count")? <= SPARE_PAGES {
        return Ok(false);
    }
    let mut statement = conn.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(true)
}

fn pragma(conn: &Connection, name: &str) -> rusqlite::Result<i64> {
    conn.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}
