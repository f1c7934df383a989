//! What becomes of a look when an answer is none, comes too late, or does not come.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

use tokio::net::TcpStream;

use super::levels::{none, only};
use super::pretender::{greet, message};
use super::*;

/// The answer to a question: rows of these columns.
fn rows(columns: &[&str], values: &[&str]) -> Vec<u8> {
    let count = |all: &[&str]| u16::try_from(all.len()).expect("few").to_be_bytes();
    let (mut head, mut row) = (count(columns).to_vec(), count(values).to_vec());
    for column in columns {
        head.extend_from_slice(column.as_bytes());
        // A text (its type is number 25) of any length, written as text.
        head.extend_from_slice(b"\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0");
    }
    for value in values {
        let length = u32::try_from(value.len()).expect("short");
        row.extend_from_slice(&length.to_be_bytes());
        row.extend_from_slice(value.as_bytes());
    }
    let row = if values.is_empty() {
        Vec::new()
    } else {
        message(b'D', &row)
    };
    [
        message(b'T', &head),
        row,
        message(b'C', b"SELECT\0"),
        message(b'Z', b"I"),
    ]
    .concat()
}

/// What a good server says of itself.
fn itself() -> Vec<u8> {
    rows(
        &["version", "number", "standby", "role", "stats", "monitor"],
        &["15.4", "150004", "f", "u", "t", "t"],
    )
}

fn error(severity: &str, code: &str, text: &str) -> Vec<u8> {
    let body = format!("S{severity}\0C{code}\0M{text}\0\0");
    [message(b'E', body.as_bytes()), message(b'Z', b"I")].concat()
}

/// Lets us in, gives one answer after the other, and closes when it is asked for more.
async fn answer(mut stream: TcpStream, answers: Vec<Vec<u8>>) {
    greet(&mut stream).await;
    let welcome = [message(b'R', &[0, 0, 0, 0]), message(b'Z', b"I")].concat();
    write(&mut stream, &welcome).await;
    for answer in answers {
        let mut head = [0; 5];
        if stream.read_exact(&mut head).await.is_err() {
            return;
        }
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let mut question = vec![0; length as usize - 4];
        drop(stream.read_exact(&mut question).await);
        write(&mut stream, &answer).await;
    }
    drop(stream.read(&mut [0; 4_096]).await);
}

async fn answering(answers: Vec<Vec<u8>>) -> Server {
    Server::start(move |stream| answer(stream, answers.clone())).await
}

