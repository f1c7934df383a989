//! The first thing that a started daemon decides: how long it was away, and what it watches.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Plan;
use crate::core::input::Input;
use crate::core::time::Time;
use crate::inbox::{Answer, Inbox};

/// How long the engine gets to take the first plan: a journal of a million rows is read by then.
const FIRST_PLAN: Duration = Duration::from_secs(30);

/// The time since we were last alive.
pub(super) struct Gap {
    pub(super) last_alive: Option<Time>,
    pub(super) now: Time,
}

/// The time in which we did not run, and then the first plan: with it deadlines are judged, and they are later by
/// that time.
pub(super) async fn adopt(inbox: &Inbox, plan: &Plan, gap: Gap) -> anyhow::Result<()> {
    if let Some(from) = gap.last_alive.filter(|&from| from < gap.now) {
        let deaf = Input::Deaf {
            from,
            to: gap.now,
            reason: "not running".into(),
        };
        inbox.ask(deaf, FIRST_PLAN).await;
    }
    match inbox
        .ask(Input::Plan(Arc::new(plan.roster())), FIRST_PLAN)
        .await
    {
        Answer::Done | Answer::Nothing => {}
        // Nothing can be remembered, but everything can be watched.
        Answer::NotDurable => {
            tracing::error!("the journal cannot be written: watching all the same");
        }
        Answer::Busy => anyhow::bail!(
            "the engine did not take the configuration within {} s",
            FIRST_PLAN.as_secs()
        ),
    }
    Ok(())
}
