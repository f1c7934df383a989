//! A real PostgreSQL, and servers that pretend to be one.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use belfry::clock::Clock;
use belfry::core::outcome::{Outcome, Verdict};
use belfry::probe::{Env, Probe};
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use crate::postgres::{PASSWORD, Postgres, USER};
use crate::server::{Server, write};
use crate::tls::chain;
use crate::{PATIENT, assert_fails, env, look, look_briefly, probe, said, text};

#[path = "database/bouncer.rs"]
mod bouncer;
#[path = "database/faults.rs"]
mod faults;
#[path = "database/levels.rs"]
mod levels;
#[path = "database/logins.rs"]
mod logins;
#[path = "database/pretender.rs"]
mod pretender;
#[path = "database/rights.rs"]
mod rights;
#[path = "database/safety.rs"]
mod safety;
#[path = "database/sessions.rs"]
mod sessions;
#[path = "database/standby.rs"]
mod standby;
#[path = "database/tables.rs"]
mod tables;

fn check(url: &str) -> String {
    format!("postgres.url = \"{url}\"")
}

/// A session of our own, to see what the probe does there; ends with the set.
async fn session(postgres: &Postgres, tasks: &mut JoinSet<()>) -> Client {
    let connect = async {
        loop {
            match tokio_postgres::connect(&postgres.url(), NoTls).await {
                // The server needs a moment to see that the session of a look has ended.
                Err(error) if error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS) => {}
                connected => return connected.expect("the private PostgreSQL takes us"),
            }
        }
    };
    let (client, connection) = timeout(PATIENT, connect).await.expect("a place is free");
    tasks.spawn(async move { drop(connection.await) });
    client
}

/// The process ids of Belfry's sessions.
async fn own_sessions(client: &Client) -> Vec<i32> {
    let query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'belfry' ORDER BY pid";
    let rows = client.query(query, &[]).await.expect("the query is valid");
    rows.iter().map(|row| row.get(0)).collect()
}

async fn run(client: &Client, sql: &str) {
    let done = client.batch_execute(sql).await;
    done.expect("the statement is valid");
}

/// A check with these keys beside the URL, that asks everything at every look.
fn suite(url: &str, keys: &str) -> String {
    format!("postgres = {{ url = \"{url}\", share = 100, {keys} }}")
}

/// Looks once and patiently; it must be a warning that says so.
async fn assert_warns(url: &str, keys: &str, parts: &[&str]) -> Outcome {
    let outcome = look(&suite(url, keys)).await;
    assert_says(&outcome, Verdict::Warn, parts);
    outcome
}

#[track_caller]
fn assert_says(outcome: &Outcome, verdict: Verdict, parts: &[&str]) {
    assert_eq!(outcome.verdict, verdict, "{}", said(outcome));
    for part in parts {
        let message = outcome.message();
        assert!(message.contains(part), "{message} does not say: {part}");
    }
}

