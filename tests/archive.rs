//! Stories about the archive: a real journal, a real PostgreSQL, and everything that comes between them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a story that cannot go on has failed"
)]

#[path = "archive/house.rs"]
mod house;
#[path = "common/postgres.rs"]
mod postgres;
#[path = "archive/same.rs"]
mod same;
#[path = "archive/wire.rs"]
mod wire;

use std::fs;
use std::time::Duration;

use belfry::core::check::CheckId;
use belfry::core::event::Event;
use belfry::core::outcome::Outcome;
use belfry::core::time::Time;
use house::{House, batch, until};
use postgres::{PASSWORD, Postgres};
use same::{ask, assert_same};
use tokio::task::block_in_place;
use tokio::time::sleep;
use wire::Wire;

const NOT_CONFIGURED: u64 = 0;
const REACHABLE: u64 = 1;
const NOT_REACHABLE: u64 = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_archive_says_what_the_journal_says() {
    let server = block_in_place(|| Postgres::start(&[]));
    let house = House::with_archive(&server.url());
    house.live(0..150).await;
    house.shipped().await;
    assert_same(&house, &server).await;
    house.reaches(REACHABLE).await;
    let partitions =
        "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1";
    let partitions = ask(&server, partitions).await;
    for month in ["outcome_2025_10", "outcome_2025_11"] {
        assert!(partitions.contains(&month.to_owned()), "{partitions:?}");
    }
    until("the figures come down", async || {
        house.vitals.archive_waiting.value() == 0
    })
    .await;
    assert_eq!(ask(&server, "TABLE belfry.gap").await, [""; 0]);
    assert_eq!(ask(&server, "TABLE belfry.refused").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_crashes_again_and_again_loses_nothing_and_gets_nothing_twice() {
    let server = block_in_place(|| Postgres::start(&[]));
    let house = House::with_archive(&server.url());
    let life = async {
        for second in 0..400 {
            house.live(second..second + 1).await;
            sleep(Duration::from_millis(15)).await;
        }
    };
    let fate = async {
        for round in 0..6 {
            // Another point of the shipping every time.
            sleep(Duration::from_millis(300 + round * 170)).await;
            block_in_place(|| server.stop());
            sleep(Duration::from_millis(100)).await;
            block_in_place(|| server.resume());
        }
    };
    tokio::join!(life, fate);
    house.shipped().await;
    assert_same(&house, &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_in_the_middle_of_a_commit_are_no_matter() {
    let server = block_in_place(|| Postgres::start(&[]));
    let house = House::with_archive(&server.url());
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'belfry archive'";
    let life = async {
        for second in 0..300 {
            house.live(second..second + 1).await;
            sleep(Duration::from_millis(10)).await;
        }
    };
    let fate = async {
        for round in 0..25 {
            sleep(Duration::from_millis(90 + round * 7 % 50)).await;
            ask(&server, cut).await;
        }
    };
    tokio::join!(life, fate);
    house.shipped().await;
    assert_same(&house, &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_not_done_again() {
    let server = block_in_place(|| Postgres::start(&[]));
    let wire = Wire::to(server.port()).await;
    // The first ones are those of the migrations.
    wire.lose(2);
    let house = House::with_archive(&wire.instead_of(&server.url(), server.port()));
    house.live(0..20).await;
    house.shipped().await;
    for round in 1..5 {
        wire.lose(1);
        house.live(round * 20..round * 20 + 20).await;
        house.shipped().await;
        assert_eq!(wire.left(), 0, "an answer was lost");
    }
    assert_same(&house, &server).await;
    let branches = "SELECT count(*) FROM belfry.journal";
    assert_eq!(ask(&server, branches).await, ["1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_postgres_keeps_nobody_from_anything() {
    let server = block_in_place(|| Postgres::start(&[]));
    let house = House::with_archive(&server.url());
    house.live(0..20).await;
    house.shipped().await;
    server.freeze();
    house.live(20..120).await;
    until("what waits is counted", async || {
        house.vitals.archive_waiting.value() == 100
    })
    .await;
    assert!(house.vitals.archive_lag.duration() > Duration::ZERO);
    server.thaw();
    house.shipped().await;
    assert_same(&house, &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_accepts_and_never_answers_is_given_up_and_tried_again() {
    let server = block_in_place(|| Postgres::start(&[]));
    server.freeze();
    let house = House::with_archive(&server.url());
    house.live(0..20).await;
    house.reaches(NOT_REACHABLE).await;
    server.thaw();
    house.shipped().await;
    assert_same(&house, &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_or_full_postgres_is_waited_for() {
    let server = block_in_place(|| Postgres::start(&[]));
    let house = House::with_archive(&server.url());
    house.live(0..20).await;
    house.shipped().await;
    ask(
        &server,
        "ALTER SYSTEM SET default_transaction_read_only = on",
    )
    .await;
    ask(&server, "SELECT pg_reload_conf()").await;
    house.live(20..40).await;
    house.reaches(NOT_REACHABLE).await;
    ask(&server, "ALTER SYSTEM RESET default_transaction_read_only").await;
    ask(&server, "SELECT pg_reload_conf()").await;
    house.shipped().await;
    house.reaches(REACHABLE).await;

    for code in ["53100", "40001", "57014"] {
        let trap = format!(
            "CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$;
             CREATE TRIGGER trap BEFORE INSERT ON belfry.event EXECUTE FUNCTION trap()"
        );
        ask(&server, &trap).await;
        let second = 40 + i64::from(code.as_bytes()[1]);
        house.live(second..second + 10).await;
        house.reaches(NOT_REACHABLE).await;
        ask(&server, "DROP FUNCTION trap CASCADE").await;
        house.shipped().await;
        house.reaches(REACHABLE).await;
    }
    assert_same(&house, &server).await;
    assert_eq!(ask(&server, "TABLE belfry.refused").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_without_rights_ships_as_soon_as_it_has_them() {
    let server = block_in_place(|| Postgres::start(&[]));
    ask(
        &server,
        &format!("CREATE ROLE clerk LOGIN PASSWORD '{PASSWORD}'"),
    )
    .await;
    let house = House::with_archive(&server.url_of("clerk"));
    house.live(0..20).await;
    house.reaches(NOT_REACHABLE).await;
    ask(&server, "GRANT CREATE ON DATABASE postgres TO clerk").await;
    house.shipped().await;
    assert_same(&house, &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_archivists_of_one_journal_ship_it_once() {
    let server = block_in_place(|| Postgres::start(&[]));
    let mut house = House::with_archive(&server.url());
    house.hire();
    for second in (0..400).step_by(20) {
        house.live(second..second + 20).await;
        sleep(Duration::from_millis(50)).await;
    }
    house.shipped().await;
    assert_same(&house, &server).await;
    assert_eq!(
        ask(&server, "SELECT count(*) FROM belfry.journal").await,
        ["1"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_restored_postgres_lacks_is_told_and_the_rest_goes_on() {
    let server = block_in_place(|| Postgres::start(&[]));
    let house = House::with_archive(&server.url());
    // A backup from before the archive was there, so that the names of the checks are missing, too.
    block_in_place(|| server.shut_down());
    let backup = block_in_place(|| server.back_up());
    block_in_place(|| server.resume());
    house.live(0..20).await;
    house.shipped().await;
    block_in_place(|| server.shut_down());
    block_in_place(|| server.restore(&backup));
    block_in_place(|| server.resume());
    house.live(20..30).await;
    house.shipped().await;
    let gap = ask(&server, "SELECT first_seq, last_seq FROM belfry.gap").await;
    assert_eq!(gap, ["1|20"]);
    let looks = "SELECT count(*), count(\"check\") FROM belfry.history";
    assert_eq!(
        ask(&server, looks).await,
        ["30|30"],
        "ten batches of three, all with names"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_put_back_to_an_earlier_state_overwrites_nothing() {
    let server = block_in_place(|| Postgres::start(&[]));
    let mut house = House::with_archive(&server.url());
    house.live(0..10).await;
    house.shipped().await;
    house.close().await;
    let file = house.folder.path().join("journal.sqlite3");
    let kept = fs::read(&file).unwrap();
    house.reopen();
    house.live(10..40).await;
    house.shipped().await;
    house.close().await;
    fs::write(&file, kept).unwrap();
    house.reopen();
    // The same numbers of batches, events and pings as from second 10 on, with another content.
    house.live(100..110).await;
    house.shipped().await;
    let rows =
        "SELECT j.branch, count(*) FROM belfry.outcome o JOIN belfry.journal j ON j.id = o.journal
        GROUP BY 1 ORDER BY 1";
    assert_eq!(ask(&server, rows).await, ["0|120", "1|30"]);
    let named = "SELECT count(\"check\") FROM belfry.history";
    assert_eq!(ask(&server, named).await, ["150"]);
    assert_eq!(ask(&server, "TABLE belfry.gap").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_begun_anew_is_another_one() {
    let server = block_in_place(|| Postgres::start(&[]));
    for story in [0..10, 50..60] {
        let mut house = House::with_archive(&server.url());
        house.live(0..1).await;
        house.live(story).await;
        house.shipped().await;
        house.close().await;
    }
    let rows = "SELECT node, (SELECT count(*) FROM belfry.outcome o WHERE o.journal = j.id)
        FROM belfry.journal j ORDER BY id";
    assert_eq!(ask(&server, rows).await, ["web-1|33", "web-1|33"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_no_table_takes_is_kept_as_it_is_and_stops_nothing() {
    let server = block_in_place(|| Postgres::start(&[]));
    let house = House::build();
    house.live(0..10).await;
    let mut odd = batch(10);
    odd.events.push(Event::Observed {
        check: CheckId(0),
        at: Time::from_millis(i64::MAX),
        outcome: Outcome::pass("from the end of time"),
    });
    house.journal.commit(odd).await.unwrap();
    house.live(11..20).await;
    let mut house = house;
    house.hire();
    house.move_to(Some(&server.url()));
    house.shipped().await;
    let aside = "SELECT seq, document::json -> 'outcomes' -> 3 ->> 'text' FROM belfry.refused";
    assert_eq!(ask(&server, aside).await, ["11|from the end of time"]);
    let rest = "SELECT count(DISTINCT seq) FROM belfry.outcome";
    assert_eq!(ask(&server, rest).await, ["19"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_can_be_configured_changed_and_taken_away_while_running() {
    let (first, second) = block_in_place(|| (Postgres::start(&[]), Postgres::start(&[])));
    let mut house = House::build();
    house.hire();
    house.live(0..10).await;
    house.reaches(NOT_CONFIGURED).await;
    house.move_to(Some(&first.url()));
    house.shipped().await;
    assert_same(&house, &first).await;
    house.move_to(Some(&second.url()));
    house.live(10..20).await;
    house.shipped().await;
    let gap = "SELECT first_seq, last_seq FROM belfry.gap";
    assert_eq!(ask(&second, gap).await, ["1|10"]);
    house.move_to(None);
    house.reaches(NOT_CONFIGURED).await;
    let there = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'belfry archive'";
    until("the connection is closed", async || {
        ask(&second, there).await == ["0"]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_server_that_proves_who_it_is_gets_the_history() {
    let server = block_in_place(|| Postgres::start(&[]));
    let key = rcgen::KeyPair::generate().unwrap();
    let names = ["127.0.0.1".to_owned()];
    let certificate = rcgen::CertificateParams::new(names)
        .unwrap()
        .self_signed(&key)
        .unwrap();
    server.place("server.key", &key.serialize_pem());
    let proof = server.place("server.crt", &certificate.pem());
    ask(&server, "ALTER SYSTEM SET ssl = on").await;
    ask(&server, "SELECT pg_reload_conf()").await;
    let house = House::with_archive(&format!("{}?sslmode=require", server.url()));
    house.live(0..10).await;
    house.reaches(NOT_REACHABLE).await;
    assert_eq!(
        ask(&server, "SELECT to_regnamespace('belfry')").await,
        ["-"]
    );
    let secure = "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE application_name = 'belfry archive'";
    let proven = format!("?sslmode=verify-full&sslrootcert={}", proof.display());
    for options in [proven.as_str(), ""] {
        house.move_to(Some(&format!("{}{options}", server.url())));
        house.live(10..20).await;
        house.shipped().await;
        assert_eq!(ask(&server, secure).await, ["t"], "{options}");
    }
}
