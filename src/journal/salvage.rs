//! What can still be read of a journal that cannot be used: who was watched, under which address each
//! heartbeat reports in, in which state they were, and what was not told yet.
//!
//! A heartbeat's address is in the crontabs of other people; a daemon that begins anew with other addresses
//! answers their pings with 404 and never misses them. So row after row is read, from both ends of each table
//! up to the damage, and what cannot be read is left out; names and addresses that are missing then are taken
//! from the newest copy in `backup`. Numbers are given anew, because nothing else of the old ones is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rusqlite::{Connection, Row};

use super::quarantine::named;
use super::restore::{definition, readable};
use super::{backup, schema};
use crate::core::check::CheckId;
use crate::core::engine::{Definition, Record, Restored};
use crate::core::incident::{Incident, IncidentId};
use crate::core::outbox::Notification;
use crate::core::state::{Phase, State, Window};
use crate::core::time::Time;

/// What was read of one file.
#[derive(Default)]
struct Found {
    /// By number, which is their order.
    names: BTreeMap<u32, (Arc<str>, Arc<str>, bool)>,
    records: BTreeMap<u32, Record>,
    /// The open ones.
    incidents: BTreeMap<IncidentId, Incident>,
    /// What is not delivered, and what was told of the open ones.
    notifications: Vec<Notification>,
}

/// What the engine can go on with, and how much that is, for people. `damaged`: the file, where there is one.
pub(super) fn salvage(path: &Path, damaged: Option<&Path>, now: Time) -> (Restored, String) {
    let found = damaged.map(read).unwrap_or_default();
    let mut definitions: BTreeMap<Arc<str>, Definition> = BTreeMap::new();
    let mut order: Vec<Arc<str>> = Vec::new();
    let mut add = |found: &Found, heard_until: Option<Time>| {
        for (number, (name, kind, active)) in &found.names {
            let record = found.records.get(number).cloned();
            let record = record.map(|record| aged(record, heard_until, now));
            let known = definitions.entry(Arc::clone(name)).or_insert_with(|| {
                order.push(Arc::clone(name));
                let mut new = definition(0, Arc::clone(name), Arc::clone(kind));
                new.active = *active;
                new
            });
            known.record = known.record.take().or(record);
        }
    };
    add(&found, None);
    if let Some((copy, taken)) = newest_copy(path) {
        add(&read(&copy), Some(taken));
    }
    let mut definitions: Vec<Definition> = order
        .iter()
        .filter_map(|name| definitions.remove(name))
        .collect();
    once(&mut definitions);
    for (number, definition) in (0..).zip(&mut definitions) {
        definition.check = CheckId(number);
    }
    let (incidents, notifications) = open_ones(found, &definitions);
    settle(&mut definitions, &incidents);
    let known = definitions.iter().filter(|d| d.record.is_some()).count();
    let note = format!(
        "{} names, {known} states and {} open incidents could be read back",
        definitions.len(),
        incidents.len()
    );
    let restored = Restored {
        definitions,
        outcomes: Vec::new(),
        incidents,
        notifications,
    };
    (restored, note)
}

/// One that was made while running may be called otherwise in the copy: what was read first is what it is called.
fn once(definitions: &mut [Definition]) {
    let mut addresses = BTreeSet::new();
    for definition in definitions {
        let record = definition.record.as_ref();
        let made = record.filter(|record| record.made.is_some());
        let address = made.and_then(|record| record.beat.as_ref());
        if address.is_some_and(|beat| !addresses.insert(beat.uuid)) {
            (definition.active, definition.record) = (false, None);
        }
    }
}

/// From a copy that is older than the last sign of life: what was heard since is not known, so it is as if
/// nothing could be heard.
fn aged(mut record: Record, heard_until: Option<Time>, now: Time) -> Record {
    if let Some((beat, until)) = record.beat.as_mut().zip(heard_until) {
        beat.deaf += now.since(until);
        beat.deafen_runs(|_| now.since(until));
    }
    record
}

/// The incidents whose check and whose messages are known, and these messages. Of the others nobody could be
/// told; they open again.
fn open_ones(found: Found, definitions: &[Definition]) -> (Vec<Incident>, Vec<Notification>) {
    let numbers: BTreeMap<&str, CheckId> = definitions
        .iter()
        .map(|definition| (definition.name.as_ref(), definition.check))
        .collect();
    let mute = |n: &Notification| n.message.is_empty() && !n.phase.is_final();
    let lost: BTreeSet<IncidentId> = found
        .notifications
        .iter()
        .filter(|n| mute(n))
        .filter_map(|n| n.incident.clone())
        .collect();
    let incidents: Vec<Incident> = found
        .incidents
        .into_values()
        .filter(|incident| !lost.contains(&incident.id))
        .filter_map(|incident| {
            let check = *numbers.get(incident.name.as_ref())?;
            Some(Incident { check, ..incident })
        })
        .collect();
    let notifications = found.notifications.into_iter().filter(|n| !mute(n));
    (incidents, notifications.collect())
}

