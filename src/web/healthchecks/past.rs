//! What a heartbeat has heard, and how it turned.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use http::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use super::show::{LONGEST_RUN, iso, iso_micros};
use super::{Call, Refusal};
use crate::core::engine::Watched;
use crate::core::event::Event;
use crate::core::heartbeat::{Heard, Signal};
use crate::core::state::Phase;
use crate::core::time::Time;
use crate::web::body::Body;
use crate::web::{query, respond};

/// Most pings that are listed.
const PINGS: usize = 1_000;
/// Most turns that are listed.
const FLIPS: usize = 10_000;
/// Most ends without a start in the list; beyond it no durations are told, since the starts are further back.
const MISSES: usize = 10;
/// Largest Unix time that is taken, in seconds: the year 2286.
const LAST_SECOND: i64 = 10_000_000_000;
/// Longest `seconds`, a year.
const LAST_SECONDS: i64 = 31_536_000;

impl Call {
    /// `checks/UUID/pings/`, the newest first.
    pub(super) async fn pings(&self, uuid: Uuid) -> Result<Value, Refusal> {
        let watched = self.by_uuid(uuid)?;
        let recorded = recorded(&watched);
        // Of one that had this name before and was deleted, there may be more.
        let own = usize::try_from(recorded).unwrap_or(usize::MAX);
        let limit = PINGS.min(own);
        let mut pings = self
            .journal(self.app.reader.heard(watched.id, limit))
            .await?;
        number(&mut pings, recorded);
        let took = durations(&pings);
        let all = pings.iter().zip(took);
        let all: Vec<Value> = all
            .map(|(ping, took)| self.ping(uuid, ping, took))
            .collect();
        Ok(json!({ "pings": all }))
    }

    fn ping(&self, uuid: Uuid, ping: &Heard, took: Option<Duration>) -> Value {
        let body = self.url(&format!("checks/{uuid}/pings/{}/body", ping.n));
        let mut value = json!({
            "type": kind(ping.signal),
            "date": iso_micros(ping.at),
            "n": ping.n,
            "scheme": if ping.method.is_empty() { "email" } else { "http" },
            "remote_addr": ping.remote,
            "method": ping.method,
            "ua": ping.agent,
            "rid": ping.rid,
            "body_url": (ping.body > 0).then_some(body),
        });
        if let Some(took) = took {
            value["duration"] = json!(took.as_secs_f64());
        }
        value
    }

    /// `checks/UUID/pings/N/body`.
    pub(super) async fn ping_body(&self, uuid: Uuid, n: u64) -> Result<Response<Body>, Refusal> {
        let watched = self.by_uuid(uuid)?;
        if n == 0 || n > recorded(&watched) {
            return Err(Refusal::not_found());
        }
        let body = self
            .journal(self.app.reader.ping_body(watched.id, n))
            .await?;
        match body.filter(|body| !body.is_empty()) {
            Some(body) => Ok(respond::bytes(StatusCode::OK, body)),
            None => Err(Refusal::not_found()),
        }
    }

    /// `checks/ID/flips/?seconds=…&start=…&end=…`, the newest first.
    pub(super) async fn flips(&self, watched: &Watched) -> Result<Value, Refusal> {
        let bad = || Refusal::Bare(StatusCode::BAD_REQUEST);
        let (from, to) = span(&self.query, self.app.clock.now()).ok_or_else(bad)?;
        let made = watched.record.made.as_ref();
        let from = made.map_or(from, |made| from.max(made.created));
        let turns = self.app.reader.turns(watched.id, (from, to), FLIPS);
        let turns = self.journal(turns).await?;
        // What is tolerated is up there, so that between it and up nothing flips.
        let is_up = |phase: Phase| u8::from(matches!(phase, Phase::Up | Phase::Degraded));
        let mut flips: Vec<Value> = Vec::with_capacity(turns.len());
        for turn in &turns {
            if let Event::Turned {
                at, from, state, ..
            } = turn
                && !is_same(*from, state.phase())
            {
                flips.push(json!({ "timestamp": iso(*at), "up": is_up(state.phase()) }));
            }
        }
        Ok(json!({ "flips": flips }))
    }

    async fn journal<T>(
        &self,
        query: impl Future<Output = anyhow::Result<T>>,
    ) -> Result<T, Refusal> {
        match timeout(self.app.limits.query, query).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(Refusal::Busy),
        }
    }
}

/// Whether a turn is none there: it knows no state between up and down.
fn is_same(from: Phase, to: Phase) -> bool {
    let is_up = |phase| matches!(phase, Phase::Up | Phase::Degraded);
    is_up(from) && is_up(to)
}

fn recorded(watched: &Watched) -> u64 {
    watched.record.beat.as_ref().map_or(0, |beat| beat.pings)
}

/// Numbers those that were recorded before the journal counted: one less than the next, which has a number.
fn number(pings: &mut [Heard], recorded: u64) {
    let mut next = recorded + 1;
    for ping in pings {
        if ping.n == 0 {
            ping.n = next.saturating_sub(1);
        }
        next = ping.n;
    }
}

/// What healthchecks.io calls it.
fn kind(signal: Signal) -> &'static str {
    match signal {
        Signal::Success | Signal::Exit(0) => "success",
        Signal::Start => "start",
        Signal::Fail | Signal::Exit(_) => "fail",
        Signal::Log => "log",
        Signal::Ignored => "ign",
    }
}

