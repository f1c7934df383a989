//! Calendar chores of the daemon itself, in UTC: rollups, retention, backup, the daily digest. Half a
//! second more or less is nothing here, which is what tokio-cron-scheduler is good for.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio_cron_scheduler::{Job, JobScheduler};

use crate::core::input::Input;
use crate::inbox::{Answer, Inbox};
use crate::journal::{Chore, Journal, Retention};

/// More than the number of jobs: with fewer, firings are lost (its default loses them from 200 on).
const CHANNEL: usize = 64;
/// Five minutes past each hour, when every window of the hour before is in the journal.
const ROLLUP: &str = "0 5 * * * *";
/// In the small hours, one after the other.
const BACKUP: &str = "0 47 2 * * *";
const RETAIN: &str = "0 17 3 * * *";

/// What the chores work with.
#[derive(Clone)]
pub struct Chores {
    pub journal: Journal,
    pub inbox: Inbox,
    /// How long what is kept; follows the configuration.
    pub retention: watch::Receiver<Retention>,
    /// When the digest goes out, as cron with five fields in UTC; none for never.
    pub digest: watch::Receiver<Option<Arc<str>>>,
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
        scheduler.start().await.context("starting the calendar")?;
        Ok(scheduler)
    }

    /// Sends the digest when its time comes, and follows a change of that time, until the end.
    pub async fn digests(mut self, scheduler: JobScheduler) {
        loop {
            let when = self.digest.borrow_and_update().clone();
            let job = match &when {
                Some(cron) => self
                    .add(&scheduler, &format!("0 {cron}"), Self::digest)
                    .await
                    .ok(),
                None => None,
            };
            if self.digest.changed().await.is_err() {
                return;
            }
            if let Some(job) = job
                && let Err(error) = scheduler.remove(&job).await
            {
                tracing::warn!("the digest cannot be moved: {error}");
            }
        }
    }

    async fn add<F>(
        &self,
        scheduler: &JobScheduler,
        cron: &str,
        chore: fn(Self) -> F,
    ) -> anyhow::Result<uuid::Uuid>
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
            .context("adding to the calendar")
    }

    async fn maintain(self, chore: Chore) {
        let name = chore.name();
        match self.journal.maintain(chore).await {
            Ok(done) => tracing::info!(chore = name, "{name}: {done}"),
            Err(error) => tracing::error!(chore = name, "{name} failed: {error}"),
        }
    }

    async fn digest(self) {
        if self.inbox.ask(Input::Digest, Duration::from_secs(30)).await == Answer::Busy {
            tracing::error!("the digest could not be written: the engine is busy");
        }
    }
}