/// Looks again and again until it says so.
async fn until(probe: &Probe, part: &str) -> Outcome {
    let env = env();
    let looking = async {
        loop {
            let outcome = probe.run(&env, PATIENT).await;
            if said(&outcome).contains(part) {
                return outcome;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let found = timeout(PATIENT, looking).await;
    assert!(found.is_ok(), "it never says: {part}");
    found.expect("it was just seen")
}

fn signal(name: &str, process: i32) {
    let status = Command::new("kill")
        .args([name, &process.to_string()])
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "kill {name} {process}"
    );
}

#[tokio::test]
async fn a_host_that_says_nothing_leaves_time_for_the_next() {
    let postgres = Postgres::start(&[]);
    let silent = || {
        Server::start(|mut stream| async move {
            drop(stream.read_to_end(&mut Vec::new()).await);
        })
    };
    let (first, second) = (silent().await, silent().await);
    let at = |last: &str| {
        check(&format!(
            "postgres://{USER}:{PASSWORD}@{},{},{last}/postgres?sslmode=disable",
            first.address, second.address
        ))
    };
    let timeout = Duration::from_secs(6);
    let found = probe(&at(&postgres.address())).run(&env(), timeout).await;
    assert_eq!(found.verdict, Verdict::Pass, "{}", said(&found));
    // Of several that do not work the first is told of.
    let nobody = look_briefly(&at("127.0.0.1:1")).await;
    assert_fails(
        &nobody,
        &format!(
            "no answer from {} in its share of 400 ms (logging in)",
            first.address
        ),
    );
}

#[tokio::test]
async fn a_postgres_is_asked_over_one_connection_that_is_replaced_when_it_breaks() {
    let postgres = Postgres::start(&["autovacuum = off"]);
    let mut tasks = JoinSet::new();
    let client = session(&postgres, &mut tasks).await;
    let (probe, env) = (probe(&check(&postgres.url())), env());

    let first = probe.run(&env, PATIENT).await;
    assert_eq!(first.verdict, Verdict::Pass, "{}", said(&first));
    let message = text(&first);
    assert!(
        message.starts_with("PostgreSQL 1")
            && message.ends_with("2 of 100 connections, primary in T"),
        "{message}"
    );
    let kept = own_sessions(&client).await;
    assert_eq!(kept.len(), 1);

    // The same connection again, and nothing but a query.
    let second = probe.run(&env, PATIENT).await;
    assert_eq!(own_sessions(&client).await, kept);
    let phases = second.phases.as_ref().expect("phases are measured");
    assert_eq!(
        phases.iter().map(|phase| &*phase.name).collect::<Vec<_>>(),
        ["query"]
    );

    // Cut off in between: the next look has a new one, and nothing to complain of.
    client
        .execute("SELECT pg_terminate_backend($1)", &[&kept[0]])
        .await
        .unwrap();
    let third = probe.run(&env, PATIENT).await;
    assert_eq!(third.verdict, Verdict::Pass, "{}", said(&third));
    assert!(
        third.latency() < Some(PATIENT / 2),
        "it did not wait for the old one: {third:?}"
    );
    let replaced = own_sessions(&client).await;
    assert_eq!(replaced.len(), 1);
    assert_ne!(replaced, kept);

    // Hung: half of the time for the old one, then a new one.
    signal("-STOP", replaced[0]);
    let fourth = probe.run(&env, Duration::from_secs(4)).await;
    signal("-CONT", replaced[0]);
    assert_eq!(fourth.verdict, Verdict::Pass, "{}", said(&fourth));

    // Two looks at once, of which one connection stays.
    let (one, other) = tokio::join!(probe.run(&env, PATIENT), probe.run(&env, PATIENT));
    assert_eq!((one.verdict, other.verdict), (Verdict::Pass, Verdict::Pass));

    // Down, and up again.
    postgres.stop();
    let down = probe.run(&env, PATIENT).await;
    assert_eq!(
        said(&down),
        format!(
            "fail: nothing listens on {} (connection refused)",
            postgres.address()
        )
    );
    postgres.resume();
    let up = probe.run(&env, PATIENT).await;
    assert_eq!(up.verdict, Verdict::Pass, "{}", said(&up));
}

#[tokio::test]
async fn what_a_postgres_refuses_is_told_without_the_password() {
    let postgres = Postgres::start(&[
        "autovacuum = off",
        "max_connections = 5",
        "superuser_reserved_connections = 1",
    ]);
    let wrong = postgres.url().replace("correct%20horse", "hunter2");
    let outcome = look(&check(&wrong)).await;
    assert_fails(
        &outcome,
        "password authentication failed for user \"belfry\" (SQLSTATE 28P01)",
    );
    assert!(!said(&outcome).contains("hunter2"));
    let outcome = look(&check(&format!("{}x", postgres.url()))).await;
    assert_fails(
        &outcome,
        "database \"postgresx\" does not exist (SQLSTATE 3D000)",
    );
    let keyless = format!("postgres://{USER}@{}/postgres", postgres.address());
    assert_fails(&look(&check(&keyless)).await, "password missing");

    let levels =
        |url: &str| format!("postgres = {{ url = \"{url}\", connections = {{ warn = 20 }} }}");
    let outcome = look(&levels(&postgres.url())).await;
    assert_eq!(outcome.verdict, Verdict::Warn);
    assert!(
        text(&outcome)
            .ends_with("1 of 5 connections, primary in T, connections 20 % (1 of 5; warn at 20 %)")
    );

    let mut tasks = JoinSet::new();
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(session(&postgres, &mut tasks).await);
    }
    let outcome = look(&check(&postgres.url())).await;
    assert_eq!(outcome.verdict, Verdict::Fail, "{}", said(&outcome));
    held.push(session(&postgres, &mut tasks).await);
    assert_fails(
        &look(&check(&postgres.url())).await,
        "too many clients already (SQLSTATE 53300)",
    );
}