/// How long each run took whose end that ping is: as it says itself, else from the start of the same run in the list.
fn durations(pings: &[Heard]) -> Vec<Option<Duration>> {
    let mut starts: BTreeMap<Option<Uuid>, Option<Time>> = BTreeMap::new();
    let mut misses = 0;
    let mut took: Vec<Option<Duration>> = Vec::with_capacity(pings.len());
    for ping in pings.iter().rev() {
        let mut span = None;
        match ping.signal {
            Signal::Start => drop(starts.insert(ping.rid, Some(ping.at))),
            Signal::Success | Signal::Fail | Signal::Exit(_) => {
                match starts.insert(ping.rid, None) {
                    None => misses += 1,
                    Some(start) => span = start.map(|start| ping.at.since(start)),
                }
            }
            Signal::Log | Signal::Ignored => {}
        }
        took.push(span);
    }
    if misses > MISSES {
        took.fill(None);
    }
    took.reverse();
    for (span, ping) in took.iter_mut().zip(pings) {
        *span = ping.took.or(*span).filter(|span| *span < LONGEST_RUN);
    }
    took
}

/// From when to before when, as a query says; none where it cannot be.
fn span(query: &str, now: Time) -> Option<(Time, Time)> {
    let (mut from, mut to) = (Time::from_millis(i64::MIN), Time::from_millis(i64::MAX));
    for (key, value) in query::pairs(query) {
        let number = |most: i64| {
            let number: i64 = value.trim().parse().ok()?;
            (0..=most).contains(&number).then_some(number)
        };
        match key.as_str() {
            "start" | "end" | "seconds" if value.is_empty() => {}
            "start" => from = from.max(Time::from_millis(number(LAST_SECOND)? * 1_000)),
            "end" => to = Time::from_millis(number(LAST_SECOND)? * 1_000),
            "seconds" => {
                let seconds = u64::try_from(number(LAST_SECONDS)?).ok()?;
                from = from.max(now - Duration::from_secs(seconds));
            }
            _ => {}
        }
    }
    Some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(seconds: i64, signal: Signal, rid: u128) -> Heard {
        Heard {
            n: 0,
            at: Time::from_millis(seconds * 1_000),
            signal,
            rid: (rid > 0).then(|| Uuid::from_u128(rid)),
            method: "GET".into(),
            remote: "127.0.0.1".into(),
            agent: "".into(),
            body: 0,
            took: None,
        }
    }

    #[test]
    fn an_end_took_as_long_as_since_the_start_of_its_own_run() {
        let newest_first = [
            heard(400_000, Signal::Success, 3),
            heard(70, Signal::Success, 0),
            heard(60, Signal::Exit(1), 2),
            heard(50, Signal::Success, 1),
            heard(40, Signal::Log, 1),
            heard(30, Signal::Start, 3),
            heard(20, Signal::Start, 2),
            heard(10, Signal::Start, 1),
        ];
        let seconds = |span: Option<Duration>| span.map(|span| span.as_secs());
        let took: Vec<_> = durations(&newest_first).into_iter().map(seconds).collect();
        // More than three days is no duration, and one without a start has none.
        assert_eq!(
            took,
            [None, None, Some(40), Some(40), None, None, None, None]
        );
    }

    #[test]
    fn where_too_many_starts_are_further_back_no_duration_is_told() {
        let mut pings = vec![heard(2, Signal::Success, 50), heard(1, Signal::Start, 50)];
        pings.extend((1..=10).map(|rid| heard(0, Signal::Success, rid)));
        assert!(durations(&pings)[0].is_some());
        pings.push(heard(0, Signal::Fail, 11));
        assert_eq!(durations(&pings)[0], None);
    }

    #[test]
    fn pings_from_before_the_count_are_numbered_from_the_next() {
        let mut pings = vec![
            heard(4, Signal::Success, 0),
            heard(3, Signal::Success, 0),
            heard(2, Signal::Success, 0),
        ];
        pings[0].n = 9;
        number(&mut pings, 9);
        assert_eq!(
            pings.iter().map(|ping| ping.n).collect::<Vec<_>>(),
            [9, 8, 7]
        );
        for ping in &mut pings {
            ping.n = 0;
        }
        number(&mut pings, 5);
        assert_eq!(
            pings.iter().map(|ping| ping.n).collect::<Vec<_>>(),
            [5, 4, 3]
        );
    }

    #[test]
    fn a_span_is_said_in_seconds_since_1970_or_until_now() {
        let now = Time::from_millis(1_795_435_200_000);
        let all = (Time::from_millis(i64::MIN), Time::from_millis(i64::MAX));
        assert_eq!(span("", now), Some(all));
        assert_eq!(span("other=x&start=", now), Some(all));
        let (from, to) = span("start=10&end=20", now).expect("a span");
        assert_eq!((from.millis(), to.millis()), (10_000, 20_000));
        let (from, _) = span("seconds=60&start=5", now).expect("a span");
        assert_eq!(from, now - Duration::from_mins(1));
        for query in [
            "start=x",
            "start=-1",
            "end=10000000001",
            "seconds=31536001",
            "seconds=1.5",
        ] {
            assert_eq!(span(query, now), None, "{query}");
        }
    }
}
