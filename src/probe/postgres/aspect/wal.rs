//! WAL: its archive, its files, its checkpoints.

use std::time::Duration;

use super::{Aspect, Usual};
use crate::core::metric::Unit;
use crate::core::outcome::Verdict;
use crate::core::time::human;
use crate::probe::finding::Finding;
use crate::probe::level::Levels;
use crate::probe::postgres::found::Judging;
use crate::probe::postgres::server::Needs;

/// How far back checkpoints are counted, and how many there must be to say what is usual.
const CHECKPOINTS_WINDOW: Duration = Duration::from_hours(1);
const FEWEST_CHECKPOINTS: f64 = 4.0;

/// Whether the last file that was to be archived could be.
pub(super) const ARCHIVER: Aspect = Aspect {
    key: "archiver",
    usual: Usual::On(Levels {
        warn: None,
        fail: Some(1.0),
    }),
    ask: |_| {
        Some(
            "SELECT last_failed_wal AS name, failed_count AS failures, \
             extract(epoch FROM clock_timestamp() - last_failed_time) AS ago, \
             coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) AS failing \
             FROM pg_stat_archiver WHERE current_setting('archive_mode') <> 'off'",
        )
    },
    judge: archiver,
    series: false,
    ..Aspect::PLAIN
};

fn archiver(judging: &mut Judging<'_>) -> Option<()> {
    let Some(row) = judging.rows.first() else {
        return Some(());
    };
    let fails = row.is("failing");
    let found = if fails {
        let ago = row.span("ago")?;
        format!(
            "{} could not be archived {} ago",
            row.text("name")?,
            human(ago)
        )
    } else {
        "it was archived".to_owned()
    };
    let verdict = if fails {
        judging.levels.judge(1.0)
    } else {
        Verdict::Pass
    };
    let said = format!("archiving fails: {found}");
    let finding = Finding::new("archiver", "the last file is archived", found, true);
    judging.found.holds(finding.worth(verdict), &said);
    Some(())
}

/// Files that wait to be archived.
pub(super) const READY: Aspect = Aspect {
    key: "archive_ready",
    usual: Usual::On(Levels::of(10.0, 15.0)),
    needs: Needs::Monitor,
    ask: |_| {
        Some(
            "SELECT count(*) AS value FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready' \
             AND current_setting('archive_mode') <> 'off'",
        )
    },
    ..Aspect::PLAIN
};

/// Files of WAL.
pub(super) const FILES: Aspect = Aspect {
    key: "wal_files",
    needs: Needs::Monitor,
    ask: |_| Some("SELECT count(*) AS value FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'"),
    ..Aspect::PLAIN
};

/// Checkpoints that were wanted before their time, in percent of all: `max_wal_size` is too small.
pub(super) const CHECKPOINTS: Aspect = Aspect {
    key: "checkpoints",
    unit: Unit::Percent,
    usual: Usual::On(Levels {
        warn: Some(50.0),
        fail: None,
    }),
    ask: |server| {
        let question = if server.major >= 17 {
            "SELECT num_timed AS a, num_requested AS b FROM pg_stat_checkpointer"
        } else {
            "SELECT checkpoints_timed AS a, checkpoints_req AS b FROM pg_stat_bgwriter"
        };
        (!server.is_standby).then_some(question)
    },
    judge: |judging| {
        judging.rows.first()?.number("a")?;
        if let Some(([timed, wanted], _)) = judging.grown(CHECKPOINTS_WINDOW)
            && timed + wanted >= FEWEST_CHECKPOINTS
        {
            let about = format!("{wanted} of {} before their time", timed + wanted);
            judging.level(100.0 * wanted / (timed + wanted), &about);
        }
        Some(())
    },
    ..Aspect::PLAIN
};
