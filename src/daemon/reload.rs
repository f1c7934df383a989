//! Takes changed files into force: the configuration whole or not at all, the hello pages as they are.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::follow::Wires;
use crate::clock::Clock;
use crate::config::{self, Listen, Plan, Source};
use crate::core::input::Input;
use crate::core::outcome::Outcome;
use crate::core::view::View;
use crate::hello;
use crate::inbox::{Answer, Inbox};
use crate::settings::Problem;
use crate::vitals::Vitals;
use crate::watch::Changes;

/// How long the engine gets to take a plan.
const PATIENCE: Duration = Duration::from_secs(30);

/// Follows the files.
pub(super) struct Reloader {
    pub(super) source: Source,
    pub(super) inbox: Inbox,
    pub(super) view: watch::Receiver<Arc<View>>,
    pub(super) content: watch::Sender<Arc<hello::Content>>,
    pub(super) wires: Wires,
    pub(super) changes: Changes,
    /// What the first configuration said of the addresses; they cannot change while running.
    pub(super) configured: Listen,
    pub(super) clock: Clock,
    pub(super) vitals: Arc<Vitals>,
}

impl Reloader {
    /// Runs until `shutdown`. `plan` is the one in force.
    pub(super) async fn run(mut self, mut plan: Plan, shutdown: CancellationToken) {
        let mut refused: Option<Vec<Problem>> = None;
        while shutdown.run_until_cancelled(self.changes.next()).await == Some(true) {
            self.read_hello(&plan).await;
            let source = self.source.clone();
            let Ok(read) = spawn_blocking(move || config::load(&source)).await else {
                continue;
            };
            match read {
                Ok(mut new) => {
                    let restart = self.restart_needed(&plan, &new);
                    new.bind(plan.listen.clone());
                    let same = new == plan && refused.is_none() && restart.is_none();
                    if !same && self.adopt(&new, restart).await {
                        plan = new;
                        refused = None;
                    }
                }
                Err(problems) if refused.as_ref() == Some(&problems) => {}
                Err(problems) => {
                    self.refuse(&problems);
                    refused = Some(problems);
                }
            }
        }
    }

    /// Takes a new plan into force. False when the engine did not take it: it is tried again later.
    async fn adopt(&self, new: &Plan, restart: Option<&'static str>) -> bool {
        if self
            .inbox
            .ask(Input::Plan(Arc::new(new.roster())), PATIENCE)
            .await
            == Answer::Busy
        {
            tracing::error!(
                "the engine did not take the new configuration; it is tried again at the next change"
            );
            return false;
        }
        self.wires.follow(new, &self.view.borrow());
        self.vitals.reloads.bump();
        let outcome = match restart {
            Some(what) => {
                self.wires.notice(&format!(
                    "{what} changed: restart Belfry to take it into force"
                ));
                Outcome::pass(&format!("{what} changed: restart to take it into force"))
            }
            None => taken(&self.source, new.checks.len()),
        };
        tracing::info!(
            checks = new.checks.len(),
            "configuration taken into force: {}",
            outcome.message()
        );
        self.look(outcome);
        true
    }

    /// Keeps the old plan, and says so everywhere.
    fn refuse(&self, problems: &[Problem]) {
        self.vitals.reloads_refused.bump();
        let first = problems.first().map(Problem::line).unwrap_or_default();
        let more = problems.len().saturating_sub(1);
        let text = if more == 0 {
            first
        } else {
            format!("{first} (and {more} more)")
        };
        tracing::error!("the configuration is refused, the old one stays: {text}");
        for problem in problems.iter().skip(1) {
            tracing::error!("{}", problem.line());
        }
        self.wires.notice(&format!(
            "The configuration is refused, the one before stays in force: {text}"
        ));
        self.look(Outcome::fail(&text));
    }

    async fn read_hello(&self, plan: &Plan) {
        let (folder, last) = (plan.hello.clone(), Arc::clone(&self.content.borrow()));
        let read = spawn_blocking(move || last.again(folder.as_deref())).await;
        let Ok((content, notes)) = read else { return };
        for note in &notes {
            tracing::warn!("{note}");
            self.wires.notice(note);
        }
        self.content.send_if_modified(|shown| {
            let changed = **shown != content;
            if changed {
                *shown = Arc::new(content);
            }
            changed
        });
    }

    /// What a running daemon cannot change.
    fn restart_needed(&self, old: &Plan, new: &Plan) -> Option<&'static str> {
        match (self.configured == new.listen, old.data_dir == new.data_dir) {
            (false, _) => Some("[listen]"),
            (_, false) => Some("[daemon] data_dir"),
            (true, true) => None,
        }
    }

    fn look(&self, outcome: Outcome) {
        let check = self
            .view
            .borrow()
            .engine
            .named("belfry.config")
            .map(|watched| watched.id);
        if let Some(check) = check {
            self.inbox.offer(Input::Outcome {
                check,
                at: self.clock.now(),
                outcome,
            });
        }
    }
}

/// The outcome of a configuration that is in force.
pub(super) fn taken(source: &Source, checks: usize) -> Outcome {
    Outcome::pass(&format!("{source} is in force, {checks} checks"))
}
