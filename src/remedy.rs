//! Does what the core has decided to try: one remedy after the other, each after it is in the journal.
//!
//! What was under way when we ended is not done again: nobody knows how far it came, and a second restart of a
//! database may harm more than none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::core::check::CheckId;
use crate::core::input::Input;
use crate::core::time::{Time, human};
use crate::core::view::View;
use crate::inbox::{Answer, Inbox};
use crate::probe::Errand;

mod order;

use order::{Step, steps};

/// How long the engine is waited for before it is told again.
const TELL: Duration = Duration::from_secs(10);
/// The pause before that.
const AGAIN: Duration = Duration::from_secs(1);

/// What can be done about one check.
#[derive(Clone, Debug, PartialEq)]
pub enum Remedy {
    /// One command.
    Run(Errand),
    /// To end it and begin it again: what depends on it is ended before and begun after it.
    Restart {
        stop: Option<Box<Errand>>,
        start: Box<Errand>,
    },
}

impl Remedy {
    /// How many commands it has of its own.
    pub fn steps(&self) -> u32 {
        match self {
            Self::Run(_) | Self::Restart { stop: None, .. } => 1,
            Self::Restart { stop: Some(_), .. } => 2,
        }
    }

    /// What is done, for people.
    pub fn what(&self) -> String {
        match self {
            Self::Run(errand) => errand.what.clone(),
            Self::Restart { stop: None, start } => start.what.clone(),
            Self::Restart {
                stop: Some(stop),
                start,
            } => {
                match (
                    stop.what.strip_prefix("stop "),
                    start.what.strip_prefix("start "),
                ) {
                    (Some(one), Some(other)) if one == other => format!("restart {one}"),
                    _ => format!("{}, then {}", stop.what, start.what),
                }
            }
        }
    }
}

/// A remedy of the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Treatment {
    pub check: CheckId,
    pub name: Arc<str>,
    pub depends_on: Vec<Arc<str>>,
    pub remedy: Arc<Remedy>,
    /// Longest time of each of its steps.
    pub timeout: Duration,
    /// When it is looked whether it helped.
    pub settle: Duration,
}

/// Runs remedies.
pub struct Healer {
    /// Follows the configuration.
    pub treatments: watch::Receiver<Arc<Vec<Treatment>>>,
    pub view: watch::Receiver<Arc<View>>,
    pub inbox: Inbox,
    /// Where checks to run now are wanted.
    pub look: mpsc::Sender<CheckId>,
}

impl Healer {
    /// Runs until `shutdown`; a command under way is then killed.
    pub async fn run(mut self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.work()).await;
    }

    async fn work(&mut self) {
        let mut taken: BTreeMap<CheckId, Time> = BTreeMap::new();
        while let Some((check, began)) = self.under_way(&taken) {
            taken.insert(check, began);
            let report = "not known how it ended: Belfry was restarted meanwhile";
            self.tell(check, began, report.to_owned()).await;
        }
        let mut looks = JoinSet::new();
        loop {
            while looks.try_join_next().is_some() {}
            let Some((check, began)) = self.under_way(&taken) else {
                if self.view.changed().await.is_err() {
                    return;
                }
                continue;
            };
            taken.insert(check, began);
            let treatments = Arc::clone(&self.treatments.borrow());
            let treatment = treatments.iter().find(|one| one.check == check);
            let report = match treatment {
                Some(treatment) => treat(treatment, &treatments).await,
                None => "not done: the configuration has it no more".to_owned(),
            };
            self.tell(check, began, report).await;
            if let Some(settle) = treatment.map(|treatment| treatment.settle) {
                let look = self.look.clone();
                looks.spawn(async move {
                    sleep(settle).await;
                    // When the queue is full its own schedule looks soon enough.
                    look.try_send(check).ok();
                });
            }
        }
    }

    /// The first attempt that is decided and that nobody has taken yet.
    fn under_way(&mut self, taken: &BTreeMap<CheckId, Time>) -> Option<(CheckId, Time)> {
        let view = self.view.borrow_and_update();
        let all = view.engine.remedied_now().filter_map(|watched| {
            let tried = watched.record.tried.as_ref()?;
            Some((watched.id, tried.under_way()?))
        });
        all.into_iter()
            .find(|(check, began)| taken.get(check) != Some(began))
    }

    /// Tells the engine until it has taken it: an attempt without an end would hold back every other.
    async fn tell(&self, check: CheckId, began: Time, report: String) {
        let report: Arc<str> = report.into();
        loop {
            let report = Arc::clone(&report);
            let input = Input::Remedied {
                check,
                began,
                report,
            };
            match self.inbox.ask(input, TELL).await {
                Answer::Done | Answer::Nothing | Answer::NotDurable => return,
                Answer::Busy => sleep(AGAIN).await,
            }
        }
    }
}

/// Does all that belongs to it, and says how it went.
async fn treat(treatment: &Treatment, all: &[Treatment]) -> String {
    let (started, mut failed) = (Instant::now(), Vec::new());
    for Step { errand, timeout } in steps(treatment, all) {
        if let Err(why) = errand.run(timeout).await {
            failed.push(format!("{} failed: {why}", errand.what));
        }
    }
    let (what, took) = (treatment.remedy.what(), human(started.elapsed()));
    let failed = failed.join("; ");
    if failed.is_empty() {
        format!("{what}: done after {took}")
    } else if failed.starts_with(&what) {
        // One step needs its name only once.
        format!("{failed} (after {took})")
    } else {
        format!("{what}: {failed} (after {took})")
    }
}
