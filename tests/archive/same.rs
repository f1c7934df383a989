//! Whether the archive says the same as the journal, table by table.

use std::collections::BTreeMap;

use belfry::core::check::CheckId;
use belfry::core::heartbeat::{Ping, Signal};
use belfry::core::incident::Incident;
use belfry::core::outbox::Notification;
use belfry::core::time::Time;
use belfry::journal::{EventRow, Reader};
use tokio::task::JoinSet;
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::house::{BEGIN, CHECKS, House};
use crate::postgres::Postgres;

/// More than any story has.
const ALL: usize = 100_000;

/// Asks the server as its superuser. Each row as text, columns with `|` between them.
pub(crate) async fn ask(server: &Postgres, sql: &str) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let told = client
        .simple_query(sql)
        .await
        .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    let mut rows = Vec::new();
    for message in told {
        if let SimpleQueryMessage::Row(row) = message {
            let columns = (0..row.len()).map(|column| row.get(column).unwrap_or("-"));
            rows.push(columns.collect::<Vec<_>>().join("|"));
        }
    }
    rows
}

/// The archive says of every table what the journal says: nothing is missing and nothing is there twice.
pub(crate) async fn assert_same(house: &House, server: &Postgres) {
    let reader = house.journal.reader();
    let instant = "(extract(epoch FROM at) * 1000)::bigint";
    for (what, journal, sql) in [
        (
            "looks",
            looks(&reader).await,
            format!(
                "SELECT {instant}, node, \"check\", verdict, (latency_ms * 1000)::bigint, message
                 FROM belfry.history"
            ),
        ),
        (
            "events",
            events(&reader).await,
            format!("SELECT seq, {instant}, body FROM belfry.event"),
        ),
        (
            "incidents",
            incidents(&reader).await,
            "SELECT id, (extract(epoch FROM closed) * 1000)::bigint, acknowledged_by,
                 jsonb_array_length(timeline) FROM belfry.incident"
                .to_owned(),
        ),
        (
            "notifications",
            notifications(&reader).await,
            "SELECT nid, phase, recipient FROM belfry.notification".to_owned(),
        ),
        (
            "pings",
            pings(&reader).await,
            format!("SELECT {instant}, signal, code, rid, body FROM belfry.ping"),
        ),
    ] {
        assert_rows(what, &ask(server, &sql).await, &journal);
    }
}

async fn looks(reader: &Reader) -> Vec<String> {
    let (begin, end) = (Time::from_millis(0), Time::from_millis(BEGIN * 2));
    let mut looks = Vec::new();
    for (number, name) in (0..).zip(CHECKS) {
        let outcomes = reader.outcomes(CheckId(number), begin, end, ALL).await;
        looks.extend(outcomes.unwrap().into_iter().map(|(at, outcome)| {
            let latency = outcome.latency_us.map(i64::try_from).transpose().unwrap();
            let (verdict, message) = (outcome.verdict.word(), outcome.message());
            let (at, latency) = (at.millis(), shown(latency));
            format!("{at}|web-1|{name}|{verdict}|{latency}|{message}")
        }));
    }
    looks
}

async fn events(reader: &Reader) -> Vec<String> {
    let events = reader.events(ALL, None).await.unwrap();
    let row = |event: &EventRow| {
        // Postgres has no NUL in its texts.
        let body = event.json.replace("\\u0000", "\\ufffd");
        format!("{}|{}|{body}", event.seq, event.at.millis())
    };
    events.iter().map(row).collect()
}

async fn incidents(reader: &Reader) -> Vec<String> {
    let incidents = reader.incidents(ALL, None).await.unwrap();
    let row = |incident: &Incident| {
        let closed = shown(incident.closed.map(Time::millis));
        let by = incident.acknowledged.as_ref().map_or("-", |ack| &ack.by);
        format!("{}|{closed}|{by}|{}", incident.id, incident.timeline.len())
    };
    incidents.iter().map(row).collect()
}

async fn notifications(reader: &Reader) -> Vec<String> {
    let told = reader.notifications(ALL).await.unwrap();
    let row = |n: &Notification| format!("{}|{}|{}", n.nid, n.phase.word(), n.recipient.address);
    told.iter().map(row).collect()
}

async fn pings(reader: &Reader) -> Vec<String> {
    let pings = reader.pings(CheckId(2), ALL).await.unwrap();
    let row = |(at, ping): &(Time, Ping)| {
        let rid = ping.rid.map_or("-".to_owned(), |rid| rid.to_string());
        let (signal, code) = match ping.signal {
            Signal::Exit(code) => ("exit", shown(Some(code.into()))),
            signal @ (Signal::Success
            | Signal::Start
            | Signal::Fail
            | Signal::Log
            | Signal::Ignored) => (signal.word(), shown(None)),
        };
        let body = String::from_utf8_lossy(&ping.body).replace('\0', "\u{fffd}");
        format!("{}|{signal}|{code}|{rid}|{body}", at.millis())
    };
    pings.iter().map(row).collect()
}

/// A number as [`ask`] gives it.
fn shown(number: Option<i64>) -> String {
    number.map_or("-".to_owned(), |number| number.to_string())
}

/// Tells the first difference instead of two long lists.
fn assert_rows(what: &str, archived: &[String], journal: &[String]) {
    let mut counts = BTreeMap::<&str, i64>::new();
    for row in journal {
        *counts.entry(row).or_default() += 1;
    }
    for row in archived {
        *counts.entry(row).or_default() -= 1;
    }
    let wrong: Vec<_> = counts
        .into_iter()
        .filter(|(_, n)| *n != 0)
        .take(5)
        .collect();
    assert!(
        wrong.is_empty(),
        "{what}: missing (+) or too much (-) in the archive: {wrong:#?}"
    );
    assert!(!journal.is_empty(), "{what}: the story has none");
}