/// What is answered, what is asked, and what is said of it.
type Case = (Vec<Vec<u8>>, String, Verdict, &'static str);

/// To the first question, which is what it is.
fn at_first() -> Vec<Case> {
    let fails = |answers, part| (answers, only("connections"), Verdict::Fail, part);
    let refusal = vec![error("ERROR", "55000", "not now")];
    let end = vec![error("FATAL", "57P01", "good bye")];
    vec![
        (
            vec![itself()],
            none(),
            Verdict::Pass,
            "PostgreSQL 15.4, primary in ",
        ),
        fails(vec![rows(&[], &[])], "does not answer as a PostgreSQL does"),
        fails(refusal, ": not now (SQLSTATE 55000)"),
        fails(end, ": good bye (SQLSTATE 57P01)"),
        fails(vec![], "closed the connection"),
    ]
}

/// To the next one. What a question of the user's own does to a session is no fault of the server.
fn later() -> Vec<Case> {
    let unknown = |answer, keys, part| (vec![itself(), answer], keys, Verdict::Unknown, part);
    let own = format!(
        "{}, query = {{ name = \"orders\", sql = \"SELECT 1\", rows = 1 }}",
        none()
    );
    let settings = format!("{}, settings = {{ fsync = \"on\" }}", none());
    vec![
        (
            vec![itself()],
            only("connections"),
            Verdict::Fail,
            "closed the connection",
        ),
        unknown(
            rows(&[], &[]),
            only("connections"),
            "connections: could not look: it answered oddly",
        ),
        unknown(
            rows(&["name"], &["fsync"]),
            settings,
            "settings: could not look: it answered oddly",
        ),
        (
            vec![itself()],
            own.clone(),
            Verdict::Unknown,
            "orders: could not look: connection closed",
        ),
        unknown(
            error("FATAL", "57P01", "good bye"),
            own,
            "orders: could not look: ",
        ),
    ]
}

#[tokio::test]
async fn what_is_no_answer_to_a_question_is_told_as_such_and_an_end_as_an_end() {
    for (answers, keys, verdict, part) in at_first().into_iter().chain(later()) {
        let server = answering(answers).await;
        let url = format!("postgres://u:p@{}/d", server.address);
        assert_says(&look(&suite(&url, &keys)).await, verdict, &[part]);
    }
    let server = answering((0..4).map(|_| rows(&[], &[])).collect()).await;
    let url = format!("postgres://u:p@{}/pgbouncer", server.address);
    let outcome = look(&format!("pgbouncer = {{ url = \"{url}\" }}")).await;
    assert_fails(&outcome, "does not answer as a PgBouncer does");
}

#[tokio::test]
async fn without_a_socket_or_an_address_it_is_said_what_is_missing() {
    let outcome = look(&check("postgres://u@/d?host=/no/such/folder&port=5432")).await;
    assert_fails(&outcome, "nothing listens on ");
    assert_fails(&outcome, "(no such socket)");
    let outcome = look(&check("")).await;
    assert_eq!(
        said(&outcome),
        "unknown: not configured: set DATABASE_URL, or write [postgres] url = \"postgres://…\""
    );
}

#[tokio::test]
async fn what_there_was_no_time_for_is_unknown() {
    let postgres = Postgres::start(&[]);
    let slow =
        (0..9).map(|n| format!("{{ name = \"q{n}\", sql = \"SELECT pg_sleep(60)\", rows = 1 }}"));
    let slow = slow.collect::<Vec<_>>().join(", ");
    let text = suite(&postgres.url(), &format!("{}, query = [{slow}]", none()));
    let outcome = probe(&text).run(&env(), Duration::from_secs(2)).await;
    let parts = ["q0: could not look: statement_timeout"];
    assert_says(&outcome, Verdict::Unknown, &parts);
    let beside = outcome.left_out.expect("there is more than fits");
    assert_eq!(
        beside.last().map(|line| &**line),
        Some("q8: could not look: no time was left")
    );
}

#[tokio::test]
async fn a_page_that_the_disk_has_changed_is_told_of() {
    let postgres = Postgres::start(&["autovacuum = off"]);
    postgres.shut_down();
    postgres.enable_checksums();
    postgres.resume();
    let mut tasks = JoinSet::new();
    let client = session(&postgres, &mut tasks).await;
    run(
        &client,
        "CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) AS n",
    )
    .await;
    let path = client
        .query_one("SELECT pg_relation_filepath('t')", &[])
        .await;
    let path: String = path.expect("it is valid").get(0);
    let good = look(&suite(&postgres.url(), "")).await;
    assert_eq!(good.verdict, Verdict::Pass, "{}", said(&good));

    postgres.shut_down();
    damage(&postgres.data().join(path));
    postgres.resume();
    let client = session(&postgres, &mut tasks).await;
    let read = client.simple_query("SELECT count(*) FROM t").await;
    assert!(read.is_err(), "the page is not what it was");
    let bad = probe(&suite(&postgres.url(), ""));
    let outcome = until(&bad, "checksum failures 1 (postgres; fail at 1)").await;
    assert_eq!(outcome.verdict, Verdict::Fail, "{}", said(&outcome));
    let few = "checksum_failures = { warn = 1, fail = 100 }";
    assert_warns(
        &postgres.url(),
        few,
        &["checksum failures 1 (postgres; warn at 1)"],
    )
    .await;
}

/// Changes a byte in the first page of a table.
fn damage(path: &Path) {
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.expect("the table is there");
    let mut byte = [0];
    file.read_exact_at(&mut byte, 8_000).expect("it has a page");
    file.write_all_at(&[!byte[0]], 8_000).expect("it is ours");
}
