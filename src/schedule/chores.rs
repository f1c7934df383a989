//! Calendar chores of the daemon itself, in UTC: rollups, retention, backup, the daily digest. Half a
//! second more or less is nothing here, which is what tokio-cron-scheduler is good for. When the digest is due
//! is the operator's to say, though, and he says it in the words of every other calendar of his configuration:
//! tokio-cron-scheduler reads them differently (a day of the month *and* a weekday, and always six fields), so
//! the digest goes by [`Calendar`].

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::Pin;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_cron_scheduler::{Job, JobScheduler};

use super::dates::{Dates, NAP};
use crate::clock::Clock;
use crate::core::input::Input;
use crate::core::schedule::Calendar;
use crate::inbox::{Answer, Inbox};
use crate::journal::{Chore, Journal, Retention};

/// More than the number of jobs: with fewer, firings are lost (its default loses them from 200 on).
const CHANNEL: usize = 64;
/// Five minutes past each hour, when every window of the hour before is in the journal.
const ROLLUP: &str = "0 5 * * * *";
/// In the small hours, one after the other.
const BACKUP: &str = "0 47 2 * * *";
const RETAIN: &str = "0 17 3 * * *";
/// After the start, when what the configuration has is in the journal: a copy, where there is none.
const FIRST_BACKUP: Duration = Duration::from_mins(1);

/// What the chores work with.
#[derive(Clone)]
pub struct Chores {
    pub journal: Journal,
    pub inbox: Inbox,
    /// How long what is kept; follows the configuration.
    pub retention: watch::Receiver<Retention>,
    /// When the digest goes out; none for never. Follows the configuration.
    pub digest: watch::Receiver<Option<Calendar>>,
    pub clock: Clock,
}

impl Chores {
    /// Starts the chores. They end with the scheduler that is returned.
    pub async fn start(self) -> anyhow::Result<JobScheduler> {
        let scheduler = JobScheduler::new_with_channel_size(CHANNEL)
            .await
            .context("starting the calendar")?;
        self.add(&scheduler, ROLLUP, |chores| chores.maintain(Chore::Rollup))
            .await?;
        self.add(&scheduler, BACKUP, |chores| chores.maintain(Chore::Backup))
            .await?;
        self.add(&scheduler, RETAIN, |chores| {
            let retention = *chores.retention.borrow();
            chores.maintain(Chore::Retain(retention))
        })
        .await?;
        let chores = self.clone();
        let first = Job::new_one_shot_async(FIRST_BACKUP, move |_, _| {
            let run: Pin<Box<dyn Future<Output = ()> + Send>> =
                Box::pin(chores.clone().maintain(Chore::FirstBackup));
            run
        });
        let first = scheduler.add(first.context("the first backup")?).await;
        first.context("adding to the calendar")?;
        scheduler.start().await.context("starting the calendar")?;
        Ok(scheduler)
    }

    /// Sends the digest at its dates, and follows a change of them, until the end.
    pub async fn digests(self) {
        let mut digest = self.digest.clone();
        loop {
            let calendar = digest.borrow_and_update().clone();
            tokio::select! {
                changed = digest.changed() => if changed.is_err() { return },
                never = self.send(calendar) => match never {},
            }
        }
    }

    /// Sends the digest at each date of `calendar`.
    async fn send(&self, calendar: Option<Calendar>) -> Infallible {
        let Some(calendar) = calendar else {
            return pending().await;
        };
        let mut dates = Dates::after(Box::new(calendar), self.clock.now());
        loop {
            let now = self.clock.now();
            if dates.take(now).is_some() {
                self.digest().await;
            }
            sleep(dates.ahead(self.clock.now()).min(NAP)).await;
        }
    }

    async fn add<F>(
        &self,
        scheduler: &JobScheduler,
        cron: &str,
        chore: fn(Self) -> F,
    ) -> anyhow::Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let chores = self.clone();
        let job = Job::new_async(cron, move |_, _| {
            let run: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(chore(chores.clone()));
            run
        });
        scheduler
            .add(job.with_context(|| format!("reading \"{cron}\""))?)
            .await
            .map(drop)
            .context("adding to the calendar")
    }

    async fn maintain(self, chore: Chore) {
        let name = chore.name();
        match self.journal.maintain(chore).await {
            Ok(done) => tracing::info!(chore = name, "{name}: {done}"),
            Err(error) => tracing::error!(chore = name, "{name} failed: {error}"),
        }
    }

    async fn digest(&self) {
        if self.inbox.ask(Input::Digest, Duration::from_secs(30)).await == Answer::Busy {
            tracing::error!("the digest could not be written: the engine is busy");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::tz::TimeZone;
    use tokio::time::timeout;

    use super::*;
    use crate::inbox::Envelope;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn the_digest_goes_out_at_whatever_dates_the_configuration_may_say() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::start();
        let opened = Journal::open(folder.path(), clock.now(), Arc::default()).unwrap();
        let (inbox, mut inputs) = Inbox::new();
        let (calendar, digest) = watch::channel(None);
        let rules = Retention {
            outcomes: Duration::MAX,
            windows: Duration::MAX,
            pings: Duration::MAX,
            events: Duration::MAX,
            max_bytes: u64::MAX,
        };
        let chores = Chores {
            journal: opened.journal.clone(),
            inbox,
            retention: watch::channel(rules).1,
            digest,
            clock,
        };
        let digests = chores.digests();
        let heard = async {
            // Six fields, of which the first is the second; and a weekday beside a day of the month.
            for text in ["* * * * * *", "* * * 1-31 1-12 mon-sun"] {
                calendar.send_replace(Calendar::parse(text, TimeZone::UTC).ok());
                for _ in 0..2 {
                    let Envelope { input, reply } = inputs.recv().await.unwrap();
                    assert!(matches!(input, Input::Digest));
                    reply.unwrap().send(Answer::Done).unwrap();
                }
            }
        };
        let heard = async { timeout(PATIENCE, heard).await };
        let sent = tokio::select! {
            sent = heard => sent,
            () = digests => panic!("it goes on as long as the daemon"),
        };
        assert_eq!(sent, Ok(()));
        opened.journal.close().await;
    }
}
