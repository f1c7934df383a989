//! Takes changed files into force: the configuration whole or not at all, the hello pages as they are.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::follow::Wires;
use super::notices::Fact;
use crate::clock::Clock;
use crate::config::{self, Listen, MailPings, Plan, Source};
use crate::core::input::Input;
use crate::core::outcome::Outcome;
use crate::core::view::View;
use crate::hello;
use crate::inbox::{Answer, Inbox};
use crate::settings::Problem;
use crate::vitals::Vitals;
use crate::watch::Changes;
use crate::watchdog;

/// How long the engine gets to take a plan.
const PATIENCE: Duration = Duration::from_secs(30);
/// When a plan that a busy engine did not take is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Follows the files.
pub(super) struct Reloader {
    pub(super) source: Source,
    pub(super) inbox: Inbox,
    pub(super) view: watch::Receiver<Arc<View>>,
    pub(super) content: watch::Sender<Arc<hello::Content>>,
    pub(super) wires: Wires,
    pub(super) changes: Changes,
    pub(super) started_with: StartedWith,
    pub(super) clock: Clock,
    pub(super) vitals: Arc<Vitals>,
}

/// What the first configuration said of what cannot change while running.
pub(super) struct StartedWith {
    listen: Listen,
    mail_pings: Option<MailPings>,
    data_dir: PathBuf,
}

impl StartedWith {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            listen: plan.listen.clone(),
            mail_pings: plan.mail_pings.clone(),
            data_dir: plan.data_dir.clone(),
        }
    }
}

impl Reloader {
    /// Runs until `shutdown`. `plan` is the one in force.
    pub(super) async fn run(mut self, mut plan: Plan, shutdown: CancellationToken) {
        let mut refused: Option<Vec<Problem>> = None;
        let mut restart = None;
        let mut again = false;
        self.changes.also(plan.followed.clone());
        while shutdown.run_until_cancelled(self.turn(again)).await == Some(true) {
            again = false;
            self.read_hello(&plan).await;
            let source = self.source.clone();
            let Ok((read, secrets)) =
                spawn_blocking(move || config::load_with_secrets(&source)).await
            else {
                continue;
            };
            self.changes.also(secrets);
            match read {
                Ok(mut new) => {
                    let needed = self.restart_needed(&new);
                    new.bind(plan.listen.clone());
                    let same = new == plan && refused.is_none() && needed == restart;
                    if !same && self.adopt(&new, needed).await {
                        (plan, restart, refused) = (new, needed, None);
                    } else if !same {
                        again = true;
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

    /// Waits for the next change, or for a while when the last one has to be tried `again`. False at the end.
    async fn turn(&mut self, again: bool) -> bool {
        if !again {
            return self.changes.next().await;
        }
        timeout(AGAIN, self.changes.next()).await.unwrap_or(true)
    }

    /// Takes a new plan into force. False when the engine did not take it: it is tried again soon.
    async fn adopt(&self, new: &Plan, restart: Option<&'static str>) -> bool {
        let plan = Input::Plan(Arc::new(new.roster()));
        if self.inbox.ask(plan, PATIENCE).await == Answer::Busy {
            tracing::error!(
                "the engine did not take the new configuration; it is tried again in {} s",
                AGAIN.as_secs()
            );
            return false;
        }
        self.wires.follow(new, &self.view.borrow());
        self.vitals.reloads.bump();
        let wanted =
            restart.map(|what| format!("{what} changed: restart Belfry to take it into force"));
        self.wires.notice(Fact::Configuration, None);
        self.wires.notice(Fact::Restart, wanted.as_deref());
        let outcome = match restart {
            Some(what) => Outcome::pass(&format!("{what} changed: restart to take it into force")),
            None => taken(
                &self.source,
                new.checks.len(),
                self.changes.blind().as_deref(),
            ),
        };
        tracing::info!(
            checks = new.checks.len(),
            "configuration taken into force: {}",
            outcome.message()
        );
        watchdog::notify_status(&format!("watching {} checks", new.checks.len()));
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
        let notice = format!("The configuration is refused, the one before stays in force: {text}");
        self.wires.notice(Fact::Configuration, Some(&notice));
        watchdog::notify_status("the configuration is refused, the one before stays in force");
        self.look(Outcome::fail(&text));
    }

    async fn read_hello(&self, plan: &Plan) {
        let (folder, last) = (plan.hello.clone(), Arc::clone(&self.content.borrow()));
        let read = spawn_blocking(move || last.again(folder.as_deref())).await;
        let Ok((content, notes)) = read else { return };
        for note in &notes {
            tracing::warn!("{note}");
        }
        say_hello(&self.wires, &notes);
        self.content.send_if_modified(|shown| {
            let changed = **shown != content;
            if changed {
                *shown = Arc::new(content);
            }
            changed
        });
    }

    /// What differs from the start and a running daemon cannot change.
    fn restart_needed(&self, new: &Plan) -> Option<&'static str> {
        let first = &self.started_with;
        let changed = [
            ("[listen]", first.listen != new.listen),
            ("[mail_pings]", first.mail_pings != new.mail_pings),
            ("[daemon] data_dir", first.data_dir != new.data_dir),
        ];
        changed
            .into_iter()
            .find_map(|(what, has)| has.then_some(what))
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

/// Shows what was found wrong with the hello pages at the last reading, or nothing any more.
pub(super) fn say_hello(wires: &Wires, notes: &[String]) {
    let text = notes.join("; ");
    wires.notice(Fact::Hello, (!notes.is_empty()).then_some(text.as_str()));
}

/// The outcome of a configuration that is in force. `blind`: why changes of it are found late.
pub(super) fn taken(source: &Source, checks: usize, blind: Option<&str>) -> Outcome {
    let late = blind.map(|why| format!("; changes are found late: {why}"));
    let late = late.unwrap_or_default();
    Outcome::pass(&format!("{source} is in force, {checks} checks{late}"))
}
