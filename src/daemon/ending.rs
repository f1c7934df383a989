//! The end of the daemon: stage after stage, and all of them by one deadline.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// From the signal to the end of the last stage; what is not durable by then was not acknowledged either.
/// The runtime gets another second for its threads (`cli::run`), which makes five: what an impatient service
/// manager and an operator at the terminal still wait for.
const ALL: Duration = Duration::from_secs(4);

/// What has to come to its end, from outside in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    /// Servers, looks, deliveries and the calendar.
    Parts,
    /// The last decisions and their commit.
    Decisions,
    /// The journal.
    Journal,
}

impl Stage {
    /// How long after the signal it has to be at its end. A stage that is quick leaves its time to the next.
    fn until(self) -> Duration {
        match self {
            Self::Parts => Duration::from_millis(2_500),
            Self::Decisions => Duration::from_millis(3_500),
            Self::Journal => ALL,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Parts => "servers, looks and deliveries",
            Self::Decisions => "the last decisions",
            Self::Journal => "the journal",
        }
    }
}

/// Counts from the signal.
#[derive(Debug)]
pub(super) struct Ending {
    began: Instant,
}

impl Ending {
    /// The daemon was told to end.
    pub(super) fn begin() -> Self {
        Self {
            began: Instant::now(),
        }
    }

    /// Waits for a stage, but not longer than there is time for it.
    pub(super) async fn wait(&self, stage: Stage, work: impl Future) {
        if timeout_at(self.began + stage.until(), work).await.is_err() {
            let (name, after) = (stage.name(), stage.until());
            tracing::warn!(
                after_ms = after.as_millis(),
                "{name}: cut off, the end does not wait any longer"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn all_stages_together_end_in_time_though_none_of_them_does() {
        let ending = Ending::begin();
        for stage in [Stage::Parts, Stage::Decisions, Stage::Journal] {
            ending.wait(stage, pending::<()>()).await;
        }
        let took = ending.began.elapsed();
        let runtime = Duration::from_secs(1);
        assert!(took + runtime < Duration::from_millis(5_300), "{took:?}");
    }

    #[tokio::test]
    async fn the_journal_gets_time_whatever_came_before_it() {
        let ending = Ending::begin();
        ending.wait(Stage::Parts, ready(())).await;
        assert!(ending.began.elapsed() < Duration::from_secs(1));
        let least = Duration::from_millis(500);
        assert!(Stage::Decisions.until() + least <= Stage::Journal.until());
    }
}
