//! The journal's row in Postgres, and the one transaction that changes it: rows and cursor together or
//! not at all.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{GenericClient, IsolationLevel, Row, Transaction};
use uuid::Uuid;

use crate::core::time::Time;
use crate::journal::Shipment;
use crate::journal::shipment::ShippedCheck;

use super::document;
use super::failure::{Failure, within};
use super::link::{Link, STATEMENT};
use super::place::{Cursor, mark};

/// Puts every row of the batches into its table.
const TAKE: &str = include_str!("take.sql");

/// The newest branch of a journal. Instants as milliseconds, which is what the journal counts in.
const FIND: &str = "SELECT id, branch, seq, mark,
        (extract(epoch FROM at) * 1000)::bigint, (extract(epoch FROM since) * 1000)::bigint
    FROM belfry.journal WHERE node = $1 AND epoch = $2::text::uuid
    ORDER BY branch DESC LIMIT 1";

/// What goes into Postgres together with the cursor.
#[derive(Clone, Copy)]
pub(super) enum Load<'a> {
    /// These batches, oldest first; the cursor goes to the last one.
    Batches(&'a [Shipment]),
    /// The note that batches are missing, and why; the cursor goes behind them.
    Gap { first: u64, last: u64, why: &'a str },
    /// One batch that Postgres does not take, as it is, with its error.
    Aside { batch: &'a Shipment, why: &'a str },
}

/// The cursor of a journal; none when it never shipped here.
pub(super) async fn find(
    link: &Link,
    (node, epoch): (&str, Uuid),
) -> Result<Option<Cursor>, Failure> {
    let epoch = epoch.to_string();
    let row = ask(&link.client, "reading the cursor", FIND, &[&node, &epoch]).await?;
    Ok(row.map(|row| cursor(&row)))
}

/// Begins a journal, or the next branch of one that was put back: what comes after `seq` goes there. When
/// a second archivist has begun it in the same moment, it is begun once.
pub(super) async fn begin(
    link: &Link,
    (node, epoch): (&str, Uuid),
    before: Option<&Cursor>,
    seq: u64,
) -> Result<(), Failure> {
    let branch = before.map_or(0, |cursor| cursor.branch + 1);
    let since = before.and_then(|cursor| cursor.at).map(Time::millis);
    let (seq, epoch) = (signed(seq), epoch.to_string());
    let insert = "INSERT INTO belfry.journal (node, epoch, branch, seq, since)
        VALUES ($1, $2::text::uuid, $3, $4, belfry.instant($5)) ON CONFLICT DO NOTHING";
    let arguments: Arguments<'_> = &[&node, &epoch, &branch, &seq, &since];
    put(&link.client, "beginning a journal", insert, arguments).await
}

/// Writes the names of checks, all of them that the journal knows.
pub(super) async fn name_checks(
    link: &Link,
    journal: i32,
    names: &[ShippedCheck],
) -> Result<(), Failure> {
    let doing = "naming the checks";
    let json =
        serde_json::to_string(names).map_err(|error| Failure::later(doing, &error.to_string()))?;
    let insert = "INSERT INTO belfry.checks (journal, id, name, kind)
        SELECT $1, id, name, kind
        FROM jsonb_to_recordset($2::text::jsonb) AS r (id integer, name text, kind text)
        ON CONFLICT (journal, id) DO UPDATE SET name = excluded.name, kind = excluded.kind";
    let arguments: Arguments<'_> = &[&journal, &document::storable(&json)];
    put(&link.client, doing, insert, arguments).await
}

/// Writes `load` and moves the cursor in one transaction, if the cursor still is where `cursor` says.
/// Returns where it is now. When the answer to the commit is lost, the cursor tells what became of it.
pub(super) async fn write(
    link: &mut Link,
    cursor: &Cursor,
    load: Load<'_>,
) -> Result<Cursor, Failure> {
    let begin = link
        .client
        .build_transaction()
        // Whatever the default is: under a stricter level the second of two archivists would get an error
        // where it now waits for the row and sees that it moved.
        .isolation_level(IsolationLevel::ReadCommitted)
        .start();
    let transaction = within(
        STATEMENT,
        "beginning a transaction",
        Failure::postgres,
        begin,
    )
    .await?;
    let lock = "SELECT seq, mark FROM belfry.journal WHERE id = $1 FOR UPDATE";
    let row = ask(&transaction, "locking the cursor", lock, &[&cursor.journal]).await?;
    let unmoved =
        |row: &Row| unsigned(row.get(0)) == cursor.seq && row.get::<_, &str>(1) == cursor.mark;
    if !row.as_ref().is_some_and(unmoved) {
        return Err(Failure::Moved);
    }
    let after = insert(&transaction, cursor, load).await?;
    let advance = "UPDATE belfry.journal
        SET seq = $2, mark = $3, at = belfry.instant($4), shipped = now() WHERE id = $1";
    let (seq, at) = (signed(after.seq), after.at.map(Time::millis));
    let arguments: Arguments<'_> = &[&after.journal, &seq, &after.mark, &at];
    put(&transaction, "moving the cursor", advance, arguments).await?;
    within(
        STATEMENT,
        "committing",
        Failure::postgres,
        transaction.commit(),
    )
    .await?;
    Ok(after)
}

/// The rows of `load`. Returns the cursor behind it.
async fn insert(
    transaction: &Transaction<'_>,
    cursor: &Cursor,
    load: Load<'_>,
) -> Result<Cursor, Failure> {
    let journal = cursor.journal;
    match load {
        Load::Batches(batches) => {
            // Batches from before a branch are in the archive already.
            let new = |batch: &&Shipment| cursor.since.is_none_or(|since| batch.at > since);
            let text = document::join(batches.iter().filter(new));
            // Typed, so that Postgres is not asked first what the types are.
            let arguments: &[(&(dyn ToSql + Sync), Type)] =
                &[(&journal, Type::INT4), (&text, Type::TEXT)];
            let work = transaction.execute_typed(TAKE, arguments);
            within(STATEMENT, "archiving", Failure::rows, work).await?;
            Ok(batches
                .last()
                .map_or_else(|| cursor.clone(), |last| behind(cursor, last)))
        }
        Load::Gap { first, last, why } => {
            let insert = "INSERT INTO belfry.gap (journal, first_seq, last_seq, why)
                VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
            let arguments: Arguments<'_> = &[&journal, &signed(first), &signed(last), &why];
            put(transaction, "noting a gap", insert, arguments).await?;
            Ok(Cursor {
                seq: last,
                mark: String::new(),
                ..cursor.clone()
            })
        }
        Load::Aside { batch, why } => {
            let insert = "INSERT INTO belfry.refused (journal, seq, at, error, document)
                VALUES ($1, $2, belfry.instant($3), $4, $5) ON CONFLICT DO NOTHING";
            let (seq, at) = (signed(batch.seq), batch.at.millis());
            let arguments: Arguments<'_> = &[&journal, &seq, &at, &why, &batch.json];
            put(transaction, "putting a batch aside", insert, arguments).await?;
            Ok(behind(cursor, batch))
        }
    }
}

type Arguments<'a> = &'a [&'a (dyn ToSql + Sync)];

/// At most one row.
async fn ask(
    client: &impl GenericClient,
    doing: &str,
    sql: &str,
    arguments: Arguments<'_>,
) -> Result<Option<Row>, Failure> {
    let work = client.query_opt(sql, arguments);
    within(STATEMENT, doing, Failure::postgres, work).await
}

/// A statement without an answer.
async fn put(
    client: &impl GenericClient,
    doing: &str,
    sql: &str,
    arguments: Arguments<'_>,
) -> Result<(), Failure> {
    let work = client.execute(sql, arguments);
    within(STATEMENT, doing, Failure::postgres, work)
        .await
        .map(drop)
}

/// The cursor when `batch` is the last that is archived.
fn behind(cursor: &Cursor, batch: &Shipment) -> Cursor {
    Cursor {
        seq: batch.seq,
        mark: mark(batch),
        at: Some(batch.at),
        ..cursor.clone()
    }
}

fn cursor(row: &Row) -> Cursor {
    let instant = |column: usize| row.get::<_, Option<i64>>(column).map(Time::from_millis);
    Cursor {
        journal: row.get(0),
        branch: row.get(1),
        seq: unsigned(row.get(2)),
        mark: row.get(3),
        at: instant(4),
        since: instant(5),
    }
}

/// SQLite counts from 1 to 2^63 − 1, so neither direction loses anything.
fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn unsigned(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}
