//! What the postgres suite costs the server and us.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::belfry_process::Daemon;
use super::postgres::Postgres;

/// How long each part is watched.
const WATCHED: Duration = Duration::from_mins(1);
/// Tables in the database, each with an index and some rows.
const TABLES: u32 = 300;

/// A look at all that is asked by default, once a second, by a role with `pg_monitor`: the time of the server as
/// `pg_stat_statements` counts it, and our own.
pub(crate) fn suite() {
    let server = Postgres::start(&[
        "shared_preload_libraries='pg_stat_statements'",
        "pg_stat_statements.track_planning=on",
    ]);
    let password = super::postgres::PASSWORD;
    ask(
        &server,
        &format!(
            "CREATE EXTENSION pg_stat_statements;
             CREATE ROLE watcher LOGIN PASSWORD '{password}' IN ROLE pg_monitor, pg_read_all_data;
             SELECT format('CREATE TABLE t%s AS SELECT n, md5(n::text) AS text FROM generate_series(1, 200) n', i),
                    format('CREATE INDEX ON t%s (n)', i) FROM generate_series(1, {TABLES}) i \\gexec
             ANALYZE;"
        ),
    );
    let idle = cost(&mut Daemon::new(""), || {});
    let mut daemon = Daemon::new(&format!(
        "[check.db]\nevery = \"1s\"\npostgres = {{ url = \"{}\" }}\n",
        server.url_of("watcher")
    ));
    let reset = || drop(ask(&server, "SELECT pg_stat_statements_reset();"));
    let busy = cost(&mut daemon, reset);
    let spent = ask(
        &server,
        "SELECT sum(total_exec_time + total_plan_time) FROM pg_stat_statements
           JOIN pg_roles r ON r.oid = userid WHERE rolname = 'watcher';",
    );
    let spent: f64 = spent.lines().last().unwrap().parse().unwrap();
    let looks = busy.1 - idle.1;
    let share = |ms: f64| ms / 60_000.0 * 100.0;
    let (theirs, ours) = (spent / looks, (busy.0 - idle.0) * 1_000.0 / looks);
    println!(
        "{:<44} server {theirs:.1} ms, ours {ours:.1} ms CPU per look of {looks:.0}; once a minute {:.3} % and {:.3} % of a core",
        format!("postgres suite, {TABLES} tables"),
        share(theirs),
        share(ours),
    );
}

/// The CPU seconds of a daemon while it is watched, and how many looks it began.
fn cost(daemon: &mut Daemon, begin: impl FnOnce()) -> (f64, f64) {
    daemon.start();
    std::thread::sleep(Duration::from_secs(10));
    begin();
    let before = daemon.work();
    std::thread::sleep(WATCHED);
    let after = daemon.work();
    (after.0 - before.0, after.1 - before.1)
}

/// What psql says to these statements.
fn ask(server: &Postgres, statements: &str) -> String {
    let mut child = Command::new("psql")
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d"])
        .arg(server.url())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(statements.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "psql refuses");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
