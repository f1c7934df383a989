//! One batch, one transaction.

use std::sync::Arc;

use rusqlite::params;
use serde::Serialize;

use super::Batch;
use super::heads::{bucket, id};
use super::shipment::{
    Cargo, SHIPPED_BODY, ShippedCheck, ShippedEvent, ShippedOutcome, ShippedPing,
};
use super::store::Desk;
use super::{ledger, rollup, ship, straggler};
use crate::core::check::CheckId;
use crate::core::engine::Watched;
use crate::core::event::Event;
use crate::core::heartbeat::{KIND, Ping, Signal};
use crate::core::incident::Incident;
use crate::core::outbox::Notification;
use crate::core::outcome::{Outcome, micros};
use crate::core::time::Time;

const DAY_MS: i64 = 86_400_000;

/// Writes everything of a batch; how many bytes of text and blobs that were.
pub(super) fn write(desk: &mut Desk<'_>, batch: &Batch) -> rusqlite::Result<u64> {
    let cargo = batch.archived.then(|| Cargo {
        journal: desk.identity,
        at: batch.at,
        checks: Vec::new(),
        outcomes: Vec::new(),
        events: Vec::new(),
        incidents: Vec::new(),
        notifications: Vec::new(),
        pings: Vec::new(),
    });
    let mut entry = Entry {
        desk,
        at: batch.at,
        bytes: 0,
        cargo,
    };
    batch.events.iter().try_for_each(|e| entry.event(e))?;
    for watched in &batch.records {
        if batch.whole {
            let check = &watched.check;
            entry.define(watched.id, &check.name, &check.kind, batch.at)?;
            entry.removed(watched.id, (!watched.active).then_some(batch.at))?;
        }
        entry.record(watched)?;
    }
    batch.incidents.iter().try_for_each(|i| entry.incident(i))?;
    batch
        .notifications
        .iter()
        .try_for_each(|n| entry.notification(n))?;
    for left in straggler::incidents(entry.desk.conn, batch)? {
        entry.incident(&left)?;
    }
    for left in straggler::notifications(entry.desk.conn, batch)? {
        entry.notification(&left)?;
    }
    if let Some(mut cargo) = entry.cargo.take() {
        cargo.incidents.extend(batch.incidents.iter().cloned());
        cargo
            .notifications
            .extend(batch.notifications.iter().cloned());
        entry.load(cargo)?;
    } else {
        entry.desk.heads.introduced = false;
    }
    Ok(entry.bytes)
}

struct Entry<'a, 'd> {
    desk: &'a mut Desk<'d>,
    at: Time,
    bytes: u64,
    cargo: Option<Cargo>,
}

impl Entry<'_, '_> {
    fn event(&mut self, event: &Event) -> rusqlite::Result<()> {
        match event {
            Event::Observed { check, at, outcome } => return self.outcome(*check, *at, outcome),
            Event::Tallied { check, tally } => {
                return rollup::take_in(self.desk.conn, &self.desk.heads, *check, tally);
            }
            // A ping has a row of its own, and what it meant is in the events that follow from it.
            Event::Pinged { check, n, ping } => return self.ping(*check, *n, ping),
            Event::CheckAdded {
                check,
                name,
                kind,
                at,
                ..
            } => {
                self.define(*check, name, kind, *at)?;
            }
            Event::BeatMade {
                check, at, name, ..
            } => self.define(*check, name, KIND, *at)?,
            Event::BeatChanged { check, name, .. } => self.rename(*check, name)?,
            Event::CheckReturned { check, .. } => self.removed(*check, None)?,
            Event::CheckRemoved { check, at } => self.removed(*check, Some(*at))?,
            Event::PlanAdopted { .. }
            | Event::BeatKeyed { .. }
            | Event::BeatRotated { .. }
            | Event::BeatUnheard { .. }
            | Event::BeatTakenOver { .. }
            | Event::Lapsed { .. }
            | Event::Turned { .. }
            | Event::FlappingBegan { .. }
            | Event::FlappingEnded { .. }
            | Event::Remedy { .. }
            | Event::IncidentOpened { .. }
            | Event::IncidentWorsened { .. }
            | Event::IncidentAcknowledged { .. }
            | Event::IncidentClosed { .. }
            | Event::IncidentNoted { .. }
            | Event::NotificationQueued { .. }
            | Event::NotificationMoved { .. }
            | Event::NotificationSuperseded { .. }
            | Event::Deafened { .. }
            | Event::ClockSet { .. } => {}
        }
        self.ledger(event)
    }