/// A check that is down without an incident would stay silent for ever: it is judged anew. A heartbeat then
/// counts as up, so that its deadline stands.
fn settle(definitions: &mut [Definition], incidents: &[Incident]) {
    let open: BTreeSet<CheckId> = incidents.iter().map(|incident| incident.check).collect();
    for definition in definitions {
        let Some(record) = &mut definition.record else {
            continue;
        };
        let bad = matches!(record.state.phase(), Phase::Down | Phase::Degraded);
        if bad && !open.contains(&definition.check) {
            let recent = Window::default();
            record.state = match record.beat {
                Some(_) => State::Up { recent },
                None => State::New { recent },
            };
        }
    }
}

/// The newest copy that a backup has left, and when it was taken.
fn newest_copy(path: &Path) -> Option<(PathBuf, Time)> {
    let copies = named(&path.with_file_name("backup"), backup::PREFIX);
    copies.into_iter().rev().find_map(|copy| {
        let stem = copy.file_stem()?.to_str()?.strip_prefix(backup::PREFIX)?;
        let taken = DateTime::strptime("%Y%m%dT%H%M%SZ", stem).ok()?;
        let taken = TimeZone::UTC.to_timestamp(taken).ok()?;
        Some((copy, taken.into()))
    })
}

/// Everything that can be read of the file.
fn read(path: &Path) -> Found {
    let mut found = Found::default();
    let conn = match schema::look_at(path) {
        Ok(conn) => conn,
        Err(error) => {
            tracing::warn!("nothing can be read of {}: {error}", path.display());
            return found;
        }
    };
    each(
        &conn,
        "SELECT id, name, kind, removed IS NULL FROM check_def",
        |row| {
            let named = (row.get(1)?, row.get(2)?, row.get(3)?);
            found.names.insert(row.get(0)?, named);
            Ok(())
        },
    );
    each(&conn, "SELECT check_id, json FROM state", |row| {
        let (check, json): (u32, String) = (row.get(0)?, row.get(1)?);
        let record = readable(&json, "the record of check", &check.to_string());
        found.records.extend(record.map(|record| (check, record)));
        Ok(())
    });
    each(
        &conn,
        "SELECT id, json FROM incident WHERE closed IS NULL",
        |row| {
            let (id, json): (String, String) = (row.get(0)?, row.get(1)?);
            let incident: Option<Incident> = readable(&json, "incident", &id);
            found.incidents.extend(incident.map(|i| (i.id.clone(), i)));
            Ok(())
        },
    );
    let mut notifications: BTreeMap<String, Notification> = BTreeMap::new();
    each(&conn, "SELECT nid, json FROM outbox", |row| {
        let (nid, json): (String, String) = (row.get(0)?, row.get(1)?);
        let told: Option<Notification> = readable(&json, "notification", &nid);
        let matters = |n: &Notification| {
            let of_open = n
                .incident
                .as_ref()
                .is_some_and(|id| found.incidents.contains_key(id));
            of_open || !n.phase.is_final()
        };
        notifications.extend(told.filter(matters).map(|told| (nid, told)));
        Ok(())
    });
    for (nid, told) in &mut notifications {
        let body = "SELECT body FROM message WHERE nid = ?1";
        let body: rusqlite::Result<Vec<u8>> = conn.query_row(body, [nid], |row| row.get(0));
        told.message = body.unwrap_or_default().into();
    }
    found.notifications = notifications.into_values().collect();
    found
}

/// Hands each row to `take`: from the first on up to the damage, and where there is one, from the last on as
/// well.
fn each(conn: &Connection, query: &str, mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>) {
    for order in ["ASC", "DESC"] {
        let mut walk = || {
            let mut statement = conn.prepare(&format!("{query} ORDER BY rowid {order}"))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                // A row of something else is left out; those after it may be good.
                take(row).ok();
            }
            Ok::<_, rusqlite::Error>(())
        };
        if walk().is_ok() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::core::heartbeat::{Beat, Made};

    fn known(name: &str, uuid: u128, made: bool) -> Definition {
        let record = Record {
            beat: Some(Beat::new(Uuid::from_u128(uuid))),
            made: made.then(Arc::<Made>::default),
            ..Record::new(Time::default())
        };
        Definition {
            active: true,
            record: Some(record),
            ..definition(0, name.into(), "heartbeat".into())
        }
    }

    #[test]
    fn one_that_was_made_and_called_anew_since_the_copy_comes_back_once() {
        let mut definitions = [
            known("second", 42, true),
            known("other", 43, true),
            known("first", 42, true),
            known("planned", 44, false),
        ];
        once(&mut definitions);
        let active = definitions.iter().filter(|definition| definition.active);
        let names: Vec<&str> = active.map(|definition| &*definition.name).collect();
        assert_eq!(names, ["second", "other", "planned"]);
    }
}
