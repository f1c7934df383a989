//! One connection's worth of shipping: look where both sides stand, take one step, look again.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use crate::journal::{Shipment, Waiting};
use crate::settings::Secret;

use super::failure::Failure;
use super::ledger::{self, Load};
use super::link::Link;
use super::pace::Amount;
use super::place::{self, Cursor, Step, Stock, mark};
use super::schema::{self, Month};
use super::{Archivist, document};

/// A connection, and what is known of the other side since it began.
pub(super) struct Session<'a> {
    archivist: &'a Archivist,
    /// The name that the journal stands under.
    node: Arc<str>,
    link: Link,
    /// The journal that the cursor is of.
    journal: Uuid,
    /// As it was last read or written; none when it must be read.
    cursor: Option<Cursor>,
    /// Months whose partitions are there.
    months: BTreeSet<Month>,
    amount: Amount,
}

impl<'a> Session<'a> {
    /// Connects, and makes the tables where they are not there.
    pub(super) async fn open(archivist: &'a Archivist, address: &Secret) -> Result<Self, Failure> {
        let mut link = Link::open(address).await?;
        schema::migrate(&mut link).await?;
        Ok(Self {
            archivist,
            node: Arc::clone(&archivist.node.borrow()),
            link,
            journal: Uuid::nil(),
            cursor: None,
            months: BTreeSet::new(),
            amount: Amount::default(),
        })
    }

    /// Takes one step. Says whether to come again at once.
    pub(super) async fn step(&mut self) -> Result<bool, Failure> {
        if self.link.client.is_closed() {
            return Err(Failure::Later("Postgres ended the connection".to_owned()));
        }
        let waiting = self.archivist.journal.reader().waiting().await;
        let waiting = waiting.map_err(|error| unreadable(&error))?;
        if waiting.journal != self.journal {
            // A journal that broke was begun anew while we run.
            self.cursor = None;
        }
        let Some(cursor) = self.cursor.clone() else {
            self.find(&waiting).await?;
            return Ok(true);
        };
        let done = match place::next(cursor.seq, stock(&waiting)) {
            Step::Rest => return Ok(false),
            Step::Ship => self.ship(&cursor).await,
            Step::Compare => self.compare(&cursor, &waiting).await,
            Step::Gap(first, last) => self.gap(&cursor, first, last).await.map(|()| true),
            Step::Branch => self.branch(&cursor, &waiting).await.map(|()| true),
        };
        match done {
            // Whoever moved it has archived something, so this comes to an end.
            Err(Failure::Moved) => {
                self.cursor = None;
                Ok(true)
            }
            done => done,
        }
    }

    /// Ships what comes after the cursor, as much as is good at once. False when it was not there.
    async fn ship(&mut self, cursor: &Cursor) -> Result<bool, Failure> {
        let batches = self.batches(cursor.seq, self.amount.batches()).await?;
        let (Some(first), Some(last)) = (batches.first(), batches.last().map(|batch| batch.seq))
        else {
            return Ok(false);
        };
        if first.seq != cursor.seq + 1 {
            // The journal had to drop some in this moment; the next look finds the gap.
            return Ok(false);
        }
        let this_month = Month::of(self.archivist.clock.now());
        let mut months = BTreeSet::from([this_month, this_month.next()]);
        months.extend(batches.iter().flat_map(document::months));
        schema::partitions(&self.link, months, &mut self.months).await?;
        let load = Load::Batches(&batches);
        let written = match (ledger::write(&mut self.link, cursor, load).await, &*batches) {
            (Err(Failure::Refused(why)), [batch]) => {
                tracing::warn!(seq = batch.seq, reason = %why, "a batch went to belfry.refused as it is");
                let load = Load::Aside { batch, why: &why };
                ledger::write(&mut self.link, cursor, load).await
            }
            (Err(Failure::Refused(_)), _) => {
                self.amount.halve();
                return Ok(true);
            }
            (written, _) => written,
        };
        self.cursor = Some(written?);
        self.amount
            .took(batches.iter().map(|batch| batch.json.len()).sum());
        self.forget(last).await?;
        Ok(true)
    }