    fn outcome(&mut self, check: CheckId, at: Time, outcome: &Outcome) -> rusqlite::Result<()> {
        let conn = self.desk.conn;
        let at = self.desk.latest.place(check, at.millis());
        let day = self.at.millis().div_euclid(DAY_MS);
        let text = self.desk.texts.number(conn, &outcome.text, day)?;
        let text = text.cast_signed() * 4 + i64::from(outcome.verdict.code());
        self.desk.heads.look += 1;
        let latency = outcome
            .latency_us
            .map(|us| i64::try_from(us).unwrap_or(i64::MAX));
        conn.prepare_cached(
            "INSERT INTO recent (id, check_id, at, text, latency_us) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            id(bucket(check), self.desk.heads.look),
            check.0,
            at,
            text,
            latency
        ])?;
        if let Some(cargo) = &mut self.cargo {
            cargo.outcomes.push(ShippedOutcome {
                check,
                at: Time::from_millis(at),
                verdict: outcome.verdict,
                latency_us: outcome.latency_us,
                text: outcome.text.clone(),
            });
        }
        Ok(())
    }

    fn ping(&mut self, check: CheckId, n: u64, ping: &Ping) -> rusqlite::Result<()> {
        let conn = self.desk.conn;
        conn.prepare_cached(
            "INSERT INTO ping (check_id, at, signal, rid, method, remote, agent, body, n, took_us) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            check.0,
            ping.at.millis(),
            signal_code(ping.signal),
            ping.rid.map(|rid| rid.to_string()),
            ping.method,
            ping.remote,
            ping.agent,
            ping.body.as_ref(),
            n.cast_signed(),
            ping.took.map(|took| micros(took).cast_signed()),
        ])?;
        self.bytes += ping.body.len() as u64;
        if let Some(cargo) = &mut self.cargo {
            let body = ping.body.get(..SHIPPED_BODY).unwrap_or(&ping.body);
            cargo.pings.push(ShippedPing {
                id: conn.last_insert_rowid().cast_unsigned(),
                check,
                at: ping.at,
                signal: ping.signal,
                rid: ping.rid,
                method: ping.method.clone(),
                remote: ping.remote.clone(),
                agent: ping.agent.clone(),
                body: String::from_utf8_lossy(body).into_owned(),
                took_us: ping.took.map(micros),
            });
        }
        Ok(())
    }

    fn define(&mut self, id: CheckId, name: &str, kind: &str, at: Time) -> rusqlite::Result<()> {
        self.desk
            .conn
            .prepare_cached(
                "INSERT OR REPLACE INTO check_def (id, name, kind, added) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![id.0, name, kind, at.millis()])?;
        if let Some(cargo) = self.cargo.as_mut().filter(|_| self.desk.heads.introduced) {
            let (name, kind) = (name.into(), kind.into());
            cargo.checks.push(ShippedCheck { id, name, kind });
        }
        Ok(())
    }

    fn rename(&mut self, id: CheckId, name: &Arc<str>) -> rusqlite::Result<()> {
        self.desk
            .conn
            .prepare_cached("UPDATE check_def SET name = ?2 WHERE id = ?1")?
            .execute(params![id.0, name])?;
        if let Some(cargo) = self.cargo.as_mut().filter(|_| self.desk.heads.introduced) {
            let (name, kind) = (Arc::clone(name), KIND.into());
            cargo.checks.push(ShippedCheck { id, name, kind });
        }
        Ok(())
    }

    fn removed(&mut self, check: CheckId, at: Option<Time>) -> rusqlite::Result<()> {
        self.desk
            .conn
            .prepare_cached("UPDATE check_def SET removed = ?2 WHERE id = ?1")?
            .execute(params![check.0, at.map(Time::millis)])
            .map(drop)
    }

    fn ledger(&mut self, event: &Event) -> rusqlite::Result<()> {
        let json = self.json(event)?;
        let line = ledger::Line {
            at: self.at,
            check: event.check(),
            incident: event.incident(),
            json: &json,
        };
        let seq = ledger::append(self.desk.conn, &mut self.desk.heads, &line)?;
        if let Some(cargo) = &mut self.cargo {
            cargo.events.push(ShippedEvent {
                seq: seq.cast_unsigned(),
                at: self.at,
                check: event.check(),
                json,
            });
        }
        Ok(())
    }

    fn record(&mut self, watched: &Watched) -> rusqlite::Result<()> {
        let json = self.json(&watched.record)?;
        self.desk
            .conn
            .prepare_cached(
                "INSERT OR REPLACE INTO state (check_id, seq, json) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![watched.id.0, self.desk.heads.look, json])
            .map(drop)
    }

    fn incident(&mut self, incident: &Incident) -> rusqlite::Result<()> {
        let json = self.json(incident)?;
        self.desk
            .conn
            .prepare_cached(
                "INSERT OR REPLACE INTO incident (id, check_id, opened, closed, json) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                incident.id.0,
                incident.check.0,
                incident.opened.millis(),
                incident.closed.map(Time::millis),
                json
            ])
            .map(drop)
    }

    fn notification(&mut self, notification: &Notification) -> rusqlite::Result<()> {
        let json = self.json(notification)?;
        let nid = &notification.nid.0;
        let conn = self.desk.conn;
        conn.prepare_cached(
            "INSERT OR REPLACE INTO outbox (nid, incident, created, final, json) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            nid,
            notification.incident.as_ref().map(|id| id.0.as_ref()),
            notification.created.millis(),
            notification.phase.is_final(),
            json
        ])?;
        if notification.message.is_empty() {
            return Ok(());
        }
        let stored = conn
            .prepare_cached("INSERT OR IGNORE INTO message (nid, body) VALUES (?1, ?2)")?
            .execute(params![nid, notification.message.as_ref()])?;
        if stored > 0 {
            self.bytes += notification.message.len() as u64;
        }
        Ok(())
    }

    /// Puts the cargo into the queue for the archive.
    fn load(&mut self, mut cargo: Cargo) -> rusqlite::Result<()> {
        if !self.desk.heads.introduced {
            cargo.checks = ship::names(self.desk.conn)?;
            self.desk.heads.introduced = true;
        }
        let json = self.json(&cargo)?;
        ship::add(self.desk.conn, &mut self.desk.heads, cargo.at, &json)
    }

    fn json(&mut self, value: &impl Serialize) -> rusqlite::Result<String> {
        let json = serde_json::to_string(value)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        self.bytes += json.len() as u64;
        Ok(json)
    }
}

/// A signal in the column `ping.signal`.
fn signal_code(signal: Signal) -> u16 {
    match signal {
        Signal::Exit(code) => code.into(),
        Signal::Success => 256,
        Signal::Start => 257,
        Signal::Fail => 258,
        Signal::Log => 259,
        Signal::Ignored => 260,
    }
}

/// The signal that [`signal_code`] wrote.
pub(super) fn signal(code: u16) -> Signal {
    match code {
        257 => Signal::Start,
        258 => Signal::Fail,
        259 => Signal::Log,
        260 => Signal::Ignored,
        code => u8::try_from(code).map_or(Signal::Success, Signal::Exit),
    }
}
