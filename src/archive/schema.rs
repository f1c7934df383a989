//! The archive's tables: made and changed by numbered migrations, and a partition for every month.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::time::timeout;

use crate::core::time::Time;

use super::failure::{Failure, silence, within};
use super::link::{Link, STATEMENT};

mod embedded {
    refinery::embed_migrations!("migrations/archive");
}

/// Whoever makes tables in the archive holds this advisory lock: "belfry" in ASCII.
const LOCK: i64 = 0x6265_6c66_7279;
/// The table in which the migrations that were made are noted.
const HISTORY: &str = "belfry.schema_history";
/// Longest time all migrations together may take.
const MIGRATION: Duration = Duration::from_mins(2);

/// Brings the tables up to what this version of Belfry writes. A newer Belfry may have gone further;
/// migrations of the archive only add, so that the older one can go on writing.
pub(super) async fn migrate(link: &mut Link) -> Result<(), Failure> {
    let doing = "preparing the archive's tables";
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter();
    let newest = known.map(refinery::Migration::version).max();
    if version(link).await? >= newest {
        return Ok(());
    }
    let encoding = within(
        STATEMENT,
        doing,
        Failure::postgres,
        link.client.query_one("SHOW server_encoding", &[]),
    )
    .await?;
    if encoding.get::<_, &str>(0) != "UTF8" {
        let why = "the database is not in UTF-8: createdb --encoding=UTF8 --template=template0 NAME makes one that is";
        return Err(Failure::later(doing, why));
    }
    // Two nodes that start together: the second waits (at most lock_timeout, then it comes again), and
    // finds everything done. The lock ends with the session, however that ends.
    link.run(doing, &format!("SELECT pg_advisory_lock({LOCK})"))
        .await?;
    link.run(doing, "CREATE SCHEMA IF NOT EXISTS belfry")
        .await?;
    let mut runner = runner.set_grouped(true).set_abort_missing(false);
    runner.set_migration_table_name(HISTORY);
    let report = timeout(MIGRATION, runner.run_async(&mut link.client))
        .await
        .map_err(|_| Failure::later(doing, &silence(MIGRATION)))?
        .map_err(|error| {
            let cause = error.source();
            match cause.and_then(|cause| cause.downcast_ref::<tokio_postgres::Error>()) {
                Some(cause) => Failure::postgres(doing, cause),
                None => Failure::later(doing, &error.to_string()),
            }
        })?;
    link.run(doing, &format!("SELECT pg_advisory_unlock({LOCK})"))
        .await?;
    for migration in report.applied_migrations() {
        tracing::info!(%migration, "the archive's tables were brought up to date");
    }
    Ok(())
}

/// The newest migration that was made; none before the first.
async fn version(link: &Link) -> Result<Option<i32>, Failure> {
    let doing = "looking for the archive's tables";
    let ask = |sql| {
        within(
            STATEMENT,
            doing,
            Failure::postgres,
            link.client.query_one(sql, &[]),
        )
    };
    let there = ask("SELECT to_regclass('belfry.schema_history') IS NOT NULL").await?;
    if !there.get::<_, bool>(0) {
        return Ok(None);
    }
    let newest = ask("SELECT max(version) FROM belfry.schema_history").await?;
    Ok(newest.get(0))
}

/// A month of the calendar in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month that `at` is in. A clock before 1970 reads as 1970.
    pub(super) fn of(at: Time) -> Self {
        let at = at.max(Time::default()).within(&TimeZone::UTC);
        Self {
            year: at.year(),
            month: at.month(),
        }
    }

    /// The month after it.
    pub(super) fn next(self) -> Self {
        let Self { year, month } = self;
        if month == 12 {
            Self {
                year: year + 1,
                month: 1,
            }
        } else {
            Self {
                year,
                month: month + 1,
            }
        }
    }

    /// What makes its partition of the outcomes, if it is not there.
    fn partition(self) -> String {
        let (from, to) = (self, self.next());
        let bound = |m: Self| format!("{:04}-{:02}-01 00:00:00+00", m.year, m.month);
        format!(
            "SELECT pg_advisory_xact_lock({LOCK});
             CREATE TABLE IF NOT EXISTS belfry.outcome_{:04}_{:02}
                 PARTITION OF belfry.outcome FOR VALUES FROM ('{}') TO ('{}')",
            from.year,
            from.month,
            bound(from),
            bound(to)
        )
    }
}

/// Makes the partitions of `months`, and remembers in `known` that they are there.
pub(super) async fn partitions(
    link: &Link,
    months: BTreeSet<Month>,
    known: &mut BTreeSet<Month>,
) -> Result<(), Failure> {
    for month in months {
        if known.contains(&month) {
            continue;
        }
        // Two statements in one message are one transaction, with which the lock ends.
        link.run("making a partition", &month.partition()).await?;
        known.insert(month);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_a_month_in_utc() {
        let month = Month::of(Time::from_millis(1_798_761_599_999));
        assert_eq!(
            month,
            Month {
                year: 2026,
                month: 12
            }
        );
        let sql = month.partition();
        assert!(sql.contains("belfry.outcome_2026_12"), "{sql}");
        assert!(
            sql.contains("FROM ('2026-12-01 00:00:00+00') TO ('2027-01-01 00:00:00+00')"),
            "{sql}"
        );
    }

    #[test]
    fn a_clock_far_off_still_has_a_month() {
        assert_eq!(
            Month::of(Time::from_millis(-1)),
            Month {
                year: 1970,
                month: 1
            }
        );
        assert_eq!(Month::of(Time::from_millis(i64::MAX)).year, 9_999);
    }
}