    /// The journal has batches that the archive has, too: the answer to the last commit was lost, and it
    /// may forget them now; unless it is another history with the same numbers.
    async fn compare(&mut self, cursor: &Cursor, waiting: &Waiting) -> Result<bool, Failure> {
        let kept = self.batches(cursor.seq - 1, 1).await?;
        match kept.first() {
            Some(batch) if batch.seq == cursor.seq && mark(batch) == cursor.mark => {
                self.forget(cursor.seq).await?;
            }
            Some(batch) if batch.seq == cursor.seq => self.branch(cursor, waiting).await?,
            // A second archivist has let the journal forget it in this moment.
            Some(_) | None => {
                self.cursor = None;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Notes that batches are missing, and goes on behind them.
    async fn gap(&mut self, cursor: &Cursor, first: u64, last: u64) -> Result<(), Failure> {
        let why = if cursor.seq == 0 {
            "the archive was begun when the journal had them no more"
        } else {
            "Postgres was put back to an earlier state, or was away for longer than the journal keeps them"
        };
        tracing::warn!(
            first,
            last,
            "batches are missing in the archive, see belfry.gap: {why}"
        );
        let load = Load::Gap { first, last, why };
        let written = ledger::write(&mut self.link, cursor, load).await?;
        self.cursor = Some(written);
        self.name_checks(cursor.journal).await
    }

    /// The journal was put back: goes on on a branch of its own, so that nothing is overwritten.
    async fn branch(&mut self, cursor: &Cursor, waiting: &Waiting) -> Result<(), Failure> {
        tracing::warn!(
            archived = cursor.seq,
            journal = waiting.last,
            "the journal was put back to an earlier state; the archive goes on on a new branch"
        );
        let behind = waiting.first.map_or(waiting.last, |first| first - 1);
        self.begin(Some(cursor), behind).await
    }

    /// Reads the cursor; begins one where there is none.
    async fn find(&mut self, waiting: &Waiting) -> Result<(), Failure> {
        self.journal = waiting.journal;
        self.cursor = ledger::find(&self.link, self.key()).await?;
        if self.cursor.is_none() {
            self.begin(None, 0).await?;
        }
        Ok(())
    }

    /// Begins a journal or a branch behind `seq`; the next look finds it.
    async fn begin(&mut self, before: Option<&Cursor>, seq: u64) -> Result<(), Failure> {
        self.cursor = None;
        ledger::begin(&self.link, self.key(), before, seq).await?;
        self.cursor = ledger::find(&self.link, self.key()).await?;
        if let Some(cursor) = &self.cursor {
            self.name_checks(cursor.journal).await?;
        }
        Ok(())
    }

    /// Tells the names of all checks, for those that were told in batches which are not there.
    async fn name_checks(&self, journal: i32) -> Result<(), Failure> {
        let names = self.archivist.journal.reader().check_names().await;
        let names = names.map_err(|error| unreadable(&error))?;
        ledger::name_checks(&self.link, journal, &names).await
    }

    async fn batches(&self, after: u64, most: usize) -> Result<Vec<Shipment>, Failure> {
        let batches = self.archivist.journal.reader().ship(after, most).await;
        batches.map_err(|error| unreadable(&error))
    }

    /// Tells the journal that it may forget the batches up to this one.
    async fn forget(&self, up_to: u64) -> Result<(), Failure> {
        let told = self.archivist.journal.shipped(up_to).await;
        told.map_err(|error| {
            Failure::later("telling the journal what is archived", &error.to_string())
        })
    }

    fn key(&self) -> (&str, Uuid) {
        (&self.node, self.journal)
    }
}

fn unreadable(error: &anyhow::Error) -> Failure {
    Failure::later("reading what waits for the archive", &format!("{error:#}"))
}

fn stock(waiting: &Waiting) -> Stock {
    Stock {
        first: waiting.first,
        last: waiting.last,
    }
}
