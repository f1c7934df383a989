//! A PgBouncer in front of a PostgreSQL, one connection wide.

use std::path::Path;

use super::*;
use crate::real::Real;

/// Writes the configuration of a pooler that lets everybody in as `belfry`.
fn configure(folder: &Path, port: u16, postgres: &Postgres) -> Vec<String> {
    let path = folder.join("pgbouncer.ini");
    let text = format!(
        "[databases]\npostgres = host=127.0.0.1 port={} user={USER} password='{PASSWORD}'\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
         pool_mode = transaction\ndefault_pool_size = 1\nmax_client_conn = 10\nadmin_users = {USER}\n",
        postgres.port()
    );
    fs::write(&path, text).expect("the folder can be written");
    let path = path.display().to_string();
    // It does not run as root.
    if std::os::unix::fs::MetadataExt::uid(&fs::metadata(folder).expect("it is there")) == 0 {
        vec![
            "-q".to_owned(),
            "-u".to_owned(),
            "postgres".to_owned(),
            path,
        ]
    } else {
        vec!["-q".to_owned(), path]
    }
}

/// A client of the pooler.
async fn client(url: &str, tasks: &mut JoinSet<()>) -> Client {
    let connected = tokio_postgres::connect(url, NoTls).await;
    let (client, connection) = connected.expect("the pooler takes us");
    tasks.spawn(async move { drop(connection.await) });
    client
}

#[tokio::test]
async fn a_pooler_tells_who_waits_and_a_postgres_is_seen_through_it() {
    let postgres = Postgres::start(&["autovacuum = off"]);
    let configure = |folder: &Path, port| configure(folder, port, &postgres);
    let pooler = Real::listening("pgbouncer", configure).await;
    let at = |database: &str| format!("postgres://{USER}@127.0.0.1:{}/{database}", pooler.port);
    let console = |keys: &str| format!("pgbouncer = {{ url = \"{}\"{keys} }}", at("pgbouncer"));

    let healthy = probe(&console(""));
    let outcome = healthy.run(&env(), PATIENT).await;
    assert_says(&outcome, Verdict::Pass, &["PgBouncer, 1 of 10 clients in "]);
    let through = probe(&suite(
        &at("postgres"),
        "locks = true, query = { name = \"one\", sql = \"SELECT 1\", rows = 1 }",
    ));
    for _ in 0..2 {
        let outcome = through.run(&env(), PATIENT).await;
        assert_says(&outcome, Verdict::Pass, &["PostgreSQL 1", "primary in "]);
    }

    let mut tasks = JoinSet::new();
    let holder = client(&at("postgres"), &mut tasks).await;
    let waiting = client(&at("postgres"), &mut tasks).await;
    run(&holder, "BEGIN").await;
    tasks.spawn(async move { drop(waiting.batch_execute("SELECT 1").await) });
    let wait = probe(&console(", wait_warn = \"1ms\", wait_fail = \"1h\""));
    let outcome = until(&wait, "wait ").await;
    assert_says(&outcome, Verdict::Warn, &["(postgres of belfry;"]);
    for (keys, verdict, parts) in [
        (
            "waiting_warn = 1",
            Verdict::Warn,
            ["waiting 1 (warn at 1)"; 2],
        ),
        (
            "waiting_fail = 1",
            Verdict::Fail,
            ["waiting 1 (fail at 1)"; 2],
        ),
        (
            "clients_warn = 30",
            Verdict::Warn,
            ["clients ", "(warn at 30 %)"],
        ),
        (
            "clients_fail = 30",
            Verdict::Fail,
            ["clients ", "(fail at 30 %)"],
        ),
    ] {
        let outcome = look(&console(&format!(", {keys}, wait_fail = \"1h\""))).await;
        assert_says(&outcome, verdict, &parts);
    }
    let outcome = look(&console(", wait_fail = \"1ms\"")).await;
    assert_says(
        &outcome,
        Verdict::Fail,
        &["wait ", "(postgres of belfry; fail at 1 ms)"],
    );
    run(&holder, "ROLLBACK").await;

    let admin = client(&at("pgbouncer"), &mut tasks).await;
    for (command, part) in [
        ("DISABLE postgres", "database postgres is disabled"),
        ("PAUSE postgres", "database postgres is paused"),
    ] {
        admin.simple_query(command).await.expect("we may do that");
        let outcome = healthy.run(&env(), PATIENT).await;
        assert_says(&outcome, Verdict::Warn, &[part]);
    }
    drop(pooler);
    let gone = healthy.run(&env(), PATIENT).await;
    assert_eq!(gone.verdict, Verdict::Fail, "{}", said(&gone));
}

#[tokio::test]
async fn a_user_who_may_not_use_the_console_is_told_so() {
    let postgres = Postgres::start(&[]);
    let users = postgres.place("users", "\"stranger\" \"\"\n");
    let configure = |folder: &Path, port| {
        let arguments = configure(folder, port, &postgres);
        let path = folder.join("pgbouncer.ini");
        let text = fs::read_to_string(&path).expect("it was just written");
        let trust = format!("auth_type = trust\nauth_file = {}", users.display());
        fs::write(&path, text.replace("auth_type = any", &trust)).expect("it is ours");
        arguments
    };
    let pooler = Real::listening("pgbouncer", configure).await;
    let url = format!("postgres://stranger@127.0.0.1:{}/pgbouncer", pooler.port);
    let outcome = look(&format!("pgbouncer = {{ url = \"{url}\" }}")).await;
    assert_fails(&outcome, "not allowed");
}

#[tokio::test]
async fn what_is_no_pooler_is_told_from_one() {
    let postgres = Postgres::start(&[]);
    let outcome = look(&format!("pgbouncer = {{ url = \"{}\" }}", postgres.url())).await;
    assert_fails(
        &outcome,
        "unrecognized configuration parameter \"pools\" (SQLSTATE 42704)",
    );
}
